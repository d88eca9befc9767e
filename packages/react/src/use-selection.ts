import type { Model } from '@flushout/client'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { Selection } from './selection.ts'

/** What `selector` makes of the document of `model`; equal results are the same. */
export function useSelection<Doc extends object>(
  model: Model<Doc>,
  selector: (document: Doc) => unknown,
): unknown {
  const selection = useMemo(() => new Selection(model), [model])
  const getSelected = useMemo(() => selection.readWith(selector), [selection, selector])
  const value = useSyncExternalStore(model.subscribe, getSelected, getSelected)
  useEffect(() => selection.show(value), [selection, value])
  return value
}
