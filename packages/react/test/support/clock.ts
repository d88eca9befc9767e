import type { Environment } from '@flushout/client'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Time that stands still until a test lets it pass, and no chance. */
export class Clock implements Environment {
  #now = 1_000_000
  readonly #timers = new Set<Timer>()

  now = (): number => this.#now
  random = (): number => 0.5
  onWake = (): (() => void) => () => {}
  isHidden = (): boolean => false
  warnOnLeave = (): (() => void) => () => {}

  /** How many timers wait. */
  get timers(): number {
    return this.#timers.size
  }

  fillRandom = (bytes: Uint8Array): void => {
    bytes.forEach((_, index) => {
      bytes[index] = index * 7
    })
  }

  setTimer = (callback: () => void, delayMs: number): (() => void) => {
    const timer = { at: this.#now + delayMs, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Let time pass, with everything that it brings about. */
  async pass(durationMs: number): Promise<void> {
    const end = this.#now + durationMs
    await settled()
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
      await settled()
    }
    this.#now = end
  }

  #next(end: number): Timer | undefined {
    return [...this.#timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0]
  }
}

/** Resolves when all that can go on without the passing of time has done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
