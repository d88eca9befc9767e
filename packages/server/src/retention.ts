import { FlushoutError } from '@flushout/core'
import type { TrimRange } from './store.ts'

/**
 * How much of its past a model keeps: all, nothing, at least the last so many commands, or
 * what is younger than so many milliseconds. What its checkpoint does not hold yet stays in
 * any case.
 */
export type Retention = 'all' | 'none' | { readonly last: number } | { readonly forMs: number }

/** For how long clients are known after their last flush: for ever, or so many milliseconds. */
export type ClientRetention = 'all' | { readonly forMs: number }

/** Entries that one step takes away. */
const STEP = 500

/** What may be trimmed now; undefined where all is kept. */
export function toTrimRange(retention: Retention, now: number): TrimRange | undefined {
  if (retention === 'all') return undefined
  const keep = typeof retention === 'object' && 'last' in retention ? retention.last : 0
  const isTimed = typeof retention === 'object' && 'forMs' in retention
  return { keep, before: isTimed ? now - retention.forMs : undefined, limit: STEP }
}

/** Throw OPTIONS_INVALID unless `retention` says what to keep. */
export function checkRetention(name: string, retention: Retention | undefined): void {
  if (retention === undefined || retention === 'all' || retention === 'none') return
  const { last, forMs } = Object(retention) as { last?: unknown; forMs?: unknown }
  const isCount = forMs === undefined && Number.isSafeInteger(last) && (last as number) >= 0
  if (isCount || (last === undefined && isDuration(forMs))) return
  const forms = "'all', 'none', { last: 1000 } or { forMs: 30 * 24 * 3600 * 1000 }"
  throw new FlushoutError('OPTIONS_INVALID', `\`${name}\` must be ${forms}.`)
}

/** Throw OPTIONS_INVALID unless `retention` says how long clients are known. */
export function checkClientRetention(retention: ClientRetention | undefined): void {
  if (retention === undefined || retention === 'all') return
  if (isDuration((Object(retention) as { forMs?: unknown }).forMs)) return
  throw new FlushoutError('OPTIONS_INVALID', "`clients` must be 'all' or { forMs: … }.")
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}
