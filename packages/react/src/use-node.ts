import type { Draft, Model } from '@flushout/client'
import type { At, Path, PathIn } from '@flushout/core'
import { useMemo, useSyncExternalStore } from 'react'
import { NodeHandle } from './node-handle.ts'
import type { Source } from './source.ts'
import { useStablePath } from './use-stable-path.ts'

/**
 * What is at `path`, undefined where there is nothing, and a handle to change it
 * with. The component renders again only when that value changes. The handle is
 * the same as long as the model and the content of `path` are.
 */
export function useNode<Doc extends object, const P extends Path>(
  model: Model<Doc> | Draft<Doc>,
  path: P & PathIn<Doc, P>,
): [At<Doc, P> | undefined, NodeHandle<At<Doc, P>>]
/** The same for a place whose type the model does not know: `useNode<Todo>(model, path)`. */
export function useNode<T extends object = never>(
  model: Source,
  // Without this, a path that does not fit the model would compile after all.
  path: [T] extends [never] ? never : Path,
): [T | undefined, NodeHandle<T>]
export function useNode(model: Source, path: Path): [unknown, unknown] {
  const stable = useStablePath(path)
  const node = useMemo(() => new NodeHandle<unknown>(model, stable), [model, stable])
  return [useSyncExternalStore(node.subscribe, node.read, node.read), node]
}
