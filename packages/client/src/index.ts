export { createClient, type Client, type ClientOptions, type ModelVerdict } from './client.ts'
export type { ClientEvent } from './client-event.ts'
export { directTransport, type Backend, type LiveLine, type LiveSink } from './direct-transport.ts'
export type { Draft } from './draft.ts'
export { defaultEnvironment, type Environment } from './environment.ts'
export type { FlushTiming } from './flush-timing.ts'
export type { FollowedEvent, FollowedFeed, FollowedModelEvent } from './follow.ts'
export { httpTransport, type HttpTransportOptions } from './http-transport.ts'
export type { Auth } from './login.ts'
export type { Model } from './model.ts'
export type { NodeBlame } from './model-past.ts'
export type { ModelStatus } from './model-status.ts'
export type { Presence } from './presence.ts'
export type { ModelPreview } from './preview-model.ts'
export type { DocumentAt, KeyFor, ModelAt, Register, RegisteredKey } from './register.ts'
export type {
  ClientStorage,
  StorageChange,
  StorageKey,
  StorageNews,
  StorageRow,
} from './storage/client-storage.ts'
export { indexedDbStorage, type IndexedDbStorageOptions } from './storage/indexed-db-storage.ts'
export { memoryStorage } from './storage/memory-storage.ts'
export type { LiveTransport, PastTransport, Transport } from './transport.ts'
export { onDevice, type Device, type DeviceOptions } from './vault/on-device.ts'
export {
  isFlushoutError,
  type Command,
  type GivenCommand,
  type ErrorCode,
  type Feed,
  type FeedEvent,
  type FieldChange,
  type FlushoutError,
  type HistoryEntry,
  type HistoryPage,
  type HistoryQuery,
  type Interceptor,
  type JsonObject,
  type JsonValue,
  type LostCommand,
  type Outcome,
  type Path,
  type Peer,
  type PendingSession,
  type PreviewedCommand,
  type Receipt,
  type Rejection,
  type User,
} from '@flushout/core'
export type { NodeAction } from '@flushout/core/define'
