import { FlushoutError } from '@flushout/core'
import type { Environment } from './environment.ts'

/** Lets a few do their work at a time, the others in turn. */
export class Turns {
  readonly #atOnce: number
  readonly #maxWaiting: number
  readonly #environment: Pick<Environment, 'random'>
  readonly #waiting: (() => void)[] = []
  #working = 0

  constructor(atOnce: number, maxWaiting: number, environment: Pick<Environment, 'random'>) {
    this.#atOnce = atOnce
    this.#maxWaiting = maxWaiting
    this.#environment = environment
  }

  /** Work as soon as it is one's turn. Throws BUSY where too many wait already. */
  async take<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#working >= this.#atOnce) await this.#wait()
    else this.#working += 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // Whoever is next takes the place that is free now.
      if (next) next()
      else this.#working -= 1
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) {
      const retryAfterMs = Math.ceil(500 + this.#environment.random() * 1500)
      throw new FlushoutError('BUSY', 'Too many read in the past.', { retryAfterMs })
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
