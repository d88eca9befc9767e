import type { FlushoutError } from '@flushout/core'

/** When a client flushes. */
export interface FlushTiming {
  /** `manual`: only when `flush()` is called, and no asking for news. Default `auto`. */
  readonly mode?: 'auto' | 'manual'
  /** Wait for so long a pause between edits. Default 50 ms. */
  readonly quietMs?: number
  /** But send after so long at most. Default 250 ms. */
  readonly maxDelayMs?: number
  /** Ask for news so often while nothing is queued. Default 5,000 ms. */
  readonly pollMs?: number
  /** Give up waiting for an answer after so long, and try again. Default 15,000 ms. */
  readonly timeoutMs?: number
  /** The longest first pause after a failure; it doubles from there. Default 300 ms. */
  readonly retryBaseMs?: number
  /** The longest pause between tries. Default 30,000 ms. */
  readonly retryMaxMs?: number
}

/** What holds where an application says nothing. */
export const DEFAULT_TIMING: Required<FlushTiming> = {
  mode: 'auto',
  quietMs: 50,
  maxDelayMs: 250,
  pollMs: 5_000,
  timeoutMs: 15_000,
  retryBaseMs: 300,
  retryMaxMs: 30_000,
}

// A server that asks for more patience than this is not taken at its word:
// everyone is to be in step again soon after a fault is over.
const MAX_RETRY_AFTER_MS = 300_000

/** How long to wait for another edit, when the first is so old. */
export function quietDelay({ quietMs, maxDelayMs }: Required<FlushTiming>, ageMs: number): number {
  return Math.max(0, Math.min(quietMs, maxDelayMs - ageMs))
}

/** Full jitter, so that clients who failed together do not return together. */
export function retryDelay(
  { retryBaseMs, retryMaxMs }: Pick<Required<FlushTiming>, 'retryBaseMs' | 'retryMaxMs'>,
  failures: number,
  error: FlushoutError | undefined,
  random: number,
): number {
  const ceiling = Math.min(retryMaxMs, retryBaseMs * 2 ** (failures - 1))
  const asked = Math.min(MAX_RETRY_AFTER_MS, Math.max(0, error?.retryAfterMs ?? 0))
  return asked + random * ceiling
}

/** News are due some time after the last ones, whoever asked for those. */
export function pollDelay(
  { pollMs }: Required<FlushTiming>,
  ageMs: number,
  random: number,
): number {
  const period = pollMs * (0.9 + 0.2 * random)
  // Within the period even if the clock was put back.
  return Math.min(period, Math.max(0, period - ageMs))
}
