import type { LiveEvent } from '@flushout/core'
import type { Environment } from '../environment.ts'
import { toError, type GatewayMessage, type Method, type TabMessage } from './tab-messages.ts'

export interface TabAsksOptions {
  readonly environment: Environment
  readonly say: (message: TabMessage) => void
  /** Hears that the gateway gives no sign of life. */
  readonly onMute: () => void
}

/** What a tab wants of the gateway. */
export interface TabAsk {
  readonly method: Method
  readonly args: readonly unknown[]
  readonly hear?: (event: LiveEvent) => void
}

/** What became of it. `lost`: nobody knows, and nobody will. */
export type Outcome =
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'lost'; readonly wasHeard: boolean }

interface Pending {
  readonly ask: TabAsk
  readonly settle: (outcome: Outcome) => void
  readonly fail: (error: unknown) => void
  /** Takes back the wait for a sign of life. */
  clearTimer: () => void
  wasHeard: boolean
}

/** Whatever is asked is acknowledged at once: streams have to begin within 3 s. */
export const MUTE_MS = 2_000
/** Whoever waits, and is looked at, makes sure every now and then that somebody is there. */
const HELLO_MS = 3_000

/** All that a tab has asked the gateway for, and not got yet. */
export class TabAsks {
  readonly #options: TabAsksOptions
  readonly #pending = new Map<number, Pending>()
  #count = 0
  #heardAt = 0
  #clearHello: (() => void) | undefined

  constructor(options: TabAsksOptions) {
    this.#options = options
  }

  /** The last that was asked; later ones have higher numbers. */
  get lastAsk(): number {
    return this.#count
  }

  /** Ask, and wait for what becomes of it. Rejects as the gateway says, or when `signal` aborts. */
  ask(ask: TabAsk, signal: AbortSignal): Promise<Outcome> {
    return new Promise<Outcome>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const id = (this.#count += 1)
      const onAbort = () => {
        this.#options.say({ kind: 'end', ask: id })
        fail(signal.reason)
      }
      const forget = () => {
        signal.removeEventListener('abort', onAbort)
        this.#forget(id)
      }
      const fail = (error: unknown) => {
        forget()
        reject(error)
      }
      const settle = (outcome: Outcome) => {
        forget()
        resolve(outcome)
      }
      signal.addEventListener('abort', onAbort)
      this.#send(id, { ask, settle, fail })
      this.#watch()
    })
  }

  /** Take what the gateway said. */
  hear(message: GatewayMessage): void {
    this.#heardAt = this.#options.environment.now()
    if (message.kind === 'here') return
    const pending = this.#pending.get(message.ask)
    if (!pending) {
      if (message.kind === 'event') this.#options.say({ kind: 'end', ask: message.ask })
      return
    }
    pending.clearTimer()
    if (message.kind === 'unknown') pending.settle(toLost(pending))
    else if (message.kind === 'taken') {
      if (pending.ask.method === 'hello') this.#forget(message.ask)
    } else if (message.kind === 'event') {
      pending.wasHeard = true
      pending.ask.hear?.(message.event)
    } else if (message.kind === 'answer') pending.settle({ kind: 'answer', value: message.value })
    else pending.fail(toError(message.failure))
  }

  /** The gateway that was asked is no more, or is not listened to any more. */
  lose(): void {
    for (const [ask, pending] of this.#pending) {
      this.#options.say({ kind: 'end', ask })
      pending.settle(toLost(pending))
    }
  }

  #send(id: number, { ask, settle, fail }: Pick<Pending, 'ask' | 'settle' | 'fail'>): void {
    const { environment, say, onMute } = this.#options
    const clearTimer = environment.setTimer(onMute, MUTE_MS)
    this.#pending.set(id, { ask, settle, fail, clearTimer, wasHeard: false })
    say({ kind: 'ask', ask: id, method: ask.method, args: ask.args })
  }

  #forget(id: number): void {
    this.#pending.get(id)?.clearTimer()
    this.#pending.delete(id)
    if (this.#pending.size > 0) return
    this.#clearHello?.()
    this.#clearHello = undefined
  }

  /** While something is awaited: a tab may be frozen in the middle of it. */
  #watch(delayMs = HELLO_MS): void {
    const { environment } = this.#options
    this.#clearHello ??= environment.setTimer(() => {
      this.#clearHello = undefined
      const leftMs = Math.ceil(HELLO_MS - (environment.now() - this.#heardAt))
      if (leftMs <= 0 && !environment.isHidden()) this.#hello()
      // No later even if the clock was put back.
      this.#watch(leftMs > 0 ? Math.min(leftMs, HELLO_MS) : HELLO_MS)
    }, delayMs)
  }

  #hello(): void {
    const id = (this.#count += 1)
    const args = [...this.#pending.keys()]
    const forget = () => this.#forget(id)
    this.#send(id, { ask: { method: 'hello', args }, settle: forget, fail: forget })
  }
}

function toLost({ wasHeard }: Pending): Outcome {
  return { kind: 'lost', wasHeard }
}
