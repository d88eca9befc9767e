import { FlushoutError, type LiveEvent, type LiveRequest } from '@flushout/core'
import type { Environment } from './environment.ts'
import { toExchangeError, untilAborted } from './exchange-error.ts'
import type { LiveTransport } from './transport.ts'

export interface LiveStreamOptions {
  readonly live: LiveTransport
  readonly request: LiveRequest
  readonly environment: Environment
  readonly hear: (stream: LiveStream, event: LiveEvent) => void
  /** Hears once, unless the stream was closed before. */
  readonly onEnd: (stream: LiveStream, error: FlushoutError) => void
}

/** Who has heard nothing by then sits behind something that holds streams back. */
const READY_MS = 3_000
const HEARTBEAT_MS = 20_000

/** One stream, from the request for it to its end or silence. */
export class LiveStream {
  readonly kind = 'stream' as const
  readonly request: LiveRequest
  /** Models and patterns of which nothing comes any more. */
  readonly refused: Set<string> = new Set()
  readonly #options: LiveStreamOptions
  readonly #abort = new AbortController()
  #clearTimer: () => void
  #heartbeatMs = HEARTBEAT_MS
  #readyAt: number | undefined
  #heardAt: number
  #bye: FlushoutError | undefined

  constructor(options: LiveStreamOptions) {
    const { environment, request } = options
    this.#options = options
    this.request = request
    this.#heardAt = environment.now()
    this.#clearTimer = environment.setTimer(() => {
      this.#end(new FlushoutError('LIVE_BLOCKED', `No event came in ${READY_MS} ms.`))
    }, READY_MS)
    void this.#run()
  }

  /** Whether events come. */
  get isProven(): boolean {
    return this.#readyAt !== undefined
  }

  /** How long it has been open. */
  get ageMs(): number {
    const now = this.#options.environment.now()
    return now - (this.#readyAt ?? now)
  }

  /** Whether the server ends it of its own accord. */
  get isBye(): boolean {
    return this.#bye !== undefined
  }

  /** Whether nothing was heard for so long that something should have been. */
  get isQuiet(): boolean {
    return this.#options.environment.now() - this.#heardAt > this.#heartbeatMs
  }

  /** End it without another word. */
  close(): void {
    this.#clearTimer()
    this.#abort.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    const { live, request } = this.#options
    // Whoever made this has to know it before it hears of anything.
    await Promise.resolve()
    try {
      await untilAborted(signal, () => live.stream(request, this.#hear, signal))
      this.#end(this.#bye ?? new FlushoutError('NETWORK', 'The stream ended.'))
    } catch (thrown) {
      this.#end(toExchangeError(thrown))
    }
  }

  #hear = (event: LiveEvent): void => {
    if (this.#abort.signal.aborted) return
    this.#heardAt = this.#options.environment.now()
    if (event.event === 'ready' && !this.isProven) {
      this.#readyAt = this.#heardAt
      // No timer goes further.
      if (event.heartbeatMs > 0) this.#heartbeatMs = Math.min(event.heartbeatMs, 1e9)
      this.#clearTimer()
      this.#listen()
    }
    if (event.event === 'bye') {
      const { retryAfterMs } = event
      this.#bye = new FlushoutError('UNAVAILABLE', 'The server ends the stream.', { retryAfterMs })
    }
    this.#options.hear(this, event)
  }

  /** Look whether something was heard lately: a dead connection does not end by itself. */
  #listen(): void {
    const { environment } = this.#options
    const patienceMs = 1.5 * this.#heartbeatMs
    const now = environment.now()
    // The clock was put back.
    if (now < this.#heardAt) this.#heardAt = now
    // In whole milliseconds: a timer for less might fire before the clock has moved.
    const leftMs = Math.ceil(patienceMs - (now - this.#heardAt))
    if (leftMs <= 0) return this.#end(new FlushoutError('NETWORK', 'The stream fell silent.'))
    // No longer than that even if the clock was put back.
    this.#clearTimer = environment.setTimer(() => this.#listen(), Math.min(leftMs, patienceMs))
  }

  #end(error: FlushoutError): void {
    if (this.#abort.signal.aborted) return
    this.close()
    this.#options.onEnd(this, error)
  }
}
