import { once } from 'node:events'
import { postgresStore } from '../postgres-store.ts'
import { exportHistory } from '../replay/export-history.ts'
import { UsageError, type CliCommand } from './cli-command.ts'
import { databaseOptions, readDatabase } from './database-options.ts'
import { Progress } from './progress.ts'

export const exportCommand: CliCommand = {
  usage: `flushout export --model key [--url postgres://…] [--schema flushout] > file.jsonl

  Writes the history of a model to standard output, as far back as it is held, for
  \`flushout replay\` and \`replayFile\`. Only reads; servers may go on.
`,
  options: { ...databaseOptions, model: { type: 'string' } },
  async run(call) {
    const key = call.values['model']
    if (typeof key !== 'string' || call.positionals.length > 0) {
      throw new UsageError('Say which model: --model key')
    }
    const store = postgresStore({ ...readDatabase(call), maxConnections: 1 })
    // It would be drawn into what is shown there.
    const progress = process.stdout.isTTY ? undefined : new Progress('commands')
    try {
      for await (const { text, done, all } of exportHistory(store, key)) {
        if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain')
        progress?.show(done, all)
      }
      return 0
    } finally {
      progress?.clear()
      await store.close()
    }
  },
}
