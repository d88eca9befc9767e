import type { Model } from '@flushout/client'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { VersionReader, type VersionView } from './version-reader.ts'

/**
 * The document as it was at `count`, as `to` of a history entry; nothing for undefined.
 * While another version is read, the one before stays, so that a slider does not flicker.
 * It comes from the server and does not change any more.
 */
export function useSnapshotAt<Doc extends object>(
  model: Model<Doc>,
  count: number | undefined,
): VersionView<Doc> {
  const reader = useMemo(() => new VersionReader(model), [model])
  useEffect(() => reader.want(count), [reader, count])
  return useSyncExternalStore(reader.subscribe, reader.getView, reader.getView)
}
