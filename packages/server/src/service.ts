import {
  compileKeyPattern,
  copyJson,
  createIdFactory,
  FlushoutError,
  isFlushoutError,
  type Flush,
  type FlushAnswer,
  type FlushContext,
  type HistoryPage,
  type HistoryQuery,
  type JsonObject,
  type LiveRequest,
  type MasterOptions,
  type Path,
  type Position,
  type PresenceRequest,
  type PullAnswer,
  type Snapshot,
  type User,
} from '@flushout/core'
import { createModelAdmin, type ModelAdmin } from './admin.ts'
import type { Action, Administer, Administration, Authorize } from './authorize.ts'
import { ModelCache } from './cache.ts'
import { Caretaker } from './caretaker.ts'
import { checkCommands, type Check } from './check-commands.ts'
import { checkFlush, checkKey } from './check-message.ts'
import { createGenesisHash, digest } from './digest.ts'
import { defaultEnvironment, type Environment } from './environment.ts'
import type { Hints } from './hints.ts'
import { HotModel, type CheckpointRule } from './hot-model.ts'
import { CommitterLane } from './lane.ts'
import { completeLimits, type Limits } from './limits.ts'
import { follow, type Follow, type FollowListener } from './live/follow.ts'
import { Hub } from './live/hub.ts'
import { Presence } from './live/presence.ts'
import type { Identify, Sink } from './live/stream.ts'
import { silentLog, type Log } from './log.ts'
import { joinObservers, watched, type Observer, type Watch } from './observe.ts'
import { readHistory, readVersion } from './read-past.ts'
import { clearPath } from './clear-path.ts'
import { ModelRunner } from './runner.ts'
import { checkOptions, type ModelKind, type ServiceOptions } from './service-options.ts'
import type { Erased, Head, ModelStore } from './store.ts'
import { Turns } from './turns.ts'
import type { Usage } from './usage.ts'

/** A live connection that is open. */
export interface LiveConnection {
  /** Resolves when all that was asked for is followed, or was refused. */
  readonly started: Promise<void>
  /** The sink takes more again, after `write` gave false. */
  drained(): void
  /** Follow nothing any more. */
  close(): void
}

/**
 * The master side of all models, whatever the transport: `user` comes from the
 * session of whoever calls. Every method rejects with a `FlushoutError` only.
 */
export interface FlushoutService<U extends User = User> {
  /** Apply a flush and store it. */
  flush(key: string, flush: Flush, user?: U): Promise<FlushAnswer>
  /** What a client at `position` lacks. */
  pull(key: string, position: Position, user?: U): Promise<PullAnswer>
  /** The model as it is now. */
  snapshot(key: string, user?: U): Promise<Snapshot>
  /** The same as JSON text, made once for each state, with the history hash. */
  snapshotText(key: string, user?: U): Promise<{ readonly hash: string; readonly text: string }>
  /**
   * The model as it was after its first `count` commands, `hash` being '' within a
   * flush. Throws VERSION_NOT_FOUND where the history does not reach that far.
   */
  snapshotAt(key: string, count: number, user?: U): Promise<Snapshot>
  /** Who did what and when, the newest first, page by page. */
  history(key: string, query?: HistoryQuery, user?: U): Promise<HistoryPage>
  /**
   * Tell the sink what happens to the models and feeds that `request` names, those
   * that the user may read. `identify` tells who that is, now and again from time
   * to time. Throws BUSY when there are too many.
   */
  live(request: LiveRequest, createSink: () => Sink, identify: Identify<U>): LiveConnection
  /** Show others what somebody does who is connected, to this server or another. */
  announce(presence: PresenceRequest, user?: U): Promise<void>
  /**
   * Call `listener` for what happens from now on to the items of all models that
   * fit, whoever did it and wherever, until the returned function is called. For
   * code of the server: nobody's permissions are asked for. What happens while this
   * process is down is not heard of.
   */
  follow(feed: Follow, listener: FollowListener): () => void
  /**
   * Permissions may be others than a moment ago, of one user, for one model, or in
   * general: live connections are asked again at once, here and on other servers.
   */
  permissionsChanged(whose?: { readonly userId?: string; readonly key?: string }): void
  /** Models as a whole: make, list, configure, delete them. */
  readonly models: ModelAdmin<U>
  /** Throw UNAVAILABLE unless flushes can be served now. */
  ready(): Promise<void>
  /** Refuse what comes from now on; `close` does the rest. */
  drain(): void
  /** Answer who waits, write checkpoints and close the store. */
  close(): Promise<void>
  readonly usage: Usage
}

