import type { Model } from '@flushout/client'
import { useCallback } from 'react'

/** Subscribes to status and rejections; meanwhile the model stays in memory and current. */
export function useStatusSubscription<Doc extends object>(
  model: Model<Doc>,
): (listener: () => void) => () => void {
  return useCallback(
    (listener: () => void) => {
      const leave = model.subscribeStatus(listener)
      const release = model.watch()
      return () => {
        leave()
        release()
      }
    },
    [model],
  )
}
