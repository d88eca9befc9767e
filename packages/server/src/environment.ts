import { createRandomPool } from './random-pool.ts'

/** Everything outside the program that a service depends on, so that tests can play it. */
export interface Environment {
  /** Milliseconds since 1970, for `at`, ids and interceptors. */
  readonly now: () => number
  /** From 0 up to 1, to spread retries. */
  readonly random: () => number
  /** Fill the bytes with random ones, for ids: unpredictable, never repeated. */
  readonly fillRandom: (bytes: Uint8Array) => void
  /**
   * Call back once after `delayMs`; the returned function takes it back. Nothing is lost
   * should the process end before a call that `isIdle`.
   */
  readonly setTimer: (callback: () => void, delayMs: number, isIdle?: boolean) => () => void
  /** Call back as soon as what has arrived already was looked at. */
  readonly defer: (callback: () => void) => void
}

/** The real thing, in Node. */
export const defaultEnvironment: Environment = {
  now: () => Date.now(),
  random: () => Math.random(),
  fillRandom: createRandomPool(),
  setTimer(callback, delayMs, isIdle = false) {
    const timer = setTimeout(callback, delayMs)
    if (isIdle) timer.unref()
    return () => clearTimeout(timer)
  },
  defer: (callback) => void setImmediate(callback),
}
