export { applyAll } from './apply-all.ts'
export { Blame, type FieldChange } from './blame.ts'
export { catalogue, type ErrorCode, type Retry } from './catalogue.ts'
export type {
  Command,
  Create,
  Delete,
  Expects,
  GivenCommand,
  Rejection,
  Run,
  Update,
} from './command.ts'
export {
  Commander,
  type AnyRuns,
  type ApplyOptions,
  type RunRest,
  type UpdateOptions,
} from './commander.ts'
export type { ConfirmedReader, LogRecord } from './confirmed-log.ts'
export { difference } from './difference.ts'
export { FlushoutError, isFlushoutError } from './errors.ts'
export { toFeedEvents, type Feed, type FeedEvent } from './feed.ts'
export {
  chainHash,
  endOf,
  schemaOf,
  toAppliedFlush,
  type ClientRecord,
  type EntryNote,
  type LogEntry,
  type Merge,
  type NamedRun,
} from './history.ts'
export type { BatchOptions, PendingGroup } from './group.ts'
export { createIdFactory, firstIdAt, isTimedId, type IdSource } from './id.ts'
export { redactDocument, redactEntry, redactVerdict } from './redact.ts'
export type { DocumentView, Interceptor, InterceptorContext, User } from './interceptor.ts'
export { copyJson, MAX_DEPTH, type JsonArray, type JsonObject, type JsonValue } from './json.ts'
export { compileKeyPattern, createKey, parseKey } from './key.ts'
export type { FeedRequest, LiveEvent, LiveRequest, Peer, PresenceRequest } from './live.ts'
export type { FlushContext } from './apply-command.ts'
export { Master, type MasterOptions, type Staged } from './master.ts'
export type { Loss } from './loss.ts'
export type { PendingMemory, ProxyMemory } from './memory.ts'
export type { NamedCommand, NamedCommands, RunRefusal } from './named.ts'
export type { UpdateListener } from './news.ts'
export type { PendingOfSession, PendingSession } from './others.ts'
export { touches, type HistoryEntry, type HistoryPage, type HistoryQuery } from './past.ts'
export { isPath, ROOT, type Path } from './path.ts'
export {
  preview,
  type Conflict,
  type Preview,
  type PreviewedCommand,
  type Previewed,
} from './preview.ts'
export {
  PROTOCOL,
  type AppliedFlush,
  type Flush,
  type FlushGroup,
  type GroupReads,
  type FlushAnswer,
  type Position,
  type PullAnswer,
  type Remap,
  type Snapshot,
  type Sync,
  type Verdict,
} from './protocol.ts'
export { CommandProxy } from './proxy.ts'
export type { ProxyOptions } from './proxy-options.ts'
export type { Rebase } from './replica.ts'
export type { EndResult, LostCommand, ProxyStatus } from './proxy-status.ts'
export { refusedReceipt, type Outcome, type Receipt, type SettledCommand } from './receipt.ts'
export type { Resolver, StaleUpdate } from './resolve.ts'
export type { CommandTracker, TrackedCommand } from './tracker.ts'
export { FIRST_VERSION, type ModelVersions } from './versions.ts'
export type { At, ChildProps, PathIn, PropsAt } from './typed.ts'
