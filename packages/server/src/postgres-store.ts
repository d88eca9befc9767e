import {
  endOf,
  FIRST_VERSION,
  firstIdAt,
  FlushoutError,
  type JsonObject,
  type LogEntry,
  type Path,
  type Snapshot,
} from '@flushout/core'
import type { Cursors } from './followers/cursors.ts'
import { createPostgresCursors } from './followers/postgres-cursors.ts'
import type { Hints } from './hints.ts'
import { erase } from './postgres-erase.ts'
import { PostgresHints } from './postgres-hints.ts'
import { migrate } from './postgres-migrate.ts'
import {
  createPool,
  isLostRace,
  onConnection,
  type ClosablePool,
  type PostgresClient,
  type PostgresPool,
  type PostgresPoolOptions,
} from './postgres-pool.ts'
import {
  toColumns,
  toEntries,
  toHead,
  toKnown,
  toListedModel,
  toSchema,
  toSnapshot,
} from './postgres-rows.ts'
import { createStatements, type Statement, type Statements } from './postgres-statements.ts'
import {
  isUnbroken,
  type ClientRange,
  type EntryRange,
  type Erased,
  type Head,
  type ListedModel,
  type ModelStore,
  type News,
  type Outcome,
  type StoredModel,
  type Stretch,
  type TrimRange,
  type Trimmed,
  type Write,
} from './store.ts'

export interface PostgresStoreOptions extends PostgresPoolOptions {
  /**
   * Instead: a pool of the application, which stays open when the store closes. It
   * lends one connection for as long as clients are connected live, so let it have
   * two at least.
   */
  readonly pool?: PostgresPool
  /** Where the tables lie; made if missing. Default `flushout`. */
  readonly schema?: string
  /**
   * Start even where `synchronous_commit` is off. Postgres then forgets
   * acknowledged flushes when it crashes.
   */
  readonly allowAsynchronousCommit?: boolean
}

