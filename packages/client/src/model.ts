import {
  Commander,
  CommandProxy,
  FlushoutError,
  isFlushoutError,
  ROOT,
  type At,
  type Command,
  type DocumentView,
  type JsonObject,
  type LostCommand,
  type Path,
  type ProxyOptions,
  type Receipt,
  type Snapshot,
} from '@flushout/core'
import type { Environment } from './environment.ts'
import { FlushLoop, type FlushTiming } from './flush-loop.ts'
import type { Transport } from './transport.ts'

/** How a model stands towards its master. The same object until one of its fields changes. */
export interface ModelStatus {
  /**
   * `loading`: the first snapshot is on its way. `online`: the last exchange
   * succeeded. `offline`: it failed, and is tried again by itself. `needs-auth`
   * and `needs-upgrade`: nothing goes out until the user logs in, or the app is
   * reloaded. `refused`: the model does not exist or is not for this user.
   */
  readonly state: 'loading' | 'online' | 'offline' | 'needs-auth' | 'needs-upgrade' | 'refused'
  /** Commands that are applied here and in no flush yet. */
  readonly queued: number
  /** Commands in a flush that was not answered yet. */
  readonly inFlight: number
  /** Commands that the master vouched for. */
  readonly confirmed: number
  /** Entries of `rejections`. */
  readonly rejected: number
  /** Commands that built the document as it shows: confirmed and all others. */
  readonly commandCount: number
  /** Whether edits that nobody confirmed would survive a reload. */
  readonly durable: boolean
  /** When an exchange last succeeded, in milliseconds since 1970. */
  readonly lastSyncedAt: number | undefined
  /** Why the last exchange failed, if it did. */
  readonly error: FlushoutError | undefined
}

export interface ModelOptions {
  readonly key: string
  readonly transport: Transport
  readonly environment: Environment
  readonly timing: Required<FlushTiming>
  readonly proxy: ProxyOptions
}

const NO_REJECTIONS: readonly LostCommand[] = Object.freeze([])

/**
 * One collaborative document, here and on the server. It loads when it is first
 * asked for; until then, reading gives nothing and commands throw MODEL_LOADING.
 */
