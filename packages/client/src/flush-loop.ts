// When to exchange with the master. One exchange at a time for each model:
//
//              edit                      answer, more queued
//   resting ──────► quiet ──► exchanging ◄──┐
//      ▲  ▲          50 ms     ▲  │  │  └───┘
//      │  └──── poll ◄── answer ──┘  │ failure
//      │                       │     ▼
//      │                       └── backing off   0.3 s … 30 s
//      └── halted ◄── needs login, needs upgrade, refused to load
//
// The first exchange is the load of the document, all others are flushes; an
// empty one asks for news. While a live connection brings those, `poll` is left
// out. Whatever fails, the proxy keeps its queue; the loop only decides when to
// try again.
import type { FlushoutError, Retry } from '@flushout/core'
import type { Environment } from './environment.ts'
import { toExchangeError } from './exchange-error.ts'
import { pollDelay, quietDelay, retryDelay, type FlushTiming } from './flush-timing.ts'

/** What the last exchange came to. */
export interface LoopState {
  readonly state: 'connecting' | 'polling' | 'offline' | 'needs-auth' | 'needs-upgrade' | 'refused'
  /** Of the last exchange, if it failed. */
  readonly error: FlushoutError | undefined
  /** When the model was last known to be in step, in milliseconds since 1970. */
  readonly lastSyncedAt: number | undefined
}

export interface FlushLoopOptions {
  /**
   * Load or flush once, and tell how many commands that settled. Rejects with a
   * `FlushoutError`, at once when the signal aborts.
   */
  readonly exchange: (signal: AbortSignal) => Promise<number>
  /** Whether there is a document already. */
  readonly isLoaded: () => boolean
  /** Whether the client was closed: nothing is exchanged any more. */
  readonly isClosed: () => boolean
  /** How many commands the master has not answered yet. */
  readonly pending: () => number
  /** Whether news come by themselves. `carried` is to be called when that is another. */
  readonly isCarried: () => boolean
  readonly timing: Required<FlushTiming>
  readonly environment: Environment
  /** Hears when `state` may be another. */
  readonly onChange: () => void
}

/** Those who hear at one time that there are news do not all ask at one time. */
const ASK_MS = 100

/** How things stand after a failure; a word of a later version counts as a passing fault. */
const STATES: { readonly [retry in Retry]?: LoopState['state'] } = {
  'after-auth': 'needs-auth',
  'after-upgrade': 'needs-upgrade',
  'after-resync': 'polling',
  never: 'refused',
}

/** Loads a document, sends what is queued, and goes on until all of it is confirmed. */
export class FlushLoop {
  readonly #options: FlushLoopOptions
  #state: LoopState = { state: 'connecting', error: undefined, lastSyncedAt: undefined }
  #mode: 'auto' | 'manual'
  #isStarted = false
  #isPaused = false
  #isWatched = false
  // Only a login, a new version or `resume` can help.
  #isHalted = false
  // It was deleted, and does not come back because somebody asks. What somebody
  // does to it is sent all the same, and gets its verdict.
  #isGone = false
  #clearTimer: () => void = () => {}
  #isTimed = false
  #firstEditAt: number | undefined
  // When to ask for news that were heard of after the last exchange began.
  #askAt: number | undefined
  // When there last were some, or could have been.
  #newsAt = 0
  #failures = 0
  // Commands that `flush` promised to send, in manual mode.
  #owed = 0
  #exchange: Promise<void> | undefined
  // Of the exchange under way; another or none once that was taken back.
  #abort: AbortController | undefined
  // Of an exchange that began before `wake` or `resume`: what it was refused for
  // may be over.
  #outdated: AbortController | undefined

  constructor(options: FlushLoopOptions) {
    this.#options = options
    this.#mode = options.timing.mode
  }

  /** What the last exchange came to. */
  get state(): LoopState {
    return this.#state
  }

  /** Whether the load was refused for good; only `resume` tries again. */
  get isRefused(): boolean {
    return this.#state.state === 'refused' && !this.#options.isLoaded()
  }

  /** Load the document. Until this is called, nothing is exchanged whatever else is. */
  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    if (this.#isAutomatic()) void this.#run()
    else this.#setState({ state: 'polling', error: undefined })
  }

  /** Go on from a document that came otherwise and was in step at that time. */
  begin(at: number): void {
    this.#isStarted = true
    this.#newsAt = this.#options.environment.now()
    this.#setState({ state: 'polling', error: undefined, lastSyncedAt: at })
  }

