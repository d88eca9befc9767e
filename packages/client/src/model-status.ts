import type { FlushoutError, ProxyStatus } from '@flushout/core'
import type { LoopState } from './flush-loop.ts'

/** How a model stands towards its master. The same object until one of its fields changes. */
export interface ModelStatus {
  /**
   * `loading`: the first snapshot is on its way. `online`: the last exchange
   * succeeded. `offline`: it failed, and is tried again by itself. `needs-auth`
   * and `needs-upgrade`: nothing goes out until the user logs in, or the app is
   * reloaded. `refused`: the model does not exist, or not for this user to read
   * or to write; `error` tells.
   */
  readonly state: LoopState['state']
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
  /** When an exchange last succeeded, in milliseconds since 1970. */
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

/** Put together what the proxy counts, if there is one, and how the last exchange went. */
export function composeStatus(
  proxy: { readonly status: ProxyStatus; readonly commandCount: number } | undefined,
  loop: LoopState,
): ModelStatus {
  return Object.freeze({
    ...(proxy?.status ?? NOTHING),
    ...loop,
    commandCount: proxy?.commandCount ?? 0,
    durable: false,
  })
}

/** Tell whether all fields are the same. */
export function isSameStatus(a: ModelStatus, b: ModelStatus): boolean {
  return (Object.keys(a) as (keyof ModelStatus)[]).every((field) => a[field] === b[field])
}
