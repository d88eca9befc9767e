import type { FlushoutError } from '@flushout/core'
import { retryDelay } from './flush-timing.ts'

/** Changes that come together make one new connection. */
export const JOIN_MS = 20
const RETRY_BASE_MS = 300
const RETRY_MAX_MS = 10_000
/** So often in a row a stream may end so soon before polls are tried. */
export const SHORT_LIVES = 3
/** How soon that is. */
export const SHORT_MS = 1_000
/** So often a stream may be refused before polls are tried. */
export const REFUSALS = 3
/** After an outage during which polls were tried, a stream is tried again so soon. */
const RETURN_MS = 2_000
/** While polls work, streams are tried again so often. */
const BLOCKED_MS = 60_000
/** A stream that is open again so soon was never gone. */
export const GRACE_MS = 1_000
/** Nobody looks for so long: the stream is given up until somebody does. */
export const HIDDEN_MS = 60_000

/** Full jitter, so that those who lost a server together do not come back together. */
export function pauseAfter(error: FlushoutError, failures: number, random: number): number {
  // Who lost a stream is asked to come within some time, all others after it.
  const isCut = error.code === 'NETWORK'
  const retryBaseMs = Math.max(RETRY_BASE_MS, (isCut && error.retryAfterMs) || 0)
  const timing = { retryBaseMs, retryMaxMs: RETRY_MAX_MS }
  return retryDelay(timing, failures, isCut ? undefined : error, random)
}

/** How long polls do before a stream is tried again. */
export function blockedPause(random: number): number {
  return BLOCKED_MS * (0.9 + 0.2 * random)
}

/** How long polls do after an outage: those who found out together do not come together. */
export function returnPause(random: number): number {
  return RETURN_MS * random
}

/** How long to wait before who was refused comes again, though exchanges work. */
export function renewPause(random: number): number {
  return RETRY_MAX_MS * (1 + random)
}
