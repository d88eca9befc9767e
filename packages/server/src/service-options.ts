import {
  copyJson,
  FlushoutError,
  type Interceptor,
  type JsonObject,
  type ModelVersions,
  type NamedCommands,
  type Resolver,
  type User,
} from '@flushout/core'
import type { Administer, Authorize } from './authorize.ts'
import type { Check } from './check-commands.ts'
import type { Environment } from './environment.ts'
import type { CheckpointRule } from './hot-model.ts'
import type { Limits } from './limits.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Observer } from './observe.ts'
import {
  checkClientRetention,
  checkRetention,
  type ClientRetention,
  type Retention,
} from './retention.ts'
import type { ModelStore } from './store.ts'

/** A kind of models: all whose keys fit the pattern. */
export interface ModelKind<U extends User = User> {
  /** Segments with `:` between them; `*` stands for one: `todos:*`. */
  readonly pattern: string
  /**
   * The document of a model that nobody used yet. It comes into being when it is
   * first read or written. Without this, a model that is not in the store is not
   * found.
   */
  readonly initial?: JsonObject | ((key: string) => JsonObject)
  /** How much history its models keep, if not what `history` of the service says. */
  readonly history?: Retention
  /** Rules for its commands, in the order in which they run. */
  readonly interceptors?: readonly Rule<U>[]
  /** What can be run by its name; see `withCommands` of `@flushout/core/commands`. */
  readonly commands?: NamedCommands
  /**
   * What to do with an update that found something else than it expects. Without it, such
   * an update is a conflict: nothing is overwritten, and its author is told.
   */
  readonly resolve?: Resolve<U>
  /** What is asked before its commands are applied, and may take its time. */
  readonly check?: Check<U>
  /** Where there is more than one version; `defineModel` makes it. */
  readonly versions?: ModelVersions
}

/** An interceptor; it may know more of users than that they have an id. */
export type Rule<U extends User = User> = {
  rule(...args: Parameters<Interceptor<U>>): ReturnType<Interceptor<U>>
}['rule']

/** A resolver; it may know more of users than that they have an id. */
export type Resolve<U extends User = User> = {
  resolve(...args: Parameters<Resolver<U>>): ReturnType<Resolver<U>>
}['resolve']

export interface ServiceOptions<U extends User = User> {
  readonly store: ModelStore
  /** Who may do what. There is no default: `allowAnyone` has to be written out. */
  readonly authorize: Authorize<U>
  /** Who may make, configure and delete models by request. Nobody if this is left out. */
  readonly administer?: Administer<U>
  /** The first whose pattern fits a key counts. */
  readonly models: readonly ModelKind<U>[]
  readonly limits?: Partial<Limits>
  /** When the whole document is written, and not only what changed. */
  readonly checkpoint?: Partial<CheckpointRule>
  /**
   * How much history each model keeps, unless its kind says otherwise. Default `'all'`.
   * Who comes back from before it gets a snapshot.
   */
  readonly history?: Retention
  /**
   * For how long clients are known that send nothing any more; default 90 days. What they
   * may have sent before is not applied afterwards, but told as dropped.
   */
  readonly clients?: ClientRetention
  /** How live connections are kept. */
  readonly live?: LiveOptions
  readonly log?: Log
  /** Counts what happens, as `prometheus({ token })` of `@flushout/server/prometheus` does. */
  readonly metrics?: Metrics | undefined
  /** Follows each flush, as `openTelemetry()` of `@flushout/server/opentelemetry` does. */
  readonly traces?: Observer | undefined
  /** Clock, randomness and timers, for tests. */
  readonly environment?: Environment
}

export interface LiveOptions {
  /** After so long without news a connection is told how far its models are. Default 20,000 ms. */
  readonly heartbeatMs?: number
  /**
   * How often the store is asked whether others wrote, should it have been told to
   * nobody. Default 2,000 ms.
   */
  readonly pollMs?: number
}

/** Throw OPTIONS_INVALID for what no service can be made of. */
export function checkOptions<U extends User>({
  store,
  authorize,
  models,
  history,
  clients,
}: ServiceOptions<U>): void {
  if (!store) throw new FlushoutError('OPTIONS_INVALID', 'Give a store: `store: memoryStore()`.')
  if (typeof authorize !== 'function') {
    throw new FlushoutError(
      'OPTIONS_INVALID',
      'Say who may do what: `authorize: (user, action, key) => boolean`, or `allowAnyone`.',
    )
  }
  if (!Array.isArray(models) || models.length === 0) {
    throw new FlushoutError(
      'OPTIONS_INVALID',
      "Name the models: `models: [{ pattern: 'todos:*' }]`.",
    )
  }
  checkRetention('history', history)
  checkClientRetention(clients)
  for (const { pattern, initial, history: own } of models as readonly ModelKind<U>[]) {
    if (typeof pattern !== 'string' || pattern === '') {
      throw new FlushoutError('OPTIONS_INVALID', 'Each of `models` has a pattern, as `todos:*`.')
    }
    checkRetention(`history of "${pattern}"`, own)
    const isObject = typeof initial === 'object' && initial !== null && !Array.isArray(initial)
    if (typeof initial === 'function' || initial === undefined) continue
    if (!isObject || !copyJson(initial).ok) {
      const message = `The initial document of "${pattern}" is not an object of exact JSON.`
      throw new FlushoutError('OPTIONS_INVALID', message)
    }
  }
}
