import {
  compileKeyPattern,
  copyJson,
  createIdFactory,
  FlushoutError,
  type Flush,
  type FlushAnswer,
  type Interceptor,
  type JsonObject,
  type MasterOptions,
  type Position,
  type PullAnswer,
  type Snapshot,
  type User,
} from '@flushout/core'
import type { Action, Authorize } from './authorize.ts'
import { ModelCache } from './cache.ts'
import { checkFlush, checkKey } from './check-message.ts'
import { createGenesisHash, digest } from './digest.ts'
import { defaultEnvironment, type Environment } from './environment.ts'
import { HotModel, type CheckpointRule } from './hot-model.ts'
import { CommitterLane } from './lane.ts'
import { completeLimits, type Limits } from './limits.ts'
import { silentLog, type Log } from './log.ts'
import { ModelRunner } from './runner.ts'
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
  /** Rules for its commands, in the order in which they run. */
  readonly interceptors?: readonly Rule<U>[]
}

/** An interceptor; it may know more of users than that they have an id. */
export type Rule<U extends User = User> = {
  rule(...args: Parameters<Interceptor<U>>): ReturnType<Interceptor<U>>
}['rule']

export interface ServiceOptions<U extends User = User> {
  readonly store: ModelStore
  /** Who may do what. There is no default: `allowAnyone` has to be written out. */
  readonly authorize: Authorize<U>
  /** The first whose pattern fits a key counts. */
  readonly models: readonly ModelKind<U>[]
  readonly limits?: Partial<Limits>
  /** When the whole document is written, and not only what changed. */
  readonly checkpoint?: Partial<CheckpointRule>
  /**
   * How many of the latest commands of each model stay in the history; all if
   * left out. Less history means more snapshots for clients that come back.
   */
  readonly keepHistory?: number
  readonly log?: Log
  /** Clock, randomness and timers, for tests. */
  readonly environment?: Environment
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
  /** Throw UNAVAILABLE unless flushes can be served now. */
  ready(): Promise<void>
  /** Refuse what comes from now on; `close` does the rest. */
  drain(): void
  /** Answer who waits, write checkpoints and close the store. */
  close(): Promise<void>
  /** How many models are in memory, and how many characters they take, about. */
  readonly usage: { readonly models: number; readonly bytes: number }
}

/** Make a service. Throws OPTIONS_INVALID when `authorize` or a pattern is missing. */
export function createService<U extends User = User>(
  options: ServiceOptions<U>,
): FlushoutService<U> {
  return new Service(options)
}

interface CompiledKind<U extends User> extends ModelKind<U> {
  readonly fits: (key: string) => boolean
}

class Service<U extends User> implements FlushoutService<U> {
  readonly #store: ModelStore
  readonly #authorize: Authorize<U>
  readonly #kinds: readonly CompiledKind<U>[]
  readonly #limits: Limits
  readonly #rule: CheckpointRule
  readonly #keepHistory: number | undefined
  readonly #log: Log
  readonly #environment: Environment
  readonly #createId: () => string
  readonly #lane: CommitterLane
  readonly #cache: ModelCache<U>
  #isDraining = false
  #closed: Promise<void> | undefined

  constructor(options: ServiceOptions<U>) {
    checkOptions(options)
    this.#store = options.store
    this.#authorize = options.authorize
    this.#kinds = options.models.map((kind) => ({ ...kind, fits: compileKeyPattern(kind.pattern) }))
    this.#limits = completeLimits(options.limits)
    this.#rule = { bytes: 65_536, flushes: 1000, ...options.checkpoint }
    this.#keepHistory = options.keepHistory
    this.#log = options.log ?? silentLog
    this.#environment = options.environment ?? defaultEnvironment
    this.#createId = createIdFactory(this.#environment)
    this.#lane = new CommitterLane(this.#store, this.#environment)
    this.#cache = new ModelCache(this.#limits.cacheBytes, (key) => this.#createRunner(key))
  }

