import pg from 'pg'
import { verifyDatabase } from '../verify/verify-database.ts'
import { tell, UsageError, type CliCommand } from './cli-command.ts'
import { databaseOptions, readDatabase } from './database-options.ts'
import { Progress } from './progress.ts'

export const verify: CliCommand = {
  usage: `flushout verify [--url postgres://…] [--schema flushout]

  Checks log, hash chain, checkpoints and client rows of all models, and names the first
  fault. Only reads; servers may go on. Ends with 0 if nothing is wrong, with 1 at a fault,
  with 2 where it could not check.
`,
  options: databaseOptions,
  async run(call) {
    if (call.positionals.length > 0) throw new UsageError('verify checks all models.')
    const { connectionString, schema } = readDatabase(call)
    const client = new pg.Client({ connectionString })
    await client.connect()
    try {
      return await verifyAll(client, schema)
    } finally {
      await client.end()
    }
  },
}

async function verifyAll(client: pg.Client, schema: string): Promise<number> {
  const progress = new Progress('models')
  let checked = 0
  let erased = 0
  for await (const event of verifyDatabase(client, schema)) {
    if (event.kind === 'fault') {
      progress.clear()
      return tell(process.stderr, `${event.fault}\n`, 1)
    }
    ;({ checked, erased } = event)
    progress.show(event.checked, event.models)
  }
  progress.clear()
  const gaps = erased > 0 ? ` From ${erased} entries something was erased.` : ''
  return tell(process.stdout, `${checked} models, nothing wrong.${gaps}\n`, 0)
}
