import type { Model, Path } from '@flushout/client'
import { useMemo, useSyncExternalStore } from 'react'
import { HistoryList, type HistoryView } from './history-list.ts'
import { useStablePath } from './use-stable-path.ts'

/** Which part of a history to show. */
export interface HistoryOptions {
  /** Only what wrote at, above or below this path. */
  readonly path?: Path
  /** Entries of a page, from 1 to 200. Default 50. */
  readonly limit?: number
}

const WHOLE: Path = Object.freeze([])

/**
 * Who did what and when, the newest first: the first page at once, older ones by
 * `loadMore`, and what is confirmed from then on. It comes from the server, so there is
 * none while it cannot be reached.
 */
export function useHistory<Doc extends object>(
  model: Model<Doc>,
  { path = WHOLE, limit }: HistoryOptions = {},
): HistoryView {
  const stable = useStablePath(path)
  const list = useMemo(
    () => new HistoryList(model, { limit, path: stable.length > 0 ? stable : undefined }),
    [model, stable, limit],
  )
  return useSyncExternalStore(list.subscribe, list.getView, list.getView)
}
