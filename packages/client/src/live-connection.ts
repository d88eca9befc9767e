// How a client hears of what others do: one connection for all its models.
//
//              something wanted            ready
//   resting ────────────────► opening ──────────────► streaming ◄─┐
//      ▲                      ▲  │  │                   │  │  └────┘
//      │ nothing wanted,      │  │  │ blocked           │  │   another request: a new
//      └──── paused, hidden   │  │  ▼                   │  │   stream beside the old
//                             │  │ polling ◄────────────┘  │   one, until it is ready
//                       pause │  │  │   │  3 short lives   │
//          0.3 s … 10 s, bye  │  │  │   └─ 60 s: opening   │ ended, broken, silent
//                             │  ▼  ▼      beside it       │
//                             backing off ◄────────────────┘
//
//   halted: needs login, needs upgrade, is not there; `resume` and `wake` try again
//
// What brings the events, a stream or polls, is the carrier. All that comes is
// joined by count, so two of them at a time do no harm, and whatever is missed is
// asked for by the flush loops. They also ask by timer while there is no carrier.
import type { FlushoutError, LiveEvent, Retry } from '@flushout/core'
import type { Environment } from './environment.ts'
import { composeRequest, isSameRequest, type LiveInterest } from './live-interest.ts'
import { LivePolls } from './live-polls.ts'
import { LiveStream } from './live-stream.ts'
import {
  blockedPause,
  GRACE_MS,
  HIDDEN_MS,
  JOIN_MS,
  pauseAfter,
  REFUSALS,
  renewPause,
  returnPause,
  SHORT_LIVES,
  SHORT_MS,
} from './live-timing.ts'
import { notify } from './notify.ts'
import type { LiveTransport } from './transport.ts'

export interface LiveConnectionOptions {
  readonly live: LiveTransport
  readonly environment: Environment
  /** Hears when `carrierOf` or `isConnecting` may be another. */
  readonly onChange: () => void
}

/** After these only somebody's doing can help. */
const FINAL: readonly string[] = ['never', 'after-auth', 'after-upgrade'] satisfies Retry[]

/** Keeps events coming for all who want some, by whatever way is open. */
export class LiveConnection {
  readonly #options: LiveConnectionOptions
  readonly #interests = new Set<LiveInterest>()
  // Brings events, or did so until a moment ago: while `#clearGrace` is set.
  #carrier: LiveStream | LivePolls | undefined
  // A stream that nothing came from yet, maybe beside a carrier.
  #opening: LiveStream | undefined
  // Of before the last `resume`: what it was refused may be granted now.
  #outdated: LiveStream | LivePolls | undefined
  #isPaused = false
  // Why nothing is tried any more.
  #halted: Retry | undefined
  #isAsleep = false
  #isBackingOff = false
  #failures = 0
  #shortLives = 0
  #refusals = 0
  #hasStreamed = false
  #hiddenAt: number | undefined
  #clearJoin: (() => void) | undefined
  #clearGrace: (() => void) | undefined
  #clearRenew: (() => void) | undefined
  #clearNext = () => {}

  constructor(options: LiveConnectionOptions) {
    this.#options = options
  }

  /** Ask for what `interest` wants and let it hear events, until the returned function is called. */
  add(interest: LiveInterest): () => void {
    this.#interests.add(interest)
    this.changed()
    return () => {
      this.#interests.delete(interest)
      this.changed()
    }
  }

  /** By what way events about a model come, if they do. */
  carrierOf(key: string): 'stream' | 'poll' | undefined {
    const carrier = this.#carrier
    if (!carrier?.isProven || !carrier.request.models?.[key]) return undefined
    return carrier.refused.has(key) ? undefined : carrier.kind
  }

  /** Whether the first stream is being made, or the first for models that came since. */
  get isConnecting(): boolean {
    const isOpening = this.#opening ?? this.#clearJoin
    return isOpening !== undefined && this.#failures === 0 && this.#carrier?.kind !== 'poll'
  }

  /** Say that interests want something else than before. */
  changed(): void {
    if (this.#isPaused || this.#clearJoin) return
    if (!this.#carrier && !this.#opening && !composeRequest(this.#interests)) return
    this.#clearJoin = this.#options.environment.setTimer(() => {
      this.#clearJoin = undefined
      this.#update()
    }, JOIN_MS)
    this.#options.onChange()
  }