/** Beyond so much news, loading the model again is the shorter way. */
const MAX_NEWS_BYTES = 1024 * 1024
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
  // Keeps a connection while somebody listens, which must not be one of those
  // that statements wait for.
  readonly #listenPool: PostgresPool
  // Ours to close; none where the application gave a pool.
  readonly #ownPools: readonly ClosablePool[]
  readonly #hints: PostgresHints[] = []
  readonly #schema: string
  readonly #statements: Statements
  readonly #allowAsynchronousCommit: boolean
  #closed: Promise<void> | undefined

  constructor(options: PostgresStoreOptions) {
    const { pool, schema = 'flushout', allowAsynchronousCommit = false } = options
    if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema)) {
      throw new FlushoutError('OPTIONS_INVALID', `"${schema}" is not a plain name for a schema.`)
    }
    this.#ownPools = pool ? [] : [createPool(options), createPool(options)]
    this.#pool = pool ?? this.#ownPools[0]!
    this.#listenPool = pool ?? this.#ownPools[1]!
    this.#schema = schema
    this.#statements = createStatements(`"${schema}"`)
    this.#allowAsynchronousCommit = allowAsynchronousCommit
  }

  async migrate(): Promise<void> {
    await onConnection(this.#pool, (client) =>
      migrate(client, this.#schema, { allowAsynchronousCommit: this.#allowAsynchronousCommit }),
    )
  }

  async ping(): Promise<void> {
    await onConnection(this.#pool, async (client) => {
      const { rows } = await client.query({
        text: `select current_setting('transaction_read_only') = 'on' as only_reads`,
      })
      if (rows[0]!['only_reads']) throw new Error('The database is a standby, or read-only.')
    })
  }

  async create(key: string, snapshot: Snapshot, config?: JsonObject): Promise<boolean> {
    const { commandCount, hash, document, schema = FIRST_VERSION } = snapshot
    const text = JSON.stringify(document)
    const values = [key, commandCount, hash, text, toText(config), schema]
    return (await this.#query(this.#statements.create, values)).length > 0
  }

  async load(key: string, clientIds: readonly string[]): Promise<StoredModel | undefined> {
    const [row] = await this.#query(this.#statements.load, [key, clientIds])
    if (!row) return undefined
    const head = toHead(row)
    const checkpoint = {
      commandCount: Number(row['checkpoint_count']),
      hash: row['checkpoint_hash'] as string,
      document: JSON.parse(row['checkpoint'] as string) as Snapshot['document'],
      ...toSchema(row['checkpoint_schema']),
    }
    const tail = toEntries(row['entries'])
    if (!isUnbroken(checkpoint.commandCount, tail, head.commandCount)) {
      throw new Error(`The history of "${key}" has a gap after ${checkpoint.commandCount}.`)
    }
    // As after tables were restored from different backups.
    if ((tail.at(-1) ?? checkpoint).hash !== head.hash) {
      throw new Error(`The history of "${key}" is not the one that its head names.`)
    }
    return { head, checkpoint, tail, ...toKnown(row) }
  }

  async news(key: string, known: Head, clientIds: readonly string[]): Promise<News | undefined> {
    return this.#repeatably((client) => this.#news(client, key, known, clientIds))
  }

  async history(
    key: string,
    from: number,
    to: number,
    maxBytes: number,
  ): Promise<Stretch | undefined> {
    const [row] = await this.#query(this.#statements.history, [key, from, to, maxBytes])
    const entries = toEntries(row?.['entries'])
    const floorHash = row?.['floor_hash'] as string | null
    const first = entries[0]
    if (!first || floorHash === null || !isUnbroken(first.from, entries, to)) return undefined
    return { floorHash, entries }
  }

  async entries(key: string, range: EntryRange): Promise<LogEntry[]> {
    const { after, before, side, limit, maxBytes } = range
    const { latestEntries, oldestEntries } = this.#statements
    const statement = side === 'latest' ? latestEntries : oldestEntries
    const [row] = await this.#query(statement, [key, after, before, limit, maxBytes])
    const entries = toEntries(row?.['entries'])
    const [first, last] = [entries[0], entries.at(-1)]
    if (first && !isUnbroken(first.from, entries, endOf(last!))) {
      throw new Error(`The history of "${key}" has a gap after ${first.from}.`)
    }
    return entries
  }

  async checkpoint(key: string, count: number): Promise<Snapshot | undefined> {
    const [row] = await this.#query(this.#statements.checkpoint, [key, count])
    return row && toSnapshot(row)
  }

  async keepCheckpoint(key: string, minBytes: number): Promise<void> {
    await this.#query(this.#statements.keepCheckpoint, [key, minBytes])
  }

  async hashes(key: string, counts: readonly number[]): Promise<(string | undefined)[]> {
    const rows = await this.#query(this.#statements.hashes, [key, counts])
    return counts.map((_, index) => (rows[index]?.['hash'] as string | null) ?? undefined)
  }

  async heads(keys: readonly string[]): Promise<ReadonlyMap<string, Head>> {
    const rows = await this.#query(this.#statements.heads, [keys])
    return new Map(rows.map((row) => [row['key'] as string, toHead(row)]))
  }

  async list({
    prefix,
    after,
    limit,
  }: Parameters<ModelStore['list']>[0]): Promise<readonly ListedModel[]> {
    const rows = await this.#query(this.#statements.list, [prefix, after, limit])
    return rows.map(toListedModel)
  }

  async configure(key: string, config: JsonObject): Promise<boolean> {
    const values = [key, toText(config)]
    return (await this.#query(this.#statements.configure, values)).length > 0
  }

  async delete(key: string): Promise<boolean> {
    return this.#repeatably(async (client) => {
      await client.query({ text: 'begin isolation level read committed' })
      await client.query({ ...this.#statements.lock, values: [key] })
      const { rows } = await client.query({ ...this.#statements.delete, values: [key] })
      await client.query({ text: 'commit' })
      return rows.length > 0
    })
  }

  async commit(writes: readonly Write[]): Promise<readonly Outcome[]> {
    try {
      return await onConnection(this.#pool, (client) => this.#commit(client, writes))
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
      return await onConnection(this.#pool, async (client) => {
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

  async trim(key: string, { keep, before, limit }: TrimRange): Promise<Trimmed> {
    const values = [key, keep, before === undefined ? null : Math.ceil(before), limit]
    const [row] = await this.#query(this.#statements.trim, values)
    if (row?.['is_more']) return 'more'
    return row?.['is_held'] ? 'held' : 'done'
  }

  async forgetClients(key: string, { before, limit }: ClientRange): Promise<'done' | 'more'> {
    const values = [key, firstIdAt(before), Math.ceil(before), limit]
    const [row] = await this.#query(this.#statements.forgetClients, values)
    return row?.['is_more'] ? 'more' : 'done'
  }

  async erase(key: string, path: Path, until: number): Promise<Erased | undefined> {
    return this.#repeatably(async (client) => {
      await client.query({ text: 'begin isolation level read committed' })
      const erased = await erase(client, `"${this.#schema}"`, key, path, until)
      await client.query({ text: 'commit' })
      return erased
    })
  }

  hints(): Hints {
    const hints = new PostgresHints({
      pool: this.#pool,
      listenPool: this.#listenPool,
      channel: `${this.#schema}_hints`,
    })
    this.#hints.push(hints)
    return hints
  }

  cursors(follower: string): Cursors {
    const query = (statement: Statement, values: unknown[]) => this.#query(statement, values)
    return createPostgresCursors(query, `"${this.#schema}"`, follower)
  }

  async close(): Promise<void> {
    this.#closed ??= this.#end()
    await this.#closed
  }

  async #end(): Promise<void> {
    await Promise.all(this.#hints.map((hints) => hints.close()))
    await Promise.all(this.#ownPools.map((pool) => pool.end()))
  }

  async #news(
    client: PostgresClient,
    key: string,
    known: Head,
    clientIds: readonly string[],
  ): Promise<News | undefined> {
    const values = [key, known.commandCount, clientIds, MAX_NEWS_BYTES]
    const { rows } = await client.query({ ...this.#statements.news, values })
    const row = rows[0]
    if (!row) return undefined
    const head = toHead(row)
    const entries = toEntries(row['entries'])
    const follows =
      row['known_hash'] === known.hash && isUnbroken(known.commandCount, entries, head.commandCount)
    return {
      head,
      entries: follows ? entries : undefined,
      ...toKnown(row),
    }
  }

  async #commit(client: PostgresClient, writes: readonly Write[]): Promise<Outcome[]> {
    const values = toColumns(writes)
    const { rows } = await client.query({ ...this.#statements.commit, values })
    const won = new Set(rows.map((row) => row['key'] as string))
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
        return await onConnection(this.#pool, run)
      } catch (error) {
        if (!isLostRace(error) || attempt === MAX_REPEATS) throw error
      }
    }
  }
}

function toText(config: JsonObject | undefined): string | null {
  return config === undefined ? null : JSON.stringify(config)
}
