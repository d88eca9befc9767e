import type { Draft, Model } from '@flushout/client'
import type { Path, PathIn } from '@flushout/core'
import { useCallback, useSyncExternalStore } from 'react'
import { useStablePath } from './use-stable-path.ts'

/**
 * The keys of the node at `path`, frozen; empty where there is none. The
 * component renders again only when a key was added, removed or renamed: edits
 * below the keys are for `useNode`, in a component of each row.
 */
export function useKeys<Doc extends object, const P extends Path>(
  model: Model<Doc> | Draft<Doc>,
  path: P & PathIn<Doc, P>,
): readonly string[] {
  const stable = useStablePath(path)
  const subscribe = useCallback(
    (listener: () => void) => model.subscribe(listener, stable),
    [model, stable],
  )
  const getKeys = () => model.keys(stable)
  return useSyncExternalStore(subscribe, getKeys, getKeys)
}
