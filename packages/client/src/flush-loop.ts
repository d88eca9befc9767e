// When to exchange with the master. One exchange at a time for each model:
//
//            edit                    answer, more queued
//   resting ──────► quiet ──► exchanging ◄──┐
//      ▲  ▲          50 ms      │   │  └────┘
//      │  └─ poll ◄── answer ───┘   │ failure
//      │                            ▼
//      └──── halted ◄── needs ── backing off ──► exchanging
//          (login, upgrade)      0.3 s … 30 s
//
// Whatever fails, the proxy keeps its queue; the loop only decides when to try
// again.
import { FlushoutError, isFlushoutError, type CommandProxy, type Flush } from '@flushout/core'
import type { Environment } from './environment.ts'

/** When a client flushes. */
export interface FlushTiming {
  /** `manual`: only when `flush()` is called, and no asking for news. Default `auto`. */
  readonly mode?: 'auto' | 'manual'
  /** Wait for so long a pause between edits. Default 50 ms. */
  readonly quietMs?: number
  /** But send after so long at most. Default 250 ms. */
  readonly maxDelayMs?: number
  /** Ask for news so often while nothing is queued. Default 5,000 ms. */
  readonly pollMs?: number
  /** The longest first pause after a failure; it doubles from there. Default 300 ms. */
  readonly retryBaseMs?: number
  /** The longest pause between tries. Default 30,000 ms. */
  readonly retryMaxMs?: number
}

/** What the last exchange came to. A new object at each change. */
export interface LoopState {
  readonly state: 'online' | 'offline' | 'needs-auth' | 'needs-upgrade'
  /** Of the last exchange, if it failed. */
  readonly error: FlushoutError | undefined
  /** When an exchange last succeeded, in milliseconds since 1970. */
  readonly lastSyncedAt: number | undefined
}

export interface FlushLoopOptions {
  readonly proxy: CommandProxy<object>
  readonly send: (flush: Flush, signal: AbortSignal) => Promise<unknown>
  readonly timing: Required<FlushTiming>
  readonly environment: Environment
  readonly onChange: () => void
}

/** Sends what a proxy has queued, and goes on until all of it is confirmed. */
export class FlushLoop {
  readonly #options: FlushLoopOptions
  #state: LoopState
  #mode: 'auto' | 'manual'
  #isPaused = false
  #isWatched = false
  #isStopped = false
  #clearTimer: () => void = () => {}
  #isTimed = false
  #firstEditAt: number | undefined
  #failures = 0
  #exchange: Promise<void> | undefined
  #abort: AbortController | undefined

  constructor(options: FlushLoopOptions) {
    this.#options = options
    this.#mode = options.timing.mode
    const lastSyncedAt = options.environment.now()
    this.#state = { state: 'online', error: undefined, lastSyncedAt }
  }

  /** What the last exchange came to. */
  get state(): LoopState {
    return this.#state
  }

