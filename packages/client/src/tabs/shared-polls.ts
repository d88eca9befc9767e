import { type LiveEvent, type LiveRequest } from '@flushout/core'
import type { Environment } from '../environment.ts'
import { toExchangeError, untilAborted } from '../exchange-error.ts'
import type { LiveTransport } from '../transport.ts'
import { Hearer } from './hearer.ts'
import { mergeRequests } from './merged-request.ts'
import { ownReady } from './own-ready.ts'

/** Those who were answered together ask again together. */
const GATHER_MS = 50
/** Who has waited for so long is answered though there is nothing for them. */
const MAX_WAIT_MS = 20_000

interface Waiter {
  readonly request: LiveRequest
  readonly since: number
  readonly answer: (events: readonly LiveEvent[]) => void
  readonly fail: (error: unknown) => void
}

/** Asks one question at a time, for all who wait. */
export class SharedPolls {
  readonly #live: LiveTransport
  readonly #environment: Environment
  readonly #waiters = new Set<Waiter>()
  // Of the question under way.
  #abort: AbortController | undefined
  #clearTimer: (() => void) | undefined

  constructor(live: LiveTransport, environment: Environment) {
    this.#live = live
    this.#environment = environment
  }

  async poll(request: LiveRequest, signal: AbortSignal): Promise<readonly LiveEvent[]> {
    let waiter: Waiter | undefined
    try {
      return await untilAborted(signal, () => {
        return new Promise<readonly LiveEvent[]>((answer, fail) => {
          waiter = { request, since: this.#environment.now(), answer, fail }
          this.#waiters.add(waiter)
          if (this.#abort) this.#askLater()
          else void this.#ask()
        })
      })
    } catch (thrown) {
      throw toExchangeError(thrown)
    } finally {
      if (waiter) this.#waiters.delete(waiter)
      if (this.#waiters.size === 0) this.#stop()
    }
  }

  #askLater(): void {
    this.#clearTimer ??= this.#environment.setTimer(() => void this.#ask(), GATHER_MS)
  }

  #stop(): void {
    this.#clearTimer?.()
    this.#clearTimer = undefined
    this.#abort?.abort()
    this.#abort = undefined
  }

  /** Ask for all who wait now, instead of what is being asked. */
  async #ask(): Promise<void> {
    this.#stop()
    const waiters = [...this.#waiters]
    if (waiters.length === 0) return
    const abort = new AbortController()
    this.#abort = abort
    try {
      const question = mergeRequests(waiters.map(({ request }) => request))
      const events = await this.#live.poll(question, abort.signal)
      if (abort.signal.aborted) return
      for (const waiter of waiters) this.#answer(waiter, question, events)
    } catch (error) {
      if (abort.signal.aborted) return
      for (const waiter of waiters) {
        this.#waiters.delete(waiter)
        waiter.fail(error)
      }
    }
    this.#abort = undefined
    // Those with nothing for them.
    if (this.#waiters.size > 0) this.#askLater()
  }

  #answer(waiter: Waiter, question: LiveRequest, events: readonly LiveEvent[]): void {
    const { request, since, answer } = waiter
    const hearer = new Hearer(request)
    const own = events
      .map((event) =>
        event.event === 'ready' ? ownReady(event, question, request) : hearer.pick(event),
      )
      .filter((event) => event !== undefined)
    const hasNews = own.some((event) => isNews(event, request))
    const isLate = this.#environment.now() - since >= MAX_WAIT_MS
    if (!hasNews && events.length > 0 && !isLate) return
    this.#waiters.delete(waiter)
    answer(own)
  }
}

/** Who is told where it is already would ask the same again, and be taken for idle. */
function isNews(event: LiveEvent, { models = {} }: LiveRequest): boolean {
  if (event.event !== 'heads') return event.event !== 'ready'
  const positions = new Map(Object.entries(models))
  return Object.entries(event.heads).some(([key, { commandCount, hash }]) => {
    const position = positions.get(key)
    return position?.from !== commandCount || position.hash !== hash
  })
}
