import { FlushoutError, type Snapshot } from '@flushout/core'
import pg from 'pg'
import { migrations } from './postgres-migrations.ts'
import { toClients, toColumns, toEntries, toHead } from './postgres-rows.ts'
import { createStatements, type Statement, type Statements } from './postgres-statements.ts'
import {
  isUnbroken,
  type Head,
  type ModelStore,
  type News,
  type Outcome,
  type StoredModel,
  type Stretch,
  type Write,
} from './store.ts'

/** What the store uses of a `pg.Pool`. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
}

/** What the store uses of a client of a `pg.Pool`. */
export interface PostgresClient {
  query(query: { name?: string; text: string; values?: unknown[] }): Promise<{ rows: any[] }>
  release(error?: Error | boolean): void
}

export interface PostgresStoreOptions {
  /** As `postgres://user:password@host:5432/database`. */
  readonly connectionString?: string
  /** Instead: a pool of the application, which stays open when the store closes. */
  readonly pool?: PostgresPool
  /** Default 10. More do not make it faster: commits are joined. */
  readonly maxConnections?: number
  /** Where the tables lie; made if missing. Default `flushout`. */
  readonly schema?: string
  /** After how long a statement is given up, in milliseconds. Default 10,000. */
  readonly statementTimeoutMs?: number
  /**
   * Start even where `synchronous_commit` is off. Postgres then forgets
   * acknowledged flushes when it crashes.
   */
  readonly allowAsynchronousCommit?: boolean
}

/** Beyond so much news, loading the model again is the shorter way. */
const MAX_NEWS_BYTES = 1024 * 1024
const OLDEST_VERSION = 140_000
const MAX_REPEATS = 10

/**
 * Models in Postgres 14 or newer, shared by any number of servers. `migrate`
 * makes the tables `model`, `flush` and `client`.
 */
export function postgresStore(options: PostgresStoreOptions): ModelStore {
  return new PostgresStore(options)
}

class PostgresStore implements ModelStore {
  readonly #pool: PostgresPool
  // Ours to close; undefined for a pool of the application.
  readonly #ownPool: pg.Pool | undefined
  readonly #schemaName: string
  // The same as a quoted identifier.
  readonly #schema: string
  readonly #statements: Statements
  readonly #allowAsynchronousCommit: boolean
  #closed: Promise<void> | undefined

