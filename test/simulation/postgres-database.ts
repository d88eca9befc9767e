import type { ClientRecord, EntryNote, LogEntry } from '@flushout/core'
import {
  postgresStore,
  type ModelStore,
  type PostgresClient,
  type PostgresPool,
} from '@flushout/server'
import pg from 'pg'
import type { Content, Database } from './database.ts'

const TABLES = ['model', 'flush', 'client'] as const
type Rows = Record<(typeof TABLES)[number], Record<string, unknown>[]>

/** The real tables and the real statements, on a real Postgres. */
export class PostgresDatabase implements Database {
  readonly store: ModelStore
  readonly #pool: pg.Pool
  readonly #rows = new WeakMap<Content, Rows>()
  #statementsLeft = Number.POSITIVE_INFINITY

  constructor(connectionString: string) {
    this.#pool = new pg.Pool({ connectionString, max: 2 })
    this.store = postgresStore({ pool: this.#createBreakablePool() })
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  breakAfter(statements: number): void {
    this.#statementsLeft = statements
  }

  async look(key: string): Promise<Content | undefined> {
    const rows = {} as Rows
    for (const table of TABLES) {
      const order = table === 'flush' ? 'order by to_count' : ''
      const sql = `select * from flushout.${table} where key = $1 ${order}`
      rows[table] = (await this.#pool.query(sql, [key])).rows
    }
    const content = toContent(rows)
    if (content) this.#rows.set(content, rows)
    return content
  }

  async texts(key: string): Promise<string> {
    const all: unknown[] = []
    for (const table of [...TABLES, 'checkpoint']) {
      const { rows } = await this.#pool.query(`select * from flushout.${table} where key = $1`, [
        key,
      ])
      all.push(rows)
    }
    return JSON.stringify(all)
  }

  async put(key: string, content: Content | undefined): Promise<void> {
    for (const table of TABLES) {
      await this.#pool.query(`delete from flushout.${table} where key = $1`, [key])
      for (const row of (content && this.#rows.get(content)?.[table]) ?? []) {
        const places = Object.keys(row).map((_, index) => `$${index + 1}`)
        await this.#pool.query(
          `insert into flushout.${table} (${Object.keys(row).join()}) values (${places.join()})`,
          Object.values(row).map((value) => (isParsed(value) ? JSON.stringify(value) : value)),
        )
      }
    }
  }

  /** Connections that break where the run wants them to. */
  #createBreakablePool(): PostgresPool {
    const breakable = new WeakMap<PostgresClient, PostgresClient>()
    const wrap = (client: PostgresClient): PostgresClient => ({
      query: (query) => {
        this.#statementsLeft -= 1
        if (this.#statementsLeft >= 0) return client.query(query)
        return Promise.reject(new Error('The connection broke.'))
      },
      release: (error) => client.release(error),
      on: (event, listener) => client.on(event, listener),
    })
    return {
      connect: async () => {
        const client = (await this.#pool.connect()) as unknown as PostgresClient
        const wrapped = breakable.get(client) ?? wrap(client)
        breakable.set(client, wrapped)
        return wrapped
      },
    }
  }
}

function isParsed(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function toContent({ model, flush, client }: Rows): Content | undefined {
  const row = model[0]
  if (!row) return undefined
  return {
    head: {
      commandCount: Number(row['command_count']),
      revision: Number(row['revision']),
      hash: row['hash'] as string,
    },
    floor: { commandCount: Number(row['floor_count']), hash: row['floor_hash'] as string },
    checkpoint: {
      commandCount: Number(row['checkpoint_count']),
      hash: row['checkpoint_hash'] as string,
      text: row['checkpoint'] as string,
    },
    entries: flush.map((entry) => ({
      from: Number(entry['from_count']),
      hash: entry['hash'] as string,
      clientId: entry['client_id'] as string,
      sequence: Number(entry['sequence']),
      userId: entry['user_id'] as string | null,
      at: Number(entry['at']),
      commands: entry['commands'] as LogEntry['commands'],
      ...(entry['notes'] !== null && { notes: entry['notes'] as EntryNote[] }),
      salt: entry['salt'] as string,
      ...(entry['seal'] !== null && { seal: entry['seal'] as string }),
    })),
    clients: client.map((record) => ({
      clientId: record['client_id'] as string,
      userId: record['user_id'] as string | null,
      sequence: Number(record['sequence']),
      at: Number(record['seen_at']),
      digest: record['digest'] as string,
      answer: record['answer'] as ClientRecord['answer'],
    })),
    lastExpired: row['last_expired'] as string,
    erasures: Number(row['erasures']),
  }
}
