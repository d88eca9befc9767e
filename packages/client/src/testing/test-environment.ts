import { testDigest } from '@flushout/core/testing'
import type { Environment } from '../environment.ts'
import { haveAllParts } from './have-all-parts.ts'

export interface TestEnvironmentOptions {
  /** Environments of one seed give the same ids and random numbers. Give each client its own. */
  readonly seed?: string
  /** When it begins, in milliseconds since 1970. Default 1,000,000. */
  readonly now?: number
  /** Instead of the repeatable numbers of the seed: `() => 1` for the longest pauses. */
  readonly random?: () => number
}

/** An environment in which nothing happens by itself. */
export interface TestEnvironment extends Environment {
  /** How many timers are set. */
  readonly timers: number
  /** How long until the first timer is due, in milliseconds; undefined if none is set. */
  readonly nextTimerMs: number | undefined
  /** Let so much time pass: timers fire in their order, each with all that follows from it. */
  advance(ms: number): Promise<void>
  /** Let everything happen that takes no time. */
  settle(): Promise<void>
  /** The network returned, or somebody looks at the page (again). */
  wake(): Promise<void>
  /** Whether the browser would ask before the page is left. */
  readonly isWarning: boolean
  /** Nobody looks at the page, until `wake`. */
  hide(): void
}

interface Timer {
  readonly callback: () => void
  readonly at: number
}

// More than any test needs: what sets a timer for now, time and again, would never end.
const MAX_AT_ONCE = 1_000

/** Make an environment whose clock stands still until it is told to go on. */
export function createTestEnvironment(options: TestEnvironmentOptions = {}): TestEnvironment {
  haveAllParts()
  const random = options.random ?? createNumbers(options.seed ?? 'test')
  const bytes = createNumbers(`ids of ${options.seed ?? 'test'}`)
  // In the order in which they were set, which decides between equal times.
  const timers = new Set<Timer>()
  const wakers = new Set<() => void>()
  const warnings = new Set<object>()
  let now = options.now ?? 1_000_000
  let isHidden = false

  const first = (): Timer | undefined => {
    let found: Timer | undefined
    for (const timer of timers) if (!found || timer.at < found.at) found = timer
    return found
  }

  return {
    now: () => now,
    random,
    fillRandom(target) {
      for (let index = 0; index < target.length; index += 1) target[index] = bytes() * 256
    },
    setTimer(callback, delayMs) {
      const timer = { callback, at: now + delayMs }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    onWake(callback) {
      wakers.add(callback)
      return () => void wakers.delete(callback)
    },
    isHidden: () => isHidden,
    warnOnLeave() {
      const warning = {}
      warnings.add(warning)
      return () => void warnings.delete(warning)
    },
    get isWarning() {
      return warnings.size > 0
    },
    get timers() {
      return timers.size
    },
    get nextTimerMs() {
      const timer = first()
      return timer && timer.at - now
    },
    async advance(ms) {
      const end = now + ms
      let count = 0
      await settle()
      for (let timer = first(); timer && timer.at <= end; timer = first()) {
        if (timer.at > now) count = 0
        else if ((count += 1) > MAX_AT_ONCE) throw new Error('Timers fire without end at one time.')
        timers.delete(timer)
        now = Math.max(now, timer.at)
        timer.callback()
        await settle()
      }
      now = end
    },
    settle,
    async wake() {
      isHidden = false
      for (const callback of wakers) callback()
      await settle()
    },
    hide() {
      isHidden = true
    },
  }
}

/** Resolves after all promises that settle without time passing, however long their chain. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    const arrive = () => {
      port1.close()
      resolve()
    }
    port1.addEventListener('message', arrive, { once: true })
    port1.start()
    port2.postMessage(undefined)
  })
}

function createNumbers(seed: string): () => number {
  let count = 0
  return () => Number.parseInt(testDigest(`${seed} ${(count += 1)}`).slice(0, 6), 36) / 36 ** 6
}