  constructor(options: PostgresStoreOptions) {
    const { pool, schema = 'flushout', allowAsynchronousCommit = false } = options
    if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema)) {
      throw new FlushoutError('OPTIONS_INVALID', `"${schema}" is not a plain name for a schema.`)
    }
    this.#ownPool = pool ? undefined : createPool(options)
    this.#pool = pool ?? this.#ownPool!
    this.#schemaName = schema
    this.#schema = `"${schema}"`
    this.#statements = createStatements(this.#schema)
    this.#allowAsynchronousCommit = allowAsynchronousCommit
  }

  async migrate(): Promise<void> {
    await this.#use(async (client) => {
      await this.#checkServer(client)
      if ((await this.#version(client)) >= migrations.length) return
      // Whatever the default isolation is: after the wait for the lock, what the
      // one before committed has to be seen.
      await client.query({ text: 'begin isolation level read committed' })
      await client.query({
        text: 'select pg_advisory_xact_lock(73057, hashtext($1))',
        values: [this.#schema],
      })
      const version = await this.#version(client)
      if (version === 0) await this.#createSchema(client)
      for (let number = version + 1; number <= migrations.length; number += 1) {
        await client.query({ text: migrations[number - 1]!(this.#schema) })
        await client.query({
          text: `insert into ${this.#schema}.migration (number) values ($1)`,
          values: [number],
        })
      }
      await client.query({ text: 'commit' })
    })
  }

  async ping(): Promise<void> {
    await this.#use((client) => client.query({ text: 'select 1' }))
  }

  async create(key: string, { commandCount, hash, document }: Snapshot): Promise<void> {
    await this.#query(this.#statements.create, [key, commandCount, hash, JSON.stringify(document)])
  }

  async load(key: string, clientIds: readonly string[]): Promise<StoredModel | undefined> {
    const [row] = await this.#query(this.#statements.load, [key, clientIds])
    if (!row) return undefined
    const head = toHead(row)
    const checkpoint = {
      commandCount: Number(row['checkpoint_count']),
      hash: row['checkpoint_hash'] as string,
      document: JSON.parse(row['checkpoint'] as string) as Snapshot['document'],
    }
    const tail = toEntries(row['entries'])
    if (!isUnbroken(checkpoint.commandCount, tail, head.commandCount)) {
      throw new Error(`The history of "${key}" has a gap after ${checkpoint.commandCount}.`)
    }
    return { head, checkpoint, tail, clients: toClients(row['clients']) }
  }

  async news(key: string, known: Head, clientIds: readonly string[]): Promise<News | undefined> {
    return this.#repeatably((client) => this.#news(client, key, known, clientIds))
  }

  async history(key: string, from: number, to: number, maxBytes: number): Promise<Stretch | undefined> {
    const [row] = await this.#query(this.#statements.history, [key, from, to, maxBytes])
    const entries = toEntries(row?.['entries'])
    const floorHash = row?.['floor_hash'] as string | null
    const first = entries[0]
    if (!first || floorHash === null || !isUnbroken(first.from, entries, to)) return undefined
    return { floorHash, entries }
  }

  async commit(writes: readonly Write[]): Promise<readonly Outcome[]> {
    try {
      return await this.#use((client) => this.#commit(client, writes))
    } catch (error) {
      if (writes.length === 1 && isLostRace(error)) return ['conflict']
      throw error
    }
  }

  async exclusively(
    key: string,
    known: Head,
    clientIds: readonly string[],
    stage: (news: News | undefined) => Write | undefined,
  ): Promise<Outcome> {
    try {
      return await this.#use(async (client) => {
        // The row lock takes the place of a stricter isolation.
        await client.query({ text: 'begin isolation level read committed' })
        await client.query({ ...this.#statements.lock, values: [key] })
        const write = stage(await this.#news(client, key, known, clientIds))
        const [outcome = 'conflict'] = write ? await this.#commit(client, [write]) : []
        await client.query({ text: 'commit' })
        return outcome
      })
    } catch (error) {
      if (isLostRace(error)) return 'conflict'
      throw error
    }
  }

  async trim(key: string, keep: number): Promise<void> {
    await this.#query(this.#statements.trim, [key, keep])
  }

  async close(): Promise<void> {
    this.#closed ??= this.#ownPool?.end()
    await this.#closed
  }

  async #checkServer(client: PostgresClient): Promise<void> {
    const { rows } = await client.query({
      text: `select current_setting('server_version_num')::int as version,
        current_setting('synchronous_commit') as commits`,
    })
    const { version, commits } = rows[0] as { version: number; commits: string }
    if (version < OLDEST_VERSION) {
      throw new FlushoutError('OPTIONS_INVALID', `Postgres 14 or newer is needed, not ${version}.`)
    }
    if (commits === 'off' && !this.#allowAsynchronousCommit) {
      throw new FlushoutError(
        'OPTIONS_INVALID',
        'With synchronous_commit off, Postgres forgets acknowledged flushes when it crashes. ' +
          'Turn it on, or accept that with `allowAsynchronousCommit: true`.',
      )
    }
  }

  async #version(client: PostgresClient): Promise<number> {
    // Not to_regclass: it would not see what the one before created while this
    // session waited for the lock.
    const { rows: found } = await client.query({
      text: `select 1 from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = 'migration'`,
      values: [this.#schemaName],
    })
    if (found.length === 0) return 0
    const { rows } = await client.query({
      text: `select coalesce(max(number), 0) as version from ${this.#schema}.migration`,
    })
    return rows[0].version as number
  }

  async #createSchema(client: PostgresClient): Promise<void> {
    await client.query({ text: `create schema if not exists ${this.#schema}` })
    await client.query({
      text: `create table ${this.#schema}.migration (
        number int primary key, applied_at timestamptz not null default now()
      )`,
    })
  }

  async #news(
    client: PostgresClient,
    key: string,
    known: Head,
    clientIds: readonly string[],
  ): Promise<News | undefined> {
    const values = [key, known.commandCount, clientIds, MAX_NEWS_BYTES]
    const { rows } = await client.query({ ...this.#statements.news, values })
    const row = rows[0] as Record<string, unknown> | undefined
    if (!row) return undefined
    const head = toHead(row)
    const entries = toEntries(row['entries'])
    const follows =
      row['known_hash'] === known.hash && isUnbroken(known.commandCount, entries, head.commandCount)
    return { head, entries: follows ? entries : undefined, clients: toClients(row['clients']) }
  }

  async #commit(client: PostgresClient, writes: readonly Write[]): Promise<Outcome[]> {
    const values = toColumns(writes, Date.now())
    const { rows } = await client.query({ ...this.#statements.commit, values })
    const won = new Set(rows.map(({ key }) => key as string))
    return writes.map(({ key }) => (won.has(key) ? 'committed' : 'conflict'))
  }

  async #query(statement: Statement, values: unknown[]): Promise<Record<string, unknown>[]> {
    const { rows } = await this.#repeatably((client) => client.query({ ...statement, values }))
    return rows
  }

  /**
   * Run something that may be run twice. Under stricter isolation even a look-up
   * can be sent back because of what others write.
   */
  async #repeatably<Result>(run: (client: PostgresClient) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#use(run)
      } catch (error) {
        if (!isLostRace(error) || attempt === MAX_REPEATS) throw error
      }
    }
  }

  /** Run something on a connection; one that may be broken is not used again. */
  async #use<Result>(run: (client: PostgresClient) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect()
    try {
      const result = await run(client)
      client.release()
      return result
    } catch (error) {
      client.release(await cannotGoOn(client, error))
      throw error
    }
  }
}

/** End what a failed run began. True if the connection is of no use any more. */
async function cannotGoOn(client: PostgresClient, error: unknown): Promise<boolean> {
  // Only what Postgres itself reports as a plain error leaves a connection whole.
  // Else it broke, or the answer to a statement may still be under way.
  if ((Object(error) as { severity?: unknown }).severity !== 'ERROR') return true
  try {
    await client.query({ text: 'rollback' })
    return false
  } catch {
    return true
  }
}

/** A serialization failure or a deadlock: somebody else was first. */
function isLostRace(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown }
  return code === '40001' || code === '40P01'
}

function createPool(options: PostgresStoreOptions): pg.Pool {
  const { connectionString, maxConnections = 10, statementTimeoutMs = 10_000 } = options
  if (!connectionString) {
    throw new FlushoutError('OPTIONS_INVALID', 'Give postgresStore a connectionString or a pool.')
  }
  const pool = new pg.Pool({
    connectionString,
    max: maxConnections,
    connectionTimeoutMillis: 5000,
    statement_timeout: statementTimeoutMs,
    // For a network that swallows the answer; Postgres itself gives up before.
    query_timeout: statementTimeoutMs + 5000,
    // Should this process stop within a transaction, others get the row lock.
    idle_in_transaction_session_timeout: statementTimeoutMs,
    keepAlive: true,
    application_name: 'flushout',
  })
  // A connection that breaks while idle is replaced; unheard, it would end the process.
  pool.on('error', () => {})
  return pool
}
