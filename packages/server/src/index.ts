export { flushout, flushout as default, type FlushoutOptions } from './plugin.ts'
export type { ModelAdmin } from './admin.ts'
export type { ModelEntry, ModelPage, ModelQuery, NewModel } from './admin-messages.ts'
export {
  allowAnyone,
  type Action,
  type Administer,
  type Administration,
  type Authorize,
} from './authorize.ts'
export { defaultEnvironment, type Environment } from './environment.ts'
export { fastifyOptions } from './fastify-options.ts'
export type { Cursor, Cursors, FollowedModel } from './followers/cursors.ts'
export { followModels } from './followers/follow-models.ts'
export type { FollowModelsOptions, ModelFollower } from './followers/follower-options.ts'
export type { Beginning, FollowerChange } from './followers/read-change.ts'
export type { Check, CheckContext, Objection } from './check-commands.ts'
export type { CheckpointRule } from './hot-model.ts'
export type { Hints, Notice } from './hints.ts'
export type { LimitName, Limits } from './limits.ts'
export type { Follow, FollowEvent, FollowListener } from './live/follow.ts'
export type { Frame } from './live/frame.ts'
export type { Identify, Sink } from './live/stream.ts'
export type { Log } from './log.ts'
export type { Metrics } from './metrics.ts'
export { memoryStore } from './memory-store.ts'
export type { Headers, Observer, Step, Watch } from './observe.ts'
export type { PostgresClient, PostgresPool } from './postgres-pool.ts'
export { postgresStore, type PostgresStoreOptions } from './postgres-store.ts'
export type { Rate, Rates } from './rates.ts'
export type { ClientRetention, Retention } from './retention.ts'
export { createService, type FlushoutService, type LiveConnection } from './service.ts'
export type { LiveOptions, ModelKind, Resolve, Rule, ServiceOptions } from './service-options.ts'
export type {
  ClientRange,
  EntryRange,
  Erased,
  Head,
  ListedModel,
  ModelStore,
  News,
  Outcome,
  StoredModel,
  Stretch,
  TrimRange,
  Trimmed,
  Write,
} from './store.ts'
export type { Usage } from './usage.ts'
