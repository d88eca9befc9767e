import type { JsonObject } from '@flushout/core'
import { createPool } from './pool.ts'
import { change, COMMANDS, inProcess, type Scheme, type Todos } from './scheme.ts'
import { MODELS } from './spread.ts'

const CREATE =
  'create table locked (key int primary key, command_count bigint not null, document text not null)'

/** A transaction that locks the row, so that nothing is done in vain and others wait. */
export async function createSelectForUpdate(url: string, document: JsonObject): Promise<Scheme> {
  const pool = createPool(url)
  await pool.query(CREATE)
  const insert = 'insert into locked select n, 0, $1 from generate_series(0, $2::int - 1) n'
  await pool.query(insert, [JSON.stringify(document), MODELS])
  const lock = { name: 'lock', text: 'select document from locked where key = $1 for update' }
  const write = {
    name: 'write',
    text: `
      update locked set command_count = command_count + ${COMMANDS}, document = $2 where key = $1`,
  }
  return inProcess('select for update', {
    async flush(model, writer) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const { rows } = await client.query({ ...lock, values: [model] })
        const next = JSON.parse((rows[0] as { document: string }).document) as Todos
        change(next, writer)
        await client.query({ ...write, values: [model, JSON.stringify(next)] })
        await client.query('commit')
      } finally {
        client.release()
      }
    },
    async countCommands() {
      const sql = 'select sum(command_count)::float8 as count from locked'
      return ((await pool.query(sql)).rows[0] as { count: number }).count
    },
    async read(model) {
      const { rows } = await pool.query('select document from locked where key = $1', [model])
      return JSON.parse((rows[0] as { document: string }).document) as JsonObject
    },
    close: () => pool.end(),
  })
}