  get usage(): { models: number; bytes: number } {
    return { models: this.#cache.size, bytes: this.#cache.bytes }
  }

  async flush(key: string, flush: Flush, user?: U): Promise<FlushAnswer> {
    checkKey(key, this.#limits.keyLength)
    checkFlush(flush, this.#limits.flushCommands)
    // Without commands it only asks for news, which whoever may read may have.
    await this.#admit(key, flush.commands.length > 0 ? 'write' : 'read', user)
    // Fixed here, once: when two servers meet and this is done again, the rules
    // must see the same.
    const context = { user, now: this.#environment.now(), seed: this.#createId() }
    return this.#cache.runner(key).flush(flush, context)
  }

  async pull(key: string, { from, hash }: Position, user?: U): Promise<PullAnswer> {
    checkKey(key, this.#limits.keyLength)
    await this.#admit(key, 'read', user)
    const wanted = hash === '' ? undefined : from
    return this.#cache.runner(key).read((model) => model.master.pull(from, hash), wanted)
  }

  async snapshot(key: string, user?: U): Promise<Snapshot> {
    checkKey(key, this.#limits.keyLength)
    await this.#admit(key, 'read', user)
    return this.#cache.runner(key).read((model) => model.master.snapshot())
  }

  async snapshotText(key: string, user?: U): Promise<{ hash: string; text: string }> {
    checkKey(key, this.#limits.keyLength)
    await this.#admit(key, 'read', user)
    return this.#cache.runner(key).read((model) => ({
      hash: model.master.hash,
      text: model.snapshotText(),
    }))
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
  }

  close(): Promise<void> {
    this.#isDraining = true
    this.#closed ??= this.#cache.close().then(() => this.#store.close())
    return this.#closed
  }

  /** Refuse whoever may not. Says nothing about which models there are. */
  async #admit(key: string, action: Action, user: U | undefined): Promise<void> {
    this.#checkOpen()
    if (!this.#kindOf(key)) throw new FlushoutError('MODEL_NOT_FOUND', 'There is no such model.')
    let isAllowed: unknown
    try {
      isAllowed = await this.#authorize(user, action, key)
    } catch (error) {
      this.#log.error({ err: error, model: key, action }, 'authorize failed')
      throw new FlushoutError('UNAVAILABLE', 'Permissions cannot be checked now.', { cause: error })
    }
    // Anything but true is a no: a forgotten `return` must not open the door.
    if (isAllowed !== true) {
      throw user
        ? new FlushoutError('FORBIDDEN', `This user may not ${action} this model.`)
        : new FlushoutError('UNAUTHENTICATED', 'Log in first.')
    }
    // Time has passed since.
    this.#checkOpen()
  }

  #checkOpen(): void {
    if (!this.#isDraining) return
    const message = 'This server is shutting down.'
    throw new FlushoutError('UNAVAILABLE', message, { retryAfterMs: 1000 })
  }

  #kindOf(key: string): CompiledKind<U> | undefined {
    return this.#kinds.find((kind) => kind.fits(key))
  }

  #createRunner(key: string): ModelRunner<U> {
    const kind = this.#kindOf(key)!
    const runner: ModelRunner<U> = new ModelRunner<U>(key, {
      store: this.#store,
      lane: this.#lane,
      environment: this.#environment,
      log: this.#log,
      maxWaiting: this.#limits.waiting,
      maxAttempts: this.#limits.attempts,
      keepHistory: this.#keepHistory,
      wake: (stored) => new HotModel(key, stored, this.#masterOptions(key, kind), this.#rule),
      create: () => this.#createModel(key, kind),
      onServed: () => this.#cache.weigh(runner),
    })
    return runner
  }

  #masterOptions(key: string, kind: ModelKind<U>): MasterOptions<U> {
    return {
      createId: this.#createId,
      digest,
      interceptors: kind.interceptors ?? [],
      maxDocumentBytes: this.#limits.documentBytes,
      maxHistoryBytes: this.#limits.historyBytes,
      onInterceptorError: (error) => {
        this.#log.error({ err: error, model: key }, 'an interceptor failed')
      },
    }
  }

  async #createModel(key: string, { initial }: ModelKind<U>): Promise<boolean> {
    if (initial === undefined) return false
    const copy = copyJson(typeof initial === 'function' ? initial(key) : initial)
    if (!copy.ok) throw new Error(`The initial document of "${key}" holds ${copy.fault.found}.`)
    const document = copy.value as JsonObject
    const hash = createGenesisHash(this.#environment)
    await this.#store.create(key, { commandCount: 0, hash, document })
    this.#log.info({ model: key }, 'model created')
    return true
  }
}

function checkOptions<U extends User>({ store, authorize, models }: ServiceOptions<U>): void {
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
  for (const { pattern, initial } of models as readonly ModelKind<U>[]) {
    if (typeof pattern !== 'string' || pattern === '') {
      throw new FlushoutError('OPTIONS_INVALID', 'Each of `models` has a pattern, as `todos:*`.')
    }
    const isObject = typeof initial === 'object' && initial !== null && !Array.isArray(initial)
    if (typeof initial === 'function' || initial === undefined) continue
    if (!isObject || !copyJson(initial).ok) {
      const message = `The initial document of "${pattern}" is not an object of exact JSON.`
      throw new FlushoutError('OPTIONS_INVALID', message)
    }
  }
}
