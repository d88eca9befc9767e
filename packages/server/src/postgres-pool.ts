import { FlushoutError } from '@flushout/core'
import pg from 'pg'

/** What the store uses of a `pg.Pool`. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
}

/** A pool that belongs to the store. */
export interface ClosablePool extends PostgresPool {
  end(): Promise<void>
}

/** What the store uses of a client of a `pg.Pool`. */
export interface PostgresClient {
  query(query: {
    name?: string
    text: string
    values?: unknown[]
  }): Promise<{ rows: Record<string, unknown>[] }>
  release(error?: Error | boolean): void
  on(event: 'error' | 'end' | 'notification', listener: (detail: never) => void): unknown
}

export interface PostgresPoolOptions {
  /** As `postgres://user:password@host:5432/database`. */
  readonly connectionString?: string | undefined
  /**
   * Default 10. More do not make it faster: commits are joined. One more listens
   * while clients are connected live.
   */
  readonly maxConnections?: number
  /** After how long a statement is given up, in milliseconds. Default 10,000. */
  readonly statementTimeoutMs?: number
}

/** Run something on a connection; one that may be broken is not used again. */
export async function onConnection<Result>(
  pool: PostgresPool,
  run: (client: PostgresClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect()
  hear(client)
  try {
    const result = await run(client)
    client.release()
    return result
  } catch (error) {
    client.release(await cannotGoOn(client, error))
    throw error
  }
}

const READ_ONLY = '25006'

const heard = new WeakSet<PostgresClient>()

/**
 * Hear of a connection that breaks between two statements, or once more after
 * its statement has failed: unheard, it would end the process. Whoever uses it
 * next finds out by themselves.
 */
function hear(client: PostgresClient): void {
  if (heard.has(client)) return
  heard.add(client)
  client.on('error', () => {})
}

/** End what a failed run began. True if the connection is of no use any more. */
async function cannotGoOn(client: PostgresClient, error: unknown): Promise<boolean> {
  const { severity, code } = Object(error) as { severity?: unknown; code?: unknown }
  // Only what Postgres itself reports as a plain error leaves a connection whole.
  // Else it broke, or the answer to a statement may still be under way.
  if (severity !== 'ERROR') return true
  // It leads to a standby, as after a fail-over; a new one may lead to the primary.
  if (code === READ_ONLY) return true
  try {
    await client.query({ text: 'rollback' })
    return false
  } catch {
    return true
  }
}

/** A serialization failure or a deadlock: somebody else was first. */
export function isLostRace(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown }
  return code === '40001' || code === '40P01'
}

/** A pool for the store alone. */
export function createPool(options: PostgresPoolOptions): ClosablePool {
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
    // What a statement does is the same whatever its values are: plan it once.
    options: '-c plan_cache_mode=force_generic_plan',
    keepAlive: true,
    application_name: 'flushout',
  })
  // The same for one that breaks while idle; the pool replaces it.
  pool.on('error', () => {})
  return pool
}
