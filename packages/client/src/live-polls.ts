import type { FlushoutError, LiveEvent, LiveRequest } from '@flushout/core'
import type { Environment } from './environment.ts'
import { toExchangeError, untilAborted } from './exchange-error.ts'
import { withoutRefused } from './live-interest.ts'
import type { LiveTransport } from './transport.ts'

export interface LivePollsOptions {
  readonly live: LiveTransport
  /** What to ask for now. */
  readonly compose: () => LiveRequest
  readonly environment: Environment
  readonly hear: (polls: LivePolls, event: LiveEvent) => void
  /** Hears after each answer. */
  readonly onAnswer: (polls: LivePolls, isFirst: boolean) => void
  /** Hears once, unless the polls were closed before. */
  readonly onEnd: (polls: LivePolls, error: FlushoutError) => void
}

/** Servers answer after 25 s, with or without news. */
const TIMEOUT_MS = 40_000
/** Between two equal questions that were answered at once. */
const PACE_MS = 1_000

/** One question after the other, each answered when there is something to tell. */
export class LivePolls {
  readonly kind = 'poll' as const
  /** Models and patterns of which nothing comes any more. They are not asked for. */
  readonly refused: Set<string> = new Set()
  /** Whether there was an answer. */
  isProven = false
  request: LiveRequest
  readonly #options: LivePollsOptions
  #isClosed = false
  // Of the question under way, which is not to be answered any more if `#isAnew`.
  #abort = new AbortController()
  #isAnew = false
  #clearPause = () => {}
  #endPause = () => {}

  constructor(options: LivePollsOptions) {
    this.#options = options
    this.request = options.compose()
    void this.#run()
  }

  /** Ask anew: what is wanted is something else, or refusals may be over. */
  restart(): void {
    this.request = this.#options.compose()
    this.refused.clear()
    this.#isAnew = true
    this.#abort.abort()
    this.#clearPause()
    this.#endPause()
  }

  /** End without another word. */
  close(): void {
    this.#isClosed = true
    this.#clearPause()
    this.#abort.abort()
  }

  async #run(): Promise<void> {
    const { compose, environment, onAnswer, onEnd } = this.#options
    let last = ''
    while (!this.#isClosed) {
      this.request = compose()
      const question = withoutRefused(this.request, this.refused)
      const text = JSON.stringify(question)
      const startedAt = environment.now()
      const isFirst = !this.isProven
      try {
        await this.#ask(question)
      } catch (thrown) {
        if (this.#isClosed) return
        if (this.#isAnew) continue
        this.close()
        return onEnd(this, toExchangeError(thrown))
      }
      onAnswer(this, isFirst)
      // Who answers the same at once would be asked without end.
      const isIdle = text === last && environment.now() - startedAt < PACE_MS
      last = text
      if (isIdle) await this.#pause(PACE_MS * (1 + environment.random()))
    }
  }

  async #ask(question: LiveRequest): Promise<void> {
    const { live, environment, hear } = this.#options
    const abort = new AbortController()
    this.#abort = abort
    this.#isAnew = false
    const clear = environment.setTimer(() => {
      abort.abort(new DOMException(`No answer came in ${TIMEOUT_MS} ms.`, 'TimeoutError'))
    }, TIMEOUT_MS)
    try {
      const events = await untilAborted(abort.signal, () => live.poll(question, abort.signal))
      this.isProven = true
      for (const event of events) if (!abort.signal.aborted) hear(this, event)
    } finally {
      clear()
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#endPause = resolve
      this.#clearPause = this.#options.environment.setTimer(resolve, delayMs)
    })
  }
}