export class Model<Doc extends object = JsonObject>
  extends Commander<Doc>
  implements DocumentView
{
  /** The name of the model on the server. */
  readonly key: string
  readonly #options: ModelOptions
  readonly #statusListeners = new Set<() => void>()
  readonly #loading = new AbortController()
  #proxy: CommandProxy<Doc> | undefined
  #loop: FlushLoop | undefined
  #ready: Promise<void> | undefined
  #loadError: FlushoutError | undefined
  #cancelRetry: () => void = () => {}
  #status: ModelStatus | undefined
  #mode: 'auto' | 'manual'
  #isPaused = false
  #watchers = 0

  constructor(options: ModelOptions) {
    super()
    this.key = options.key
    this.#options = options
    this.#mode = options.timing.mode
  }

  /** Whether there is a document. */
  get isLoaded(): boolean {
    return this.#proxy !== undefined
  }

  /**
   * Resolves when there is a document, and goes on trying until then. Rejects
   * only where trying again is of no use, as with MODEL_NOT_FOUND or FORBIDDEN.
   * The same promise at every call.
   */
  get ready(): Promise<void> {
    this.#ready ??= this.#load()
    return this.#ready
  }

  get status(): ModelStatus {
    this.#status ??= this.#composeStatus()
    return this.#status
  }

  /** See `CommandProxy.rejections`. */
  get rejections(): readonly LostCommand[] {
    return this.#proxy?.rejections ?? NO_REJECTIONS
  }

  /** Take an entry off `rejections`. */
  dismiss(lost: LostCommand): void {
    this.#proxy?.dismiss(lost)
  }

  /** See `CommandProxy.read`. Undefined until the model is loaded. */
  read(): Doc | undefined
  read<const P extends Path>(path: P): At<Doc, P> | undefined
  read(path: Path = ROOT): unknown {
    return this.#proxy?.read(path)
  }

  /** See `CommandProxy.keys`. Empty until the model is loaded. */
  keys(path: Path = ROOT): readonly string[] {
    return this.#proxy?.keys(path) ?? ROOT
  }

  size(path: Path = ROOT): number {
    return this.#proxy?.size(path) ?? 0
  }

  /** See `CommandProxy.apply`. */
  override apply(command: Command): Receipt {
    return this.#loaded().apply(command)
  }

  /** See `CommandProxy.batch`. */
  batch<T>(run: () => T): T {
    return this.#loaded().batch(run)
  }

  /** Send everything queued now, in any mode. Resolves when that was tried; never rejects. */
  async flush(): Promise<void> {
    await this.#loop?.flush()
  }

  /** Call `listener` after every change at, above or below `path`; without a path after any. */
  subscribe = (listener: () => void, path: Path = ROOT): (() => void) => {
    if (this.#proxy) return this.#proxy.subscribe(listener, path)
    // Joins the proxy when there is one; the load itself is a change.
    let leave: (() => void) | undefined
    let isOver = false
    void this.ready.then(
      () => {
        if (isOver) return
        leave = this.#proxy!.subscribe(listener, path)
        listener()
      },
      () => {},
    )
    return () => {
      isOver = true
      leave?.()
    }
  }

  /** Call `listener` whenever `status` or `rejections` is another. */
  subscribeStatus = (listener: () => void): (() => void) => {
    const own = () => listener()
    this.#statusListeners.add(own)
    return () => void this.#statusListeners.delete(own)
  }

  /** Keep the model current by asking for news until the returned function is called. */
  watch(): () => void {
    this.#watchers += 1
    this.#loop?.watch(true)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#watchers -= 1
      this.#loop?.watch(this.#watchers > 0)
    }
  }

  /** Whether somebody watches the model, or it holds what the master does not have. */
  get isNeeded(): boolean {
    const { queued, inFlight, rejected } = this.status
    return this.#watchers > 0 || queued + inFlight + rejected > 0
  }

  /** Used by the client that the model belongs to; call its methods instead. */
  readonly control: ModelControl = {
    wake: () => {
      this.#cancelRetry()
      this.#loop?.wake()
    },
    pause: () => {
      this.#isPaused = true
      this.#loop?.pause()
    },
    resume: () => {
      this.#isPaused = false
      this.#cancelRetry()
      this.#loop?.resume()
    },
    setMode: (mode) => {
      this.#mode = mode
      this.#loop?.setMode(mode)
    },
    close: () => {
      this.#loading.abort()
      this.#cancelRetry()
      this.#loop?.stop()
    },
  }

  #loaded(): CommandProxy<Doc> {
    if (this.#proxy) return this.#proxy
    throw new FlushoutError('MODEL_LOADING', `Await \`ready\` of ${this.key} before writing to it.`)
  }

  async #load(): Promise<void> {
    const { transport, environment, timing } = this.#options
    const { signal } = this.#loading
    for (let failures = 0; ; failures += 1) {
      try {
        if (!this.#isPaused) return this.#start(await transport.load(this.key, signal))
      } catch (error) {
        this.#loadFailed(error)
      }
      if (signal.aborted) throw new FlushoutError('CLIENT_CLOSED', 'The client was closed.')
      const ceiling = Math.min(timing.retryMaxMs, timing.retryBaseMs * 2 ** failures)
      await new Promise<void>((resolve) => {
        const clear = environment.setTimer(resolve, environment.random() * ceiling)
        this.#cancelRetry = () => {
          clear()
          resolve()
        }
      })
    }
  }

  #loadFailed(error: unknown): void {
    // A snapshot that is none counts as no answer at all.
    const isAnswer = isFlushoutError(error) && error.code !== 'OPTIONS_INVALID'
    const cause = { cause: error }
    this.#loadError = isAnswer
      ? error
      : new FlushoutError('ANSWER_INVALID', 'The server gave no snapshot.', cause)
    this.#statusChanged()
    if (this.#loadError.retry === 'never') throw this.#loadError
  }

  #start(snapshot: Snapshot): void {
    const { transport, environment, timing, proxy: proxyOptions } = this.#options
    const proxy = new CommandProxy<Doc>(snapshot as unknown as Snapshot<Doc>, proxyOptions)
    const loop = new FlushLoop({
      proxy: proxy as unknown as CommandProxy<object>,
      send: (flush, signal) => transport.flush(this.key, flush, signal),
      timing: { ...timing, mode: this.#mode },
      environment,
      onChange: this.#statusChanged,
    })
    this.#proxy = proxy
    this.#loop = loop
    this.#loadError = undefined
    let { queued } = proxy.status
    proxy.subscribeStatus(() => {
      const hasGrown = proxy.status.queued > queued
      queued = proxy.status.queued
      this.#statusChanged()
      if (hasGrown) loop.edited()
    })
    if (this.#isPaused) loop.pause()
    loop.watch(this.#watchers > 0)
    this.#statusChanged()
  }

  #statusChanged = (): void => {
    this.#status = undefined
    for (const listener of this.#statusListeners) listener()
  }

  #composeStatus(): ModelStatus {
    const proxy = this.#proxy
    const loop = this.#loop?.state
    const { queued, inFlight, confirmed, rejected } = proxy?.status ?? NOTHING
    return Object.freeze({
      state: loop?.state ?? stateOfLoad(this.#loadError),
      queued,
      inFlight,
      confirmed,
      rejected,
      commandCount: proxy?.commandCount ?? 0,
      durable: false,
      lastSyncedAt: loop?.lastSyncedAt,
      error: loop ? loop.error : this.#loadError,
    })
  }
}

/** What a client does with its models. */
export interface ModelControl {
  readonly wake: () => void
  readonly pause: () => void
  readonly resume: () => void
  readonly setMode: (mode: 'auto' | 'manual') => void
  readonly close: () => void
}

const NOTHING = { queued: 0, inFlight: 0, confirmed: 0, rejected: 0 }

function stateOfLoad(error: FlushoutError | undefined): ModelStatus['state'] {
  switch (error?.retry) {
    case undefined:
      return 'loading'
    case 'never':
      return 'refused'
    case 'after-auth':
      return 'needs-auth'
    case 'after-upgrade':
      return 'needs-upgrade'
    default:
      return 'offline'
  }
}