  /** Tell the loop that a command may have been queued. */
  edited(): void {
    // While it backs off, an edit is no reason to try earlier.
    if (this.#failures > 0 && this.#isTimed) return
    this.#plan()
  }

  /** Exchange now if anybody cares: the network or the attention came back. */
  wake(): void {
    if (this.isRefused) return
    const isMissing = this.#failures > 0 || !this.#options.isCarried()
    this.#startAfresh()
    if (!this.#isAutomatic()) return
    if (this.#isDue() || (this.#isWatched && isMissing)) void this.#run()
  }

  /** Ask for news soon: there are some, and they did not come by themselves. */
  ask(): void {
    const { environment } = this.#options
    // Many clients may hear of the same at the same time.
    this.#askAt ??= environment.now() + ASK_MS * environment.random()
    if (this.#failures === 0) this.#plan()
  }

  /** Tell the loop that the model is in step, though nothing was exchanged. */
  heard(): void {
    if (this.#failures > 0) return
    this.#synced({ state: 'polling', error: undefined })
  }

  /** Tell the loop that news begin or cease to come by themselves. */
  carried(): void {
    this.#newsAt = this.#options.environment.now()
    if (this.#failures > 0 || this.#isDue()) return
    this.#unschedule()
    this.#plan()
  }

  /** The connection works: what failed before may do so no more. */
  retry(): void {
    if (this.#failures > 0 && !this.#isAtRest && this.#isAutomatic()) void this.#run()
  }

  /** The connection broke: nobody knows how the model stands until an exchange succeeds. */
  lost(error: FlushoutError): void {
    if (this.#state.state === 'polling') this.#setState({ state: 'offline', error })
  }

  /** The other side says without being asked that no more news come. */
  refuse(error: FlushoutError): void {
    this.#isGone = error.code === 'MODEL_NOT_FOUND'
    this.#setState({ state: STATES[error.retry] ?? 'offline', error })
    this.#unschedule()
    // A word from before a login may come late: an exchange tells who is logged in now.
    if (isLoginNeeded(error)) this.#askAt ??= this.#options.environment.now()
    else this.#failures += 1
    this.#plan()
  }

  /**
   * Send everything queued now. Resolves when that is done or an exchange has
   * failed; `state` tells which. Never rejects.
   */
  flush(): Promise<void> {
    this.#owed = this.#options.pending()
    return this.#run()
  }

  /** Change when to flush; what is queued is sent on the way from manual to auto. */
  setMode(mode: 'auto' | 'manual'): void {
    if (mode === this.#mode) return
    this.#mode = mode
    if (mode === 'auto') this.wake()
    else if (!this.#isAutomatic()) this.#unschedule()
  }

  /** Stop exchanging, as if the network were gone, until `resume`. */
  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#takeBack()
    if (!this.isRefused) this.#setState({ state: 'offline', error: undefined })
  }

  /** Exchange now, after `pause` or whatever the loop halted for. */
  resume(): void {
    this.#isPaused = false
    this.#startAfresh()
    if (this.#isAutomatic()) void this.#run()
    // What the next exchange comes to will show.
    if (!this.#options.isLoaded()) this.#setState({ state: 'connecting', error: undefined })
    else if (!this.#isAutomatic()) this.#setState({ state: 'polling', error: undefined })
  }

  /** Ask for news by timer as long as somebody watches the model. */
  watch(isWatched: boolean): void {
    this.#isWatched = isWatched
    if (!this.#isWanted()) this.#unschedule()
    else if (!this.#isTimed) this.#plan()
  }

  /** End the timer and the exchange under way, after the client was closed. */
  stop(): void {
    this.#takeBack()
  }

  #startAfresh(): void {
    this.#failures = 0
    this.#isHalted = false
    this.#isGone = false
    this.#outdated = this.#abort
  }

  get #isAtRest(): boolean {
    return this.#isHalted || (this.#isGone && this.#options.pending() === 0)
  }

  #mayTry(): boolean {
    return this.#isStarted && !this.#isPaused && !this.#options.isClosed()
  }

  #isAutomatic(): boolean {
    return this.#mode === 'auto' || !this.#options.isLoaded()
  }

  /** Whether something waits for an exchange, in whatever mode. */
  #isDue(): boolean {
    const { isLoaded, pending } = this.#options
    return !isLoaded() || pending() > 0 || this.#askAt !== undefined
  }

  #isWanted(): boolean {
    return this.#isWatched || this.#isDue()
  }

  #run(): Promise<void> {
    if (!this.#mayTry()) return Promise.resolve()
    this.#unschedule()
    // Not before this is assigned: who hears of the flush may ask for another.
    this.#exchange ??= Promise.resolve().then(() => this.#exchangeAll())
    return this.#exchange
  }

  /** One exchange, and more as long as that makes sense. */
  async #exchangeAll(): Promise<void> {
    let isMore = this.#mayTry()
    while (isMore) {
      const outcome = await this.#exchangeOnce()
      // In the same turn as the end below: who queues something and asks for a
      // flush after this look must get an exchange of its own.
      isMore = this.#mayTry() && (outcome === 'again' || (outcome === 'done' && this.#owesMore()))
    }
    this.#exchange = undefined
    this.#plan()
  }

  #owesMore(): boolean {
    return this.#options.pending() > 0 && (this.#isAutomatic() || this.#owed > 0)
  }

  async #exchangeOnce(): Promise<'done' | 'failed' | 'again'> {
    const { exchange, environment, timing } = this.#options
    const abort = new AbortController()
    this.#abort = abort
    this.#firstEditAt = undefined
    this.#askAt = undefined
    const clear = environment.setTimer(() => {
      abort.abort(new DOMException(`No answer came in ${timing.timeoutMs} ms.`, 'TimeoutError'))
    }, timing.timeoutMs)
    try {
      const settled = await exchange(abort.signal)
      this.#owed -= settled
    } catch (thrown) {
      // Taken back by `pause` or `stop`: that is no failure, and may be over.
      return this.#abort === abort ? this.#failed(toExchangeError(thrown)) : 'again'
    } finally {
      clear()
    }
    this.#failures = 0
    this.#isHalted = false
    this.#isGone = false
    const isTakenBack = this.#abort !== abort
    this.#synced(isTakenBack ? {} : { state: 'polling', error: undefined })
    return isTakenBack ? 'again' : 'done'
  }

  #failed(error: FlushoutError): 'failed' | 'again' {
    this.#failures += 1
    // Said while this exchange was under way, which another one has to confirm.
    this.#isGone = false
    const isFinal = isLoginNeeded(error) || (error.retry === 'never' && !this.#options.isLoaded())
    if (isFinal && this.#outdated === this.#abort) return 'again'
    this.#isHalted = isFinal
    this.#setState({ state: STATES[error.retry] ?? 'offline', error })
    // The proxy has made a new start, which needs the new snapshot at once; but
    // two in a row are a fault that must not spin.
    return error.retry === 'after-resync' && this.#failures === 1 ? 'again' : 'failed'
  }

  /** Decide when to exchange next, if at all. */
  #plan(): void {
    if (this.#exchange || this.#isAtRest || !this.#mayTry() || !this.#isAutomatic()) return
    if (!this.#isWanted()) return
    const { environment, timing, pending, isCarried } = this.#options
    const now = environment.now()
    if (this.#failures > 0) {
      this.#schedule(retryDelay(timing, this.#failures, this.#state.error, environment.random()))
    } else if (this.#askAt !== undefined && pending() === 0) {
      this.#schedule(Math.min(ASK_MS, Math.max(0, this.#askAt - now)))
    } else if (this.#isDue()) {
      this.#firstEditAt ??= now
      this.#schedule(quietDelay(timing, now - this.#firstEditAt))
    } else if (!isCarried()) {
      this.#schedule(pollDelay(timing, now - this.#newsAt, environment.random()))
    }
  }

  #schedule(delayMs: number): void {
    this.#unschedule()
    this.#isTimed = true
    this.#clearTimer = this.#options.environment.setTimer(() => {
      this.#isTimed = false
      // Nobody looks: `wake` asks for what was missed when somebody does.
      if (this.#isDue() || !this.#options.environment.isHidden()) void this.#run()
    }, delayMs)
  }

  #unschedule(): void {
    this.#clearTimer()
    this.#isTimed = false
  }

  /** End the timer and the exchange under way, as if it had never begun. */
  #takeBack(): void {
    this.#unschedule()
    const abort = this.#abort
    this.#abort = undefined
    abort?.abort()
  }

  #synced(change: Partial<LoopState>): void {
    this.#newsAt = this.#options.environment.now()
    this.#setState({ ...change, lastSyncedAt: this.#newsAt })
  }

  #setState(change: Partial<LoopState>): void {
    this.#state = { ...this.#state, ...change }
    this.#options.onChange()
  }
}

/** Whether nothing goes out before the user logs in, or loads a newer client. */
function isLoginNeeded({ retry }: FlushoutError): boolean {
  return retry === 'after-auth' || retry === 'after-upgrade'
}
