import { FlushoutError, type LiveEvent, type LiveRequest } from '@flushout/core'
import type { Outlet } from './message.ts'
import type { Line, Sender } from './sender.ts'
import type { Stage } from './stage.ts'

/** What a system sends on without an answer before it takes no more. */
const WINDOW_BYTES = 4_000
/** How long an event is on its way that nothing holds up. */
const MAX_WAY_MS = 11
/** Events that are joined by nothing but the order in which a stream carries them. */
const IN_ORDER = /^\{"event":"(model|presence|refused)"/
const FIRST = /^\{"event":"ready"/

/**
 * A request whose answer takes long: a stream of events, or the wait for the
 * next ones. Unlike other messages what it carries is in order, and a loss of it
 * shows on neither side until something is said.
 */
export class Link implements Line {
  readonly #sender: Sender
  readonly #stage: Stage
  readonly kind: 'stream' | 'poll'
  readonly #request: string
  readonly #models: NonNullable<LiveRequest['models']>
  readonly #hasFeeds: boolean
  readonly #hear: (event: LiveEvent) => void
  readonly #signal: AbortSignal
  #resolve: () => void = () => {}
  #reject: (error: unknown) => void = () => {}
  // Nothing comes through any more, and nobody was told.
  #isSilent = false
  // The page, and the server, take no part any more.
  #isLeft = false
  #isClosed = false
  // What nothing comes of any more.
  readonly #refused = new Set<string>()
  // The first event was heard, or the server has the question.
  #isOpen = false
  // Of what was said on this link the last arrives then.
  #arrivesAt = 0
  // What came while answers are cut off, in order.
  readonly #kept: (() => void)[] = []
  #unheardBytes = 0
  #isFull = false
  readonly #body: string[] = []
  readonly #outlet: Outlet = {
    write: (event) => this.#write(event),
    accept: () => {
      if (this.kind === 'poll') this.#isOpen = true
    },
    end: () => this.#end(),
    refuse: (error) => this.#refuse(error),
    abandon: () => this.#abandon(),
    onDrain: () => {},
    onClose: () => {},
  }

  constructor(
    kind: 'stream' | 'poll',
    request: LiveRequest,
    hear: (event: LiveEvent) => void,
    { sender, stage, signal }: { sender: Sender; stage: Stage; signal: AbortSignal },
  ) {
    this.kind = kind
    this.#request = JSON.stringify(request)
    this.#models = request.models ?? {}
    this.#hasFeeds = request.feeds !== undefined && request.feeds.length > 0
    this.#hear = hear
    this.#sender = sender
    this.#stage = stage
    this.#signal = signal
  }

  /** Settles when the link is over, as far as the page can know. */
  begin(): Promise<void> {
    const { scheduler, dice, weather } = this.#stage
    this.#trace(`asks for a ${this.kind}: ${this.#request}`)
    this.#sender.links.add(this)
    for (const [key, position] of Object.entries(this.#models)) {
      if (position) this.#sender.held.set(key, position.hash)
    }
    this.#signal.addEventListener('abort', () => this.#settle(this.#signal.reason))
    let wayMs = 1 + dice.roll() * 10
    if (weather.strikes('message slow')) wayMs += dice.between(100, 1_500)
    const isCutOff = this.#sender.cutOffUntil > scheduler.now
    if (isCutOff || weather.strikes('request lost')) this.#break(dice.chance(0.3))
    else {
      if (wayMs > 1_000) this.#stage.strays(wayMs)
      scheduler.after(wayMs, () => this.#arrive())
    }
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Whether what happens to a model now is told on this link. */
  tells(key: string): boolean {
    if (this.#isSilent || this.#isLeft || this.#isClosed || this.#isFull) return false
    // What was held up comes first.
    if (this.#arrivesAt > this.#stage.scheduler.now + MAX_WAY_MS) return false
    return this.#isOpen && !this.#refused.has(key) && (key in this.#models || this.#hasFeeds)
  }

  /** The page takes nothing for a while. */
  stall(ms: number): void {
    this.#isFull = true
    this.#stage.scheduler.after(ms, () => {
      this.#isFull = false
      if (!this.#isClosed && !this.#isSilent) this.#outlet.onDrain()
    })
  }

  /** Between the two it is cut, and either both are told or nobody is. */
  cut(isSilent: boolean): void {
    this.#trace(`${isSilent ? 'does not know that' : 'hears that'} a ${this.kind} is cut`)
    this.#break(isSilent)
    this.#tellServer(isSilent)
  }

  /** The page is gone. */
  leave(): void {
    const { dice } = this.#stage
    this.#isLeft = true
    this.#tellServer(this.#isSilent || dice.chance(0.3))
  }

  #arrive(): void {
    const { weather, dice } = this.#stage
    if (this.#isLeft) return
    const refusal = { code: 'UNAVAILABLE', message: 'The run refuses.', retry: 'same-flush' }
    if (weather.strikes('gateway refuses')) return this.#refuse(refusal)
    if (this.kind === 'stream' && this.#isBlocked) return this.#block()
    const server = this.#stage.balance()
    if (!server) return this.#break(dice.chance(0.3))
    const { account } = this.#sender
    this.#trace(`has a ${this.kind} at ${server.name}`)
    server.open(
      {
        kind: this.kind,
        text: this.#request,
        identify: () => (account.isLoggedIn ? this.#sender.user : undefined),
        forbiddenSince: (key) =>
          account.loggedOutAt ?? this.#stage.permissions.forbiddenSince(this.#sender.user, key),
      },
      this.#outlet,
    )
  }

  get #isBlocked(): boolean {
    const { person } = this.#sender
    return person.isBlocked || this.#stage.blockedUntil > this.#stage.scheduler.now
  }

  /** Something between lets nothing through before the answer is whole, and it never is. */
  #block(): void {
    const { dice, scheduler } = this.#stage
    this.#trace('gets no stream through')
    if (dice.chance(0.5)) {
      const error = new FlushoutError('LIVE_BLOCKED', 'No stream comes through.')
      scheduler.after(dice.between(1, 100), () => this.#sender.run(() => this.#settle(error)))
    }
  }

  #write(event: string): boolean {
    const { weather, dice } = this.#stage
    if (this.#isClosed) return false
    if (this.#isSilent || this.#isLeft) {
      this.#unheardBytes += event.length
      return this.#unheardBytes < WINDOW_BYTES
    }
    if (this.kind === 'poll') {
      this.#body.push(event)
      return true
    }
    this.#send(event)
    if (!this.#isFull && weather.strikes('reader slow')) this.stall(dice.between(50, 2_000))
    return !this.#isFull
  }

  /** One event, with all that may happen to it. */
  #send(text: string): void {
    const { weather, dice } = this.#stage
    const isJoined = !IN_ORDER.test(text)
    if (isJoined && weather.strikes('event lost')) return
    let at = this.#after(1 + dice.roll() * 10)
    // What a stream begins with is told by coming first.
    const isOrdered = !isJoined || FIRST.test(text) || !weather.strikes('events out of order')
    if (!isOrdered) at += dice.between(5, 2_500)
    else if (weather.strikes('event late')) at += dice.between(50, 2_500)
    if (isOrdered) this.#arrivesAt = at
    this.#deliver(text, at)
    if (isJoined && weather.strikes('event repeated')) {
      this.#deliver(text, at + dice.roll() * dice.pick([5, 2_000]))
    }
  }

  #deliver(text: string, at: number): void {
    this.#stage.scheduler.at(at, () => {
      if (this.#isSilent || this.#isLeft) return
      this.#pass(() => {
        if (this.#isSilent || this.#isLeft || this.#signal.aborted) return
        this.#trace(`hears ${text}`)
        this.#isOpen = true
        const event = JSON.parse(text) as LiveEvent
        if (event.event === 'refused') this.#refused.add(event.models)
        this.#sender.heard(event)
        this.#hear(event)
      })
    })
  }

  /** Let the page hear something, as soon as answers come through. */
  #pass(hear: () => void): void {
    this.#kept.push(hear)
    if (this.#kept.length === 1) this.#release()
  }

  #release(): void {
    const { answersCutOffUntil } = this.#sender
    if (answersCutOffUntil > this.#stage.scheduler.now) {
      // Whatever is said from now on comes after it.
      this.#arrivesAt = Math.max(this.#arrivesAt, answersCutOffUntil)
      this.#stage.scheduler.at(answersCutOffUntil, () => this.#release())
    } else for (const hear of this.#kept.splice(0)) this.#sender.run(hear)
  }

  #end(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.kind === 'poll') {
      if (this.#stage.weather.strikes('answer lost'))
        return this.#break(this.#stage.dice.chance(0.3))
      this.#arrivesAt = this.#after(1 + this.#stage.dice.roll() * 10)
      for (const event of this.#body) this.#deliver(event, this.#arrivesAt)
    }
    this.#conclude(undefined)
  }

  #refuse({ code, message, retry, retryAfterMs }: Parameters<Outlet['refuse']>[0]): void {
    this.#isClosed = true
    this.#conclude(
      new FlushoutError(code as 'BUSY', message, {
        retry: retry as 'never',
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      }),
    )
  }

  /** The page hears of the end after all that was said before. */
  #conclude(error: Error | undefined): void {
    const { scheduler, dice } = this.#stage
    this.#arrivesAt = this.#after(1 + dice.roll() * 10)
    scheduler.at(this.#arrivesAt, () =>
      this.#pass(() => {
        if (!this.#isSilent) this.#settle(error)
      }),
    )
  }

  #abandon(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (!this.#isSilent) this.#break(this.#stage.dice.chance(0.3))
  }

  /** The page hears that the connection is broken, or just nothing any more. */
  #break(isSilent: boolean): void {
    const { scheduler, dice } = this.#stage
    this.#isSilent = true
    if (isSilent) return
    const error = new FlushoutError('NETWORK', 'The connection broke.')
    scheduler.after(dice.between(1, 100), () => this.#sender.run(() => this.#settle(error)))
  }

  /** The server hears that nobody is there, at once or when its system gives up. */
  #tellServer(isSilent: boolean): void {
    const { scheduler, dice } = this.#stage
    scheduler.after(isSilent ? dice.between(3_000, 20_000) : dice.between(1, 100), () => {
      if (this.#isClosed) return
      this.#isClosed = true
      this.#outlet.onClose()
    })
  }

  #settle(error: unknown): void {
    if (this.#isLeft) return
    this.#isLeft = true
    this.#sender.links.delete(this)
    this.#tellServer(this.#isSilent)
    if (error === undefined) this.#resolve()
    else this.#reject(error)
  }

  #after(wayMs: number): number {
    return Math.max(this.#arrivesAt, this.#stage.scheduler.now + wayMs)
  }

  #trace(what: string): void {
    if (this.#stage.isTold) this.#stage.trace(`${this.#sender.person.name} ${what}`)
  }
}