  /** Tell the loop that a command was queued. */
  edited(): void {
    if (this.#mode === 'manual' || !this.#mayTry() || this.#exchange) return
    // While it backs off, an edit is no reason to try earlier.
    if (this.#failures > 0 && this.#isTimed) return
    const { environment, timing } = this.#options
    const now = environment.now()
    this.#firstEditAt ??= now
    const latest = this.#firstEditAt + timing.maxDelayMs - now
    this.#schedule(Math.max(0, Math.min(timing.quietMs, latest)))
  }

  /** Exchange now if that makes sense: the network, the user or the attention came back. */
  wake(): void {
    if (this.#mode === 'manual' || !this.#mayTry()) return
    this.#failures = 0
    void this.#run()
  }

  /**
   * Send everything queued now. Resolves when that is done or an exchange has
   * failed; `state` tells which. Never rejects.
   */
  async flush(): Promise<void> {
    // Commands given while an exchange is under way need another one after it.
    await this.#exchange
    await this.#run()
  }

  /** Change when to flush; what is queued is sent on the way from manual to auto. */
  setMode(mode: 'auto' | 'manual'): void {
    this.#mode = mode
    if (mode === 'manual') this.#unschedule()
    else this.wake()
  }

  /** Stop exchanging, as if the network were gone, until `resume`. */
  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#unschedule()
    this.#abort?.abort()
    this.#setState({ state: 'offline', error: undefined })
  }

  resume(): void {
    this.#isPaused = false
    if (this.#mode === 'auto') return this.wake()
    // Nothing has failed yet; what the next exchange comes to will show.
    this.#setState({ state: 'online', error: undefined })
  }

  /** Ask for news by timer as long as somebody watches the model. */
  watch(isWatched: boolean): void {
    this.#isWatched = isWatched
    if (isWatched && !this.#isTimed && !this.#exchange) this.#rest()
  }

  /** End all timers and the exchange under way. What is queued stays queued. */
  stop(): void {
    this.#isStopped = true
    this.#unschedule()
    this.#abort?.abort()
  }

  #mayTry(): boolean {
    return !this.#isPaused && !this.#isStopped
  }

  #run(): Promise<void> {
    if (!this.#mayTry()) return Promise.resolve()
    this.#unschedule()
    this.#exchange ??= this.#exchangeAll().finally(() => {
      this.#exchange = undefined
      if (this.#failures === 0) this.#rest()
      else this.#backOff()
    })
    return this.#exchange
  }

  /** One exchange, and more as long as they succeed and something is queued. */
  async #exchangeAll(): Promise<void> {
    const { proxy } = this.#options
    let isWanted = true
    while (isWanted && this.#mayTry()) {
      this.#firstEditAt = undefined
      isWanted = (await this.#exchangeOnce()) && proxy.status.queued > 0
    }
  }

  async #exchangeOnce(): Promise<boolean> {
    const { proxy, send, environment } = this.#options
    const flush = proxy.beginFlush({ pull: true })!
    this.#abort = new AbortController()
    let error: FlushoutError
    try {
      const answer = await send(flush, this.#abort.signal)
      const result = proxy.endFlush(answer)
      if (result.ok) {
        this.#failures = 0
        const lastSyncedAt = environment.now()
        this.#setState({ state: 'online', error: undefined, lastSyncedAt })
        return true
      }
      error = new FlushoutError('ANSWER_INVALID', "The server's answer cannot be used.")
    } catch (thrown) {
      error = isFlushoutError(thrown)
        ? thrown
        : new FlushoutError('NETWORK', 'The exchange failed.', { cause: thrown })
      proxy.failFlush(error)
    }
    return this.#failed(error)
  }

  /** Note a failure; true if it makes sense to go on at once. */
  #failed(error: FlushoutError): boolean {
    // After a pause or stop the failure is our own doing.
    if (!this.#mayTry()) return false
    this.#failures += 1
    if (error.retry === 'after-auth') this.#setState({ state: 'needs-auth', error })
    else if (error.retry === 'after-upgrade') this.#setState({ state: 'needs-upgrade', error })
    else if (error.retry === 'same-flush') this.#setState({ state: 'offline', error })
    else this.#setState({ state: 'online', error })
    // The proxy has made a new start, which needs the new snapshot at once; but
    // two in a row are a fault that must not spin.
    return error.retry === 'after-resync' && this.#failures === 1
  }

  #backOff(): void {
    const { state, error } = this.#state
    if (!this.#mayTry() || this.#mode === 'manual') return
    // Only a login or a new version can help; `wake` tries again.
    if (state === 'needs-auth' || state === 'needs-upgrade') return
    const { timing, environment } = this.#options
    const ceiling = Math.min(timing.retryMaxMs, timing.retryBaseMs * 2 ** (this.#failures - 1))
    // Full jitter, so that clients who failed together do not return together.
    this.#schedule((error?.retryAfterMs ?? 0) + environment.random() * ceiling)
  }

  /** Nothing to send: ask for news after a while, if somebody wants to know. */
  #rest(): void {
    const { proxy, timing, environment } = this.#options
    if (this.#mode === 'manual' || !this.#mayTry()) return
    if (proxy.status.queued + proxy.status.inFlight > 0) return this.edited()
    if (this.#isWatched) this.#schedule(timing.pollMs * (0.9 + 0.2 * environment.random()))
  }

  #schedule(delayMs: number): void {
    this.#unschedule()
    this.#isTimed = true
    this.#clearTimer = this.#options.environment.setTimer(() => {
      this.#isTimed = false
      const { queued, inFlight } = this.#options.proxy.status
      // `onWake` asks for what was missed while nobody looked.
      if (queued + inFlight === 0 && this.#options.environment.isHidden()) this.#rest()
      else void this.#run()
    }, delayMs)
  }

  #unschedule(): void {
    this.#clearTimer()
    this.#isTimed = false
  }

  #setState(change: Partial<LoopState>): void {
    const next = { ...this.#state, ...change }
    const isSame =
      next.state === this.#state.state &&
      next.error === this.#state.error &&
      next.lastSyncedAt === this.#state.lastSyncedAt
    if (isSame) return
    this.#state = next
    this.#options.onChange()
  }
}
