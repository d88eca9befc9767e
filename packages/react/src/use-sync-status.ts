import type { Model, ModelStatus } from '@flushout/client'
import { useSyncExternalStore } from 'react'

/**
 * How the model stands towards its master: what is queued and in flight, whether
 * the last exchange succeeded and when. The same object while nothing changed.
 */
export function useSyncStatus<Doc extends object>(model: Model<Doc>): ModelStatus {
  const getStatus = () => model.status
  return useSyncExternalStore(model.subscribeStatus, getStatus, getStatus)
}
