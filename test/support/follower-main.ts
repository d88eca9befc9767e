// A follower in a process of its own, which is killed now and then: it keeps the table
// of the example, and writes down what it was told. Its database comes as its argument.
import { followModels, postgresStore } from '@flushout/server'
import pg from 'pg'
import { TABLE, viewChange } from '../readme/key-value-view.ts'

const connectionString = process.argv[2]!
const store = postgresStore({ connectionString, maxConnections: 4 })
const pool = new pg.Pool({ connectionString, max: 4 })
await pool.query(TABLE)
await pool.query(`create table if not exists told (
  number bigint generated always as identity, key text, kind text, "from" bigint, "to" bigint
)`)

followModels({
  store,
  name: 'node-view',
  patterns: ['todos:*'],
  leaseMs: 300,
  pollMs: 200,
  onChange: async (change) => {
    const { key, kind } = change
    const [from, to] =
      kind === 'entries'
        ? [
            change.entries[0]!.from,
            change.entries.at(-1)!.from + change.entries.at(-1)!.commands.length,
          ]
        : [0, kind === 'snapshot' ? change.snapshot.commandCount : 0]
    await pool.query('insert into told (key, kind, "from", "to") values ($1, $2, $3, $4)', [
      key,
      kind,
      from,
      to,
    ])
    await viewChange(pool, change)
    process.send?.('told')
  },
})
// Whoever started it is gone: nobody else would end it.
process.on('disconnect', () => process.exit(1))
