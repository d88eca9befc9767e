import type { Environment } from './environment.ts'

/**
 * Warns who leaves the page while a model has edits that would be lost with it. At all
 * other times nothing is registered: browsers keep a page that listens out of the cache
 * from which they show it at once when somebody goes back.
 */
export class LeaveGuard {
  readonly #environment: Pick<Environment, 'warnOnLeave'>
  #count = 0
  #stop: (() => void) | undefined

  constructor(environment: Pick<Environment, 'warnOnLeave'>) {
    this.#environment = environment
  }

  /** One model more or less has something to lose. */
  change(isAtRisk: boolean): void {
    this.#count += isAtRisk ? 1 : -1
    if (this.#count === 0) this.end()
    else this.#stop ??= this.#environment.warnOnLeave()
  }

  end(): void {
    this.#stop?.()
    this.#stop = undefined
  }
}
