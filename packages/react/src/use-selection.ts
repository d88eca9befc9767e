import type { Model } from '@flushout/client'
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import { keepEqual } from './keep-equal.ts'

/** What `selector` makes of the document of `model`; equal results are the same. */
export function useSelection<Doc extends object>(
  model: Model<Doc>,
  selector: (document: Doc) => unknown,
): unknown {
  // What is on screen: an inline selector is another one at each render, and
  // must not make an equal result look new.
  const shown = useRef<unknown>(undefined)
  const getSelected = useMemo(() => {
    let document: Doc | undefined
    let selected: unknown
    let hasRun = false
    return () => {
      const next = model.read()
      if (hasRun && next === document) return selected
      selected = keepEqual(hasRun ? selected : shown.current, selector(next as Doc))
      document = next
      hasRun = true
      return selected
    }
  }, [model, selector])
  const value = useSyncExternalStore(model.subscribe, getSelected, getSelected)
  useEffect(() => {
    shown.current = value
  }, [value])
  return value
}
