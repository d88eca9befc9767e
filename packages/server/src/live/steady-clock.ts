/** A longer step is somebody who sets the clock, and no time that passed. */
const MAX_STEP_MS = 60_000

/**
 * Make a clock of one that people may set: what it gives never goes back, and
 * goes on by what passed. Only to be compared with itself.
 */
export function createSteadyClock(now: () => number): () => number {
  let last = now()
  let passed = 0
  return () => {
    const current = now()
    const step = current - last
    last = current
    if (step > 0 && step <= MAX_STEP_MS) passed += step
    return passed
  }
}
