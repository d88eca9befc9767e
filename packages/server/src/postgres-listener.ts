// One connection that listens, while it is wanted:
//
//   idle ──want──► connecting ──► listening ──unwant──► idle
//                      ▲              │ lost
//                      └── back-off ◄─┘
//
// What is published while nobody is connected is lost.
import { onConnection, type PostgresClient, type PostgresPool } from './postgres-pool.ts'

const PROBE_MS = 15_000
const FIRST_BACKOFF_MS = 200
const MAX_BACKOFF_MS = 10_000

export interface PostgresListenerOptions {
  readonly pool: PostgresPool
  readonly channel: string
  readonly onMessage: (text: string) => void
  /** From now on messages come; also after each interruption. */
  readonly onListening: () => void
  /** How often a connection that says nothing is asked whether it lives. Default 15,000 ms. */
  readonly probeMs?: number
}

/** Listens on a channel of Postgres, and on a new connection when one is lost. */
export class PostgresListener {
  readonly #options: PostgresListenerOptions
  // Heard for as long as they live: a pool hands out the same ones again.
  readonly #attached = new WeakSet<PostgresClient>()
  #client: PostgresClient | undefined
  #isWanted = false
  #running: Promise<void> | undefined
  // Ends what is waited for now: a back-off, or the end of a connection.
  #wake: (error?: Error) => void = () => {}

  constructor(options: PostgresListenerOptions) {
    this.#options = options
  }

  start(): void {
    this.#isWanted = true
    this.#running ??= this.#run()
  }

  /** Resolves when the connection is back in its pool, and listens no more. */
  async stop(): Promise<void> {
    this.#isWanted = false
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    let backoffMs = FIRST_BACKOFF_MS
    while (this.#isWanted) {
      try {
        await onConnection(this.#options.pool, (client) =>
          this.#listen(client, () => void (backoffMs = FIRST_BACKOFF_MS)),
        )
      } catch {
        await this.#pause(backoffMs * (0.5 + Math.random() / 2))
        backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)
      }
    }
    this.#running = undefined
  }

  async #listen(client: PostgresClient, onListening: () => void): Promise<void> {
    if (!this.#isWanted) return
    const { channel } = this.#options
    this.#attach(client)
    this.#client = client
    try {
      await client.query({ text: `listen "${channel}"` })
      onListening()
      this.#options.onListening()
      await this.#untilOver(client)
      await client.query({ text: `unlisten "${channel}"` })
    } catch (error) {
      // Not as Postgres reports it: a connection that may still listen is never
      // fit for anything else.
      throw new Error('The connection that listened is lost.', { cause: error })
    } finally {
      this.#client = undefined
    }
  }

  /** Resolves when nobody wants to hear any more; rejects when the connection is lost. */
  async #untilOver(client: PostgresClient): Promise<void> {
    let isAnswered = true
    // A network that swallows everything looks like nothing to tell.
    const probe = setInterval(() => {
      if (!isAnswered) return this.#lose(client, 'No answer.')
      isAnswered = false
      client.query({ text: 'select 1' }).then(
        () => void (isAnswered = true),
        () => this.#lose(client, 'A probe failed.'),
      )
    }, this.#options.probeMs ?? PROBE_MS)
    probe.unref()
    try {
      await this.#wait()
    } finally {
      clearInterval(probe)
    }
  }

  #attach(client: PostgresClient): void {
    if (this.#attached.has(client)) return
    this.#attached.add(client)
    const lose = () => this.#lose(client, 'The connection broke.')
    client.on('error', lose)
    client.on('end', lose)
    client.on('notification', ({ channel, payload }: { channel: string; payload?: string }) => {
      const isMine = client === this.#client && channel === this.#options.channel
      if (isMine && payload) this.#options.onMessage(payload)
    })
  }

  /** Give a connection up, unless that was done already: what is waited for now is another thing then. */
  #lose(client: PostgresClient, why: string): void {
    if (client === this.#client) this.#wake(new Error(why))
  }

  async #pause(delayMs: number): Promise<void> {
    const timer = setTimeout(() => this.#wake(), delayMs)
    timer.unref()
    await this.#wait()
    clearTimeout(timer)
  }

  /** Resolves, or rejects with its error, when something calls `#wake`. */
  async #wait(): Promise<void> {
    if (!this.#isWanted) return
    await new Promise<void>((resolve, reject) => {
      this.#wake = (error) => (error ? reject(error) : resolve())
    })
  }
}
