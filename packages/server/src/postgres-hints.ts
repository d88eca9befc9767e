import type { Hints, Notice } from './hints.ts'
import { parsePayload, toPayloads } from './notice-payload.ts'
import { NoticeQueue } from './notice-queue.ts'
import { PostgresListener } from './postgres-listener.ts'
import { onConnection, type PostgresPool } from './postgres-pool.ts'

// Each statement takes a lock that all who notify share, until it has committed.
const GAP_MS = 20
const GAP_AFTER_FAILURE_MS = 1000

const NOTIFY = {
  name: 'flushout notify',
  text: 'select pg_notify($1, p) from unnest($2::text[]) as p',
}

export interface PostgresHintsOptions {
  readonly pool: PostgresPool
  /** Where a connection may be kept for as long as somebody listens. */
  readonly listenPool: PostgresPool
  readonly channel: string
}

/**
 * Notices by NOTIFY, in statements of their own: within a write's transaction
 * they would make all writers wait for each other.
 */
export class PostgresHints implements Hints {
  readonly #id = crypto.randomUUID()
  readonly #options: PostgresHintsOptions
  readonly #queue = new NoticeQueue()
  readonly #listeners = new Set<(notice: Notice) => void>()
  readonly #listener: PostgresListener
  #isClosed = false
  #sending: Promise<void> | undefined
  #endPause: () => void = () => {}

  constructor(options: PostgresHintsOptions) {
    this.#options = options
    this.#listener = new PostgresListener({
      pool: options.listenPool,
      channel: options.channel,
      onMessage: (text) => this.#hear(text),
      // What others told before, or during an interruption, was not heard.
      onListening: () => this.publish({ kind: 'roll-call' }),
    })
  }

  publish(notice: Notice): void {
    if (this.#isClosed) return
    this.#queue.add(notice)
    this.#sending ??= this.#sendAll()
  }

  listen(hear: (notice: Notice) => void): () => void {
    if (this.#isClosed) return () => {}
    // Its own each time, as the same function may listen twice.
    const own = (notice: Notice) => hear(notice)
    this.#listeners.add(own)
    this.#listener.start()
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) void this.#listener.stop()
    }
  }

  /** Tell what waits, and let go of connections. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#listeners.clear()
    this.#endPause()
    await Promise.all([this.#listener.stop(), this.#sending])
  }

  #hear(text: string): void {
    const { from, notices } = parsePayload(text)
    if (from === this.#id) return
    for (const notice of notices) for (const hear of this.#listeners) hear(notice)
  }

  async #sendAll(): Promise<void> {
    // What is told in one go goes in one statement.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#queue.size > 0) {
      await this.#pause((await this.#send(this.#queue.takeAll())) ? GAP_MS : GAP_AFTER_FAILURE_MS)
    }
    // At once after the last look into the queue, so that nothing stays in it.
    this.#sending = undefined
  }

  async #send(notices: readonly Notice[]): Promise<boolean> {
    const { pool, channel } = this.#options
    try {
      const values = [channel, toPayloads(this.#id, notices)]
      await onConnection(pool, (client) => client.query({ ...NOTIFY, values }))
      return true
    } catch {
      // They are hints, and old ones help nobody when the database is back.
      return false
    }
  }

  async #pause(delayMs: number): Promise<void> {
    if (this.#isClosed) return
    await new Promise<void>((resolve) => {
      this.#endPause = resolve
      setTimeout(resolve, delayMs).unref()
    })
  }
}
