import type { PostgresClient, PostgresPool } from '@flushout/server'
import pg from 'pg'
import type { ClosablePool } from '../../src/postgres-pool.ts'

type Query = Parameters<PostgresClient['query']>[0]
type Answer = Awaited<ReturnType<PostgresClient['query']>>

/** Runs a query, or does something about it; `send` passes it on to Postgres. */
export type Hand = (query: Query, send: () => Promise<Answer>, pid: number) => Promise<Answer>

/** A pool whose queries go through a hand that may break, delay or fail them. */
export class BrittlePool implements PostgresPool {
  readonly #pool: ClosablePool
  readonly #clients = new WeakMap<PostgresClient, PostgresClient>()
  hand: Hand = (_query, send) => send()

  constructor(pool: ClosablePool) {
    this.#pool = pool
  }

  static open(connectionString: string, options: pg.PoolConfig = {}): BrittlePool {
    const pool = new pg.Pool({ connectionString, max: 4, ...options })
    pool.on('error', () => {})
    return new BrittlePool(pool)
  }

  async connect(): Promise<PostgresClient> {
    const client = await this.#pool.connect()
    const known = this.#clients.get(client) ?? this.#wrap(client)
    this.#clients.set(client, known)
    return known
  }

  end(): Promise<void> {
    return this.#pool.end()
  }

  #wrap(client: PostgresClient): PostgresClient {
    const { processID } = client as unknown as { processID: number }
    return {
      query: (query) => this.hand(query, () => client.query(query), processID),
      release: (error) => client.release(error),
      on: (event, listener) => client.on(event, listener),
    }
  }
}

/**
 * Let the connection of one query die for good: `before` it reaches Postgres, or
 * `after` it took effect, so that nobody hears its answer.
 */
export function cutAt(when: 'before' | 'after', number: number, killer: pg.Client): Hand {
  let count = 0
  return async (_query, send, pid) => {
    count += 1
    if (count !== number) return send()
    if (when === 'after') await send()
    await endBackend(killer, pid)
    if (when === 'before') return send()
    throw new Error('Connection terminated unexpectedly')
  }
}

/** End a connection from the side of Postgres, and wait until it is gone with its locks. */
async function endBackend(killer: pg.Client, pid: number): Promise<void> {
  await killer.query('select pg_terminate_backend($1, 10000)', [pid])
}

/** An error as Postgres reports it. */
export function postgresError(code: string, message: string, severity = 'ERROR'): Error {
  return Object.assign(new Error(message), { code, severity })
}
