import { allowAnyone } from '../authorize.ts'
import { postgresStore } from '../postgres-store.ts'
import { createService } from '../service.ts'
import { tell, UsageError, type CliCommand } from './cli-command.ts'
import { databaseOptions, readDatabase } from './database-options.ts'

export const erase: CliCommand = {
  usage: `flushout erase --model key [--url postgres://…] [--schema flushout] todos a

  Deletes what is at a path of a model, of which each key is a word here, and erases it for
  good from the history and from old versions. Servers may go on. The rules of the
  application are not asked. Ends with 0 if nothing is left of it, with 2 where that failed.
`,
  options: { ...databaseOptions, model: { type: 'string' } },
  async run(call) {
    const { model } = call.values
    const path = call.positionals
    if (typeof model !== 'string') throw new UsageError('Say which model: --model key')
    if (path.length === 0) throw new UsageError('Say what to erase, by the keys of its path.')
    const service = createService({
      store: postgresStore(readDatabase(call)),
      authorize: allowAnyone,
      // A key may look like a pattern, and fits it then.
      models: [{ pattern: model }],
    })
    try {
      const { entries, checkpoints, clients } = await service.models.erase(model, path)
      const rows = `${entries} entries, ${checkpoints} checkpoints and ${clients} answers`
      return tell(process.stdout, `Erased from ${rows}.\n`, 0)
    } finally {
      await service.close()
    }
  },
}
