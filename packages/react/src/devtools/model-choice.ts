import type { WatchedModel } from './recorder.ts'
import type { RecordedClient } from './recorders.ts'

/** A model that the panel can show, and whose it is. */
export interface ModelChoice {
  readonly client: RecordedClient
  readonly watched: WatchedModel
}
