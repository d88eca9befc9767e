import type { Draft, Model, NodeAction } from '@flushout/client'
import type { Path, PathIn } from '@flushout/core'
import { useCallback, useSyncExternalStore } from 'react'
import { useStablePath } from './use-stable-path.ts'

/**
 * Whether the user may do this with the node at `path`, by `can` of its definition; `create`
 * means a new one under it. The component renders again only when that changes. Why not is
 * what `model.refusal` tells, and the receipt of whoever tries: in the words of the server.
 */
export function useCan<Doc extends object, const P extends Path>(
  model: Model<Doc> | Draft<Doc>,
  action: NodeAction,
  path: P & PathIn<Doc, P>,
): boolean {
  const stable = useStablePath(path)
  // After any change: what somebody may do can be written anywhere in the document.
  const subscribe = useCallback((listener: () => void) => model.subscribe(listener), [model])
  const may = () => model.refusal(action, stable) === undefined
  return useSyncExternalStore(subscribe, may, may)
}