  /** Ask anew although the same is wanted: a refusal is over. */
  renew(): void {
    if (this.#carrier?.kind === 'poll') this.#carrier.restart()
    if (this.#carrier?.kind !== 'poll' || this.#opening) this.#open()
  }

  /** The same in a while: who was refused, and then could ask, may be refused again. */
  renewLater(): void {
    const { environment } = this.#options
    this.#clearRenew ??= environment.setTimer(() => {
      this.#clearRenew = undefined
      this.renew()
    }, renewPause(environment.random()))
  }

  /** An exchange beside the connection worked: whoever was to log in may have done so. */
  exchanged(): void {
    if (this.#halted === 'after-auth') this.renewLater()
  }

  /** The network or the attention came back. */
  wake(): void {
    this.#isAsleep = false
    this.#hiddenAt = undefined
    if (this.#opening) return
    const isWell = this.#carrier?.kind === 'stream' && !this.#clearGrace && !this.#carrier.isQuiet
    if (!isWell || this.#halted) this.#open()
  }

  /** Hear nothing until `resume`. */
  pause(): void {
    this.#isPaused = true
    this.#rest()
  }

  /** Go on as whoever is logged in now, after `pause` or whatever it was halted for. */
  resume(): void {
    this.#isPaused = false
    this.#isAsleep = false
    this.#hiddenAt = undefined
    this.#failures = 0
    this.#outdated = this.#carrier
    if (this.#carrier?.kind === 'poll') this.#carrier.restart()
    this.#open()
  }

  /** Decide what a change of what is wanted asks for. */
  #update(): void {
    const request = composeRequest(this.#interests)
    if (!request) this.#rest()
    else if (!this.#halted && !this.#isAsleep && !this.#isBackingOff) {
      const newest = this.#opening ?? this.#carrier
      if (!newest || !isSameRequest(newest.request, request)) this.renew()
    }
    this.#options.onChange()
  }

  /** Open a stream beside whatever there is. */
  #open(): void {
    const request = composeRequest(this.#interests)
    if (!request || this.#isPaused) return
    this.#halted = undefined
    this.#unschedule()
    this.#opening?.close()
    this.#opening = new LiveStream({
      ...this.#options,
      request,
      hear: this.#hear,
      onEnd: this.#ended,
    })
    this.#options.onChange()
  }

  #hear = (carrier: LiveStream | LivePolls, event: LiveEvent): void => {
    if (carrier.kind === 'stream' && carrier === this.#opening && carrier.isProven) {
      this.#carry(carrier)
    }
    if (event.event === 'refused') {
      if (carrier.kind === 'stream' && carrier === this.#outdated) return
      carrier.refused.add(event.models)
      this.#options.onChange()
    }
    // It is there again.
    if (event.event === 'heads' && carrier.refused.size > 0) {
      for (const key of Object.keys(event.heads)) carrier.refused.delete(key)
      this.#options.onChange()
    }
    for (const interest of this.#interests) notify(interest.hear, event)
    if (event.event === 'heads') this.#maySleep()
  }

  /** The stream that was opened is ready: it takes over. */
  #carry(stream: LiveStream): void {
    this.#dropCarrier()
    this.#carrier = stream
    this.#hasStreamed = true
    this.#opening = undefined
    this.#opened(stream)
  }

  #opened({ request }: LiveStream | LivePolls): void {
    this.#failures = 0
    this.#refusals = 0
    this.#options.onChange()
    for (const { opened } of this.#interests) if (opened) notify(opened, request)
  }

  #lost(error?: FlushoutError): void {
    for (const { lost } of this.#interests) if (lost) notify(lost, error)
  }

  #ended = (carrier: LiveStream | LivePolls, error: FlushoutError): void => {
    if (carrier === this.#opening) this.#opening = undefined
    else if (carrier === this.#carrier) this.#startGrace(carrier, error)
    // Another stream is on its way; that will tell how things stand.
    if (this.#opening) return
    this.#failures += 1
    const isBlocked = error.code === 'LIVE_BLOCKED'
    // Neither way is open: the loops ask by timer meanwhile.
    if (isBlocked && carrier.kind === 'poll') this.#schedule(blockedPause)
    else if (isBlocked || this.#shortLives >= SHORT_LIVES) this.#poll()
    else if (FINAL.includes(error.retry)) this.#halt(error)
    else if (this.#carrier?.kind === 'poll' && !this.#clearGrace) this.#schedule(blockedPause)
    else if (this.#isTurnedAway(carrier, error)) this.#poll()
    else {
      this.#isBackingOff = true
      this.#schedule((random) => pauseAfter(error, this.#failures, random))
    }
    this.#options.onChange()
  }

  #halt(error: FlushoutError): void {
    this.#halted = error.retry
    // Whoever was logged in when the carrier was made is not any more.
    if (error.retry !== 'after-auth' || !this.#carrier) return
    this.#lost(error)
    this.#dropCarrier()
  }

  /** Whether streams were refused often, and not by the server: it may serve polls. */
  #isTurnedAway({ kind, isProven }: LiveStream | LivePolls, error: FlushoutError): boolean {
    // Who says when to come again is no wall, and is obeyed.
    const isWall = error.code === 'UNAVAILABLE' && error.retryAfterMs === undefined
    if (!isWall || kind === 'poll' || isProven) return false
    this.#refusals += 1
    // First those who had a stream are told that it is gone.
    if (this.#refusals < REFUSALS || this.#clearGrace) return false
    this.#refusals = 0
    return true
  }

  /** Wait for single answers, where streams do not come through. */
  #poll(): void {
    const request = composeRequest(this.#interests)
    if (!request) return this.#rest()
    if (this.#carrier?.kind !== 'poll' || this.#clearGrace) {
      this.#dropCarrier()
      this.#carrier = new LivePolls({
        ...this.#options,
        compose: () => composeRequest(this.#interests) ?? request,
        hear: this.#hear,
        onAnswer: (polls, isFirst) => {
          if (isFirst) this.#pollsWork(polls)
          this.#maySleep()
        },
        onEnd: this.#ended,
      })
    }
    this.#schedule(blockedPause)
  }

  #pollsWork(polls: LivePolls): void {
    this.#opened(polls)
    // Where streams came through before, it was an outage that kept the last one back.
    const isOver = this.#hasStreamed && this.#shortLives < SHORT_LIVES
    if (isOver && !this.#opening) this.#schedule(returnPause)
  }

  /** The carrier has ended. Nobody needs to notice, if another comes soon. */
  #startGrace(carrier: LiveStream | LivePolls, error: FlushoutError): void {
    const isStream = carrier.kind === 'stream'
    const isBye = isStream && carrier.isBye
    if (!isStream || isBye || carrier.ageMs >= SHORT_MS) this.#shortLives = 0
    else this.#shortLives += 1
    if (!carrier.isProven) return this.#dropCarrier()
    this.#clearGrace = this.#options.environment.setTimer(() => {
      this.#lost(isBye ? undefined : error)
      this.#dropCarrier()
      this.#options.onChange()
    }, GRACE_MS)
  }

  #dropCarrier(): void {
    this.#clearGrace?.()
    this.#clearGrace = undefined
    this.#carrier?.close()
    this.#carrier = undefined
  }

  /** Open a stream after about so long. */
  #schedule(delayMs: (random: number) => number): void {
    const { environment } = this.#options
    this.#clearNext()
    this.#clearNext = environment.setTimer(() => {
      if (!this.#maySleep()) this.#open()
    }, delayMs(environment.random()))
  }

  #unschedule(): void {
    this.#clearNext()
    this.#clearRenew?.()
    this.#clearRenew = undefined
    this.#isBackingOff = false
  }

  /** Give the connection up if nobody has looked for a while, and tell whether that is so. */
  #maySleep(): boolean {
    const { environment } = this.#options
    const now = environment.now()
    this.#hiddenAt = environment.isHidden() ? (this.#hiddenAt ?? now) : undefined
    this.#isAsleep = this.#hiddenAt !== undefined && now - this.#hiddenAt >= HIDDEN_MS
    if (this.#isAsleep) this.#rest()
    return this.#isAsleep
  }

  /** End everything, timers included. */
  #rest(): void {
    this.#clearJoin?.()
    this.#clearJoin = undefined
    this.#unschedule()
    this.#opening?.close()
    this.#opening = undefined
    if (this.#carrier) this.#lost()
    this.#dropCarrier()
    this.#failures = 0
    this.#options.onChange()
  }
}
