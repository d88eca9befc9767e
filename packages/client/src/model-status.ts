import type { FlushoutError, ProxyStatus } from '@flushout/core'
import type { LoopState } from './flush-loop.ts'

/** How a model stands towards its master. The same object until one of its fields changes. */
export interface ModelStatus {
  /**
   * `connecting`: nothing was exchanged yet, or the first connection is being
   * made. `live`: what others do comes as it happens. `polling`: exchanges work,
   * and news are asked for. `offline`: the last exchange failed or the connection
   * broke, and is tried again by itself. `needs-auth` and `needs-upgrade`: nothing
   * goes out until the user logs in, or the app is reloaded. `refused`: the model
   * does not exist, or not for this user to read or to write; `error` tells.
   * Edits are taken in all of them, once there is a document.
   */
  readonly state: LoopState['state'] | 'live'
  /** When that began, in milliseconds since 1970. */
  readonly since: number
  /** Commands that are applied here and in no flush yet. */
  readonly queued: number
  /** Commands in a flush that was not answered yet. */
  readonly inFlight: number
  /** Commands that the master vouched for. */
  readonly confirmed: number
  /** Entries of `rejections`. */
  readonly rejected: number
  /**
   * How often the server had another past than the one it had confirmed, as after
   * a restored backup: what it confirmed before may be gone.
   */
  readonly historyChanges: number
  /** Commands that built the document as it shows: confirmed and all others. */
  readonly commandCount: number
  /** Whether edits that nobody confirmed would survive a reload. */
  readonly durable: boolean
  /** When the model was last known to be in step, in milliseconds since 1970. */
  readonly lastSyncedAt: number | undefined
  /** Why the last exchange failed, if it did. */
  readonly error: FlushoutError | undefined
}

const NOTHING: ProxyStatus = {
  queued: 0,
  inFlight: 0,
  confirmed: 0,
  rejected: 0,
  historyChanges: 0,
}

/** How the live connection serves a model: not yet, by a stream, by polls; or not at all. */
export type Carriage = 'joining' | 'stream' | 'poll' | undefined

/** What is known of a model that is kept on the device. */
interface Kept {
  readonly isSaved: boolean
  /** What this page has to send for others. */
  readonly carried: { readonly queued: number; readonly inFlight: number } | undefined
  /** Those of other pages included. */
  readonly rejected: number
}

/**
 * Put together what the proxy counts, if there is one, how the last exchange went, how
 * news come, and what is kept.
 */
export function composeStatus(
  proxy: { readonly status: ProxyStatus; readonly commandCount: number } | undefined,
  loop: LoopState,
  carriage: Carriage,
  kept: Kept | undefined,
  last: ModelStatus | undefined,
  now: number,
): ModelStatus {
  const state = composeState(loop.state, carriage)
  const own = proxy?.status ?? NOTHING
  return Object.freeze({
    ...own,
    ...loop,
    queued: own.queued + (kept?.carried?.queued ?? 0),
    inFlight: own.inFlight + (kept?.carried?.inFlight ?? 0),
    rejected: kept?.rejected ?? own.rejected,
    state,
    since: last?.state === state ? last.since : now,
    commandCount: proxy?.commandCount ?? 0,
    durable: kept?.isSaved === true,
  })
}

function composeState(state: LoopState['state'], carriage: Carriage): ModelStatus['state'] {
  if (state !== 'polling') return state
  if (carriage === 'joining') return 'connecting'
  return carriage === 'stream' ? 'live' : state
}

/** The same of a model that no server knows: nothing of it ever waits for one. */
export function toLocalStatus(status: ModelStatus, last: ModelStatus | undefined): ModelStatus {
  const since = last?.since ?? status.since
  return Object.freeze({ ...status, state: 'live', since, queued: 0, inFlight: 0 })
}

/** Tell whether all fields are the same. */
export function isSameStatus(a: ModelStatus, b: ModelStatus): boolean {
  return (Object.keys(a) as (keyof ModelStatus)[]).every((field) => a[field] === b[field])
}