/** Make a service. Throws OPTIONS_INVALID when `authorize` or a pattern is missing. */
export function createService<U extends User = User>(
  options: ServiceOptions<U>,
): FlushoutService<U> {
  return new Service(options)
}

/** Who may read in the past at a time: it takes connections and work from those who edit. */
const READERS = 2

const CLIENTS_FOR_MS = 90 * 24 * 3_600_000

interface CompiledKind<U extends User> extends ModelKind<U> {
  readonly fits: (key: string) => boolean
}

class Service<U extends User> implements FlushoutService<U> {
  readonly #store: ModelStore
  readonly #authorize: Authorize<U>
  readonly #administer: Administer<U>
  readonly #kinds: readonly CompiledKind<U>[]
  readonly #limits: Limits
  readonly #rule: CheckpointRule
  readonly #log: Log
  readonly #environment: Environment
  readonly #observer: Observer | undefined
  readonly #createId: () => string
  readonly #lane: CommitterLane
  readonly #cache: ModelCache<U>
  readonly #caretaker: Caretaker
  readonly #hints: Hints
  readonly #hub: Hub<U>
  readonly #turns: Turns
  readonly models: ModelAdmin<U>
  #isDraining = false
  #closed: Promise<void> | undefined

  constructor(options: ServiceOptions<U>) {
    checkOptions(options)
    this.#store = options.store
    this.#authorize = options.authorize
    this.#administer = options.administer ?? (() => false)
    this.#kinds = options.models.map((kind) => ({ ...kind, fits: compileKeyPattern(kind.pattern) }))
    this.#limits = completeLimits(options.limits)
    this.#rule = { bytes: 65_536, flushes: 1000, keepBytes: 262_144, ...options.checkpoint }
    this.#log = options.log ?? silentLog
    this.#environment = options.environment ?? defaultEnvironment
    this.#createId = createIdFactory(this.#environment)
    this.#observer = joinObservers([options.metrics, options.traces])
    this.#observer?.attach?.(() => this.usage)
    this.#lane = new CommitterLane(this.#store, this.#environment, this.#observer)
    this.#cache = new ModelCache(this.#limits.cacheBytes, (key) => this.#createRunner(key))
    this.#caretaker = new Caretaker({
      store: this.#store,
      environment: this.#environment,
      log: this.#log,
      keepBytes: this.#rule.keepBytes,
      clients: options.clients ?? { forMs: CLIENTS_FOR_MS },
      retentionOf: (key) => {
        const kind = this.#kindOf(key)
        return kind && (kind.history ?? options.history ?? 'all')
      },
      settle: (key) => this.#cache.settle(key),
    })
    this.#turns = new Turns(READERS, this.#limits.waiting, this.#environment)
    this.#hints = this.#store.hints()
    this.#hub = new Hub<U>({
      store: this.#store,
      hints: this.#hints,
      environment: this.#environment,
      log: this.#log,
      heartbeatMs: options.live?.heartbeatMs ?? 20_000,
      pollMs: options.live?.pollMs ?? 2_000,
      maxModels: this.#limits.streamModels,
      refusal: (user, key) => this.#refusal(key, user),
      onTold: this.#observer?.told?.bind(this.#observer),
      forget: (key) => this.#cache.forget(key),
      read: (key, read, from) => this.#cache.runner(key).read(read, from),
    })
    this.models = createModelAdmin<U>({
      store: this.#store,
      environment: this.#environment,
      limits: this.#limits,
      log: this.#log,
      admit: (key, action, user) => this.#admit(key, action, user),
      checkOpen: (key) => this.#checkKind(key),
      initialOf: (key) => {
        const { initial = {} } = this.#kindOf(key)!
        return typeof initial === 'function' ? initial(key) : initial
      },
      versionsOf: (key) => this.#kindOf(key)?.versions,
      onChange: ({ key, change }) => this.#hub.changed(key, change),
      forget: (key) => this.#cache.forget(key),
      erase: (key, path, user) => this.#erase(key, path, user),
    })
  }

  get usage(): Usage {
    return { models: this.#cache.size, bytes: this.#cache.bytes, ...this.#hub.usage }
  }

  flush(key: string, flush: Flush, user?: U): Promise<FlushAnswer> {
    const observer = this.#observer
    // Not a promise more than without it: flushes that come together are stored together.
    if (!observer) return this.#flush(key, flush, user)
    return this.#flushWatched(observer, key, flush, user)
  }

  pull(key: string, { from, hash }: Position, user?: U): Promise<PullAnswer> {
    const wanted = hash === '' ? undefined : from
    return this.#read(key, user, ({ master }) => master.pull(from, hash), wanted)
  }

  snapshot(key: string, user?: U): Promise<Snapshot> {
    return this.#read(key, user, ({ master }) => master.snapshot())
  }

  snapshotText(key: string, user?: U): Promise<{ hash: string; text: string }> {
    return this.#read(key, user, (model) => ({
      hash: model.master.hash,
      text: model.snapshotText(),
    }))
  }

  async snapshotAt(key: string, count: number, user?: U): Promise<Snapshot> {
    const head = await this.#headOf(key, user)
    return this.#readPast(key, () => readVersion(this.#store, key, head, count))
  }

  async history(key: string, query: HistoryQuery = {}, user?: U): Promise<HistoryPage> {
    const head = await this.#headOf(key, user)
    return this.#readPast(key, () => readHistory(this.#store, key, head, query))
  }

  live(request: LiveRequest, createSink: () => Sink, identify: Identify<U>): LiveConnection {
    this.#checkOpen()
    if (this.#hub.streams >= this.#limits.streams) {
      const retryAfterMs = Math.ceil(1000 + this.#environment.random() * 4000)
      throw new FlushoutError('BUSY', 'Too many are connected.', { retryAfterMs })
    }
    const stream = this.#hub.open(createSink(), identify)
    const started = stream.start(request).catch((error: unknown) => {
      this.#log.debug({ err: error }, 'a live connection could not be begun')
      stream.close()
    })
    return { started, drained: () => stream.drained(), close: () => stream.close() }
  }

  async announce({ token, sequence, models }: PresenceRequest, user?: U): Promise<void> {
    const peer = Presence.nameOf(token)
    await Promise.all(
      Object.entries(models).map(async ([key, state]) => {
        checkKey(key, this.#limits.keyLength)
        await this.#admit(key, 'read', user)
        this.#hub.presence.announce(key, peer, user, sequence, state)
      }),
    )
  }

  follow(feed: Follow, listener: FollowListener): () => void {
    return follow(this.#hub, feed, listener)
  }

  permissionsChanged(whose: { userId?: string; key?: string } = {}): void {
    this.#hints.publish({ kind: 'access', ...whose })
    this.#hub.permissionsChanged(whose)
  }

  async ready(): Promise<void> {
    this.#checkOpen()
    try {
      await this.#store.ping()
    } catch (error) {
      throw new FlushoutError('UNAVAILABLE', 'The store cannot be reached now.', { cause: error })
    }
  }

  drain(): void {
    this.#isDraining = true
    this.#hub.drain()
  }

  close(): Promise<void> {
    this.drain()
    this.#closed ??= this.#end()
    return this.#closed
  }

  async #end(): Promise<void> {
    await this.#cache.close()
    await this.#caretaker.end()
    await this.#store.close()
  }

  async #flush(
    key: string,
    flush: Flush,
    user: U | undefined,
    watch?: Watch,
  ): Promise<FlushAnswer> {
    checkKey(key, this.#limits.keyLength)
    checkFlush(flush, this.#limits.flushCommands)
    // Without commands it only asks for news, which whoever may read may have.
    await this.#admit(key, flush.commands.length > 0 ? 'write' : 'read', user)
    const { check } = this.#kindOf(key)!
    // Who has no check does not wait for one.
    const objections = check && (await this.#check(check, key, flush, user))
    // Fixed here, once: when two servers meet and this is done again, the rules
    // must see the same.
    const context = { user, now: this.#environment.now(), seed: this.#createId(), ...objections }
    return this.#cache.runner(key).flush(flush, context, watch)
  }

  /** Before the model is asked for, so that nobody else waits. */
  async #check(
    check: Check<U>,
    key: string,
    { commands }: Flush,
    user: U | undefined,
  ): Promise<Pick<FlushContext<U>, 'objections'>> {
    if (commands.length === 0) return {}
    const { checkMs } = this.#limits
    const environment = this.#environment
    const asked = checkCommands(check, { key, user, commands, checkMs, environment })
    const objections = await asked.catch((error: unknown) => {
      this.#log.error({ err: error, model: key }, 'a check failed')
      throw error
    })
    // Time has passed since.
    this.#checkOpen()
    return { objections }
  }

  async #flushWatched(
    observer: Observer,
    key: string,
    flush: Flush,
    user: U | undefined,
  ): Promise<FlushAnswer> {
    const kind = this.#patternOf(key)
    // Not checked yet: it may be anything.
    const { commands: given } = Object(flush) as { commands?: unknown }
    const commands = Array.isArray(given) ? given.length : 0
    const watch = observer.begin({ name: 'flush', kind, key, commands })
    const serve = () => this.#flush(key, flush, user, watch)
    const answer = await watched(watch, serve, ({ outcome }) => outcome)
    observer.answered?.(kind, commands, answer)
    return answer
  }

  /** Read from a model as it is now, for whoever may. */
  #read<Result>(
    key: string,
    user: U | undefined,
    read: (model: HotModel<U>) => Result,
    from?: number,
  ): Promise<Result> {
    const serve = async () => {
      checkKey(key, this.#limits.keyLength)
      await this.#admit(key, 'read', user)
      return this.#cache.runner(key).read(read, from)
    }
    const observer = this.#observer
    if (!observer) return serve()
    return watched(observer.begin({ name: 'read', kind: this.#patternOf(key), key }), serve)
  }

  /** Erase what lies at `path`, for whoever may. */
  async #erase(key: string, path: Path, user: U | undefined): Promise<Erased | undefined> {
    const until = await clearPath(this.#cache.runner(key), path, {
      user,
      createId: this.#createId,
      now: this.#environment.now,
      versions: this.#kindOf(key)?.versions,
    })
    const erased = await this.#store.erase(key, path, until)
    this.#hub.erased(key)
    return erased
  }

  /** Read from the store when it is one's turn. */
  async #readPast<Result>(key: string, read: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#turns.take(read)
    } catch (error) {
      if (isFlushoutError(error) && error.code !== 'INTERNAL') throw error
      this.#log.error({ err: error, model: key }, 'the past could not be read')
      if (isFlushoutError(error)) throw error
      throw new FlushoutError('UNAVAILABLE', 'The past cannot be read now.', { cause: error })
    }
  }

  /** Where the history ends, for whoever may read it. */
  #headOf(key: string, user: U | undefined): Promise<Head> {
    return this.#read(key, user, ({ head }) => head)
  }

  /** Refuse whoever may not. Says nothing about which models there are. */
  async #admit(key: string, action: Action | Administration, user: U | undefined): Promise<void> {
    this.#checkKind(key)
    let isAllowed: unknown
    try {
      isAllowed =
        action === 'read' || action === 'write'
          ? await this.#authorize(user, action, key)
          : await this.#administer(user, action, key)
    } catch (error) {
      this.#log.error({ err: error, model: key, action }, 'authorize failed')
      throw new FlushoutError('UNAVAILABLE', 'Permissions cannot be checked now.', { cause: error })
    }
    // Anything but true is a no: a forgotten `return` must not open the door.
    if (isAllowed !== true) {
      if (action === 'read' || action === 'write') this.#hub.refused(user, key)
      throw user
        ? new FlushoutError('FORBIDDEN', `This user may not ${action} this model.`)
        : new FlushoutError('UNAUTHENTICATED', 'Log in first.')
    }
    // Time has passed since.
    this.#checkOpen()
  }

  #checkKind(key: string): void {
    this.#checkOpen()
    if (!this.#kindOf(key)) throw new FlushoutError('MODEL_NOT_FOUND', 'There is no such model.')
  }

  /** Why somebody may not read a model, if they may not. */
  async #refusal(key: string, user: U | undefined): Promise<FlushoutError | undefined> {
    try {
      checkKey(key, this.#limits.keyLength)
      await this.#admit(key, 'read', user)
      return undefined
    } catch (error) {
      if (isFlushoutError(error)) return error
      throw error
    }
  }

  #checkOpen(): void {
    if (!this.#isDraining) return
    const message = 'This server is shutting down.'
    throw new FlushoutError('UNAVAILABLE', message, { retryAfterMs: 1000 })
  }

  #kindOf(key: string): CompiledKind<U> | undefined {
    return this.#kinds.find((kind) => kind.fits(key))
  }

  /** What models of its kind are counted as. */
  #patternOf(key: string): string {
    return this.#kindOf(key)?.pattern ?? ''
  }

  #createRunner(key: string): ModelRunner<U> {
    const kind = this.#kindOf(key)!
    const runner: ModelRunner<U> = new ModelRunner<U>(key, {
      store: this.#store,
      lane: this.#lane,
      environment: this.#environment,
      log: this.#log,
      observer: this.#observer,
      maxWaiting: this.#limits.waiting,
      maxAttempts: this.#limits.attempts,
      onCheckpoint: () => this.#caretaker.tidy(key),
      wake: (stored) => new HotModel(key, stored, this.#masterOptions(key, kind), this.#rule),
      create: () => this.#createModel(key, kind),
      onServed: () => this.#cache.weigh(runner),
      onAdvance: (advance) => this.#hub.advanced(key, advance),
    })
    return runner
  }

  #masterOptions(key: string, kind: ModelKind<U>): MasterOptions<U> {
    return {
      createId: this.#createId,
      digest,
      interceptors: kind.interceptors ?? [],
      ...(kind.commands && { commands: kind.commands }),
      ...(kind.resolve && { resolve: kind.resolve }),
      versions: kind.versions,
      maxDocumentBytes: this.#limits.documentBytes,
      maxHistoryBytes: this.#limits.historyBytes,
      onInterceptorError: (error) => {
        this.#log.error({ err: error, model: key }, 'a rule or a named command failed')
      },
    }
  }

  async #createModel(key: string, { initial, versions }: ModelKind<U>): Promise<boolean> {
    if (initial === undefined) return false
    const copy = copyJson(typeof initial === 'function' ? initial(key) : initial)
    if (!copy.ok) throw new Error(`The initial document of "${key}" holds ${copy.fault.found}.`)
    const document = copy.value as JsonObject
    const hash = createGenesisHash(this.#environment)
    const snapshot = {
      commandCount: 0,
      hash,
      document,
      ...(versions && { schema: versions.version }),
    }
    if (await this.#store.create(key, snapshot)) {
      this.#log.info({ model: key }, 'model created')
      this.#hub.changed(key, 'create')
    }
    return true
  }
}
