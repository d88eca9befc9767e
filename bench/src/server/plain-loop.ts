import type { JsonObject } from '@flushout/core'
import pg from 'pg'

/** The document that `makeDocument` makes. */
interface Todos {
  readonly todos: { readonly [id: string]: { text: string; done: boolean } }
}

const SETUP = `
  create table if not exists plain (
    key text primary key, command_count bigint not null, document text not null
  )`

/**
 * The scheme that everybody writes first: read the document, apply, write it if nobody else
 * did meanwhile, else again. What others wrote is in the answer, as it is in ours.
 */
export class PlainLoop {
  readonly #pool: pg.Pool
  /** How often a document was read, changed and written. */
  tries = 0

  constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 10 })
    // The server may end before its connections do.
    this.#pool.on('error', () => {})
  }

  /** Make the table, and these models in it. */
  async create(keys: readonly string[], document: JsonObject): Promise<void> {
    await this.#pool.query(SETUP)
    const text = `insert into plain select key, 0, $2 from unnest($1::text[]) as key on conflict do nothing`
    await this.#pool.query(text, [keys, JSON.stringify(document)])
  }

  /** Two commands of one writer: one sets a text, one ticks a todo. */
  async flush(key: string, writer: string): Promise<void> {
    for (;;) {
      this.tries += 1
      const read = { name: 'read', text: 'select * from plain where key = $1', values: [key] }
      const row = (await this.#pool.query(read)).rows[0] as {
        command_count: string
        document: string
      }
      const { todos } = JSON.parse(row.document) as Todos
      todos['t0']!.text = `by ${writer}`
      todos['t1']!.done = !todos['t1']!.done
      const swap = {
        name: 'swap',
        text: 'update plain set command_count = command_count + 2, document = $3 where key = $1 and command_count = $2',
        values: [key, row.command_count, JSON.stringify({ todos })],
      }
      if ((await this.#pool.query(swap)).rowCount === 1) return
    }
  }

  async countOf(key: string): Promise<number> {
    const { rows } = await this.#pool.query('select command_count from plain where key = $1', [key])
    return Number((rows[0] as { command_count: string }).command_count)
  }

  close(): Promise<void> {
    return this.#pool.end()
  }
}
