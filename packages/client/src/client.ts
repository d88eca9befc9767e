import { createIdFactory, FlushoutError, type Interceptor, type JsonObject, type User } from '@flushout/core'
import { defaultEnvironment, type Environment } from './environment.ts'
import type { FlushTiming } from './flush-loop.ts'
import { httpTransport, type HttpTransportOptions } from './http-transport.ts'
import { Model } from './model.ts'
import type { Transport } from './transport.ts'

export interface ClientOptions {
  /** Where the server has the plugin, as `/flushout`. Give this or `transport`. */
  readonly url?: string
  /** Headers for each request, such as a token; asked anew every time. */
  readonly headers?: HttpTransportOptions['headers']
  /** Another way to the masters than HTTP. */
  readonly transport?: Transport
  /** When to flush and to ask for news. */
  readonly flush?: FlushTiming
  /** Who works here, for interceptors. The server decides by itself who it is. */
  readonly user?: User
  /** Refuse or amend commands before they show. The master runs its own. */
  readonly interceptors?: readonly Interceptor[]
  /** How long a model that nobody watches stays in memory. Default 60,000 ms. */
  readonly keepAliveMs?: number
  /** Clock, randomness and timers, for tests. */
  readonly environment?: Environment
}

/** The models of one user in one page, and when they talk to the server. */
export class Client {
  readonly #options: ClientOptions
  readonly #environment: Environment
  readonly #transport: Transport
  readonly #createId: () => string
  readonly #models = new Map<string, Model>()
  readonly #timers = new Map<string, () => void>()
  readonly #stopWaking: () => void
  #mode: 'auto' | 'manual'
  #isPaused = false
  #isClosed = false

  constructor(options: ClientOptions) {
    this.#options = options
    this.#environment = options.environment ?? defaultEnvironment
    this.#transport = options.transport ?? httpTransport(httpOptions(options))
    this.#createId = createIdFactory(this.#environment)
    this.#mode = options.flush?.mode ?? 'auto'
    this.#stopWaking = this.#environment.onWake(() => {
      for (const model of this.#models.values()) model.control.wake()
    })
  }

  /**
   * The model `key`, the same object at every call while somebody needs it. It
   * starts to load when its `ready` is asked for. Throws CLIENT_CLOSED.
   */
  model<Doc extends object = JsonObject>(key: string): Model<Doc> {
    if (this.#isClosed) throw new FlushoutError('CLIENT_CLOSED', 'The client was closed.')
    let model = this.#models.get(key)
    if (!model) {
      model = this.#open(key)
      this.#models.set(key, model)
      this.#release(key, model)
    }
    return model as unknown as Model<Doc>
  }

  /** `manual`: nothing is sent or asked until `flush()`. */
  get flushMode(): 'auto' | 'manual' {
    return this.#mode
  }

  set flushMode(mode: 'auto' | 'manual') {
    this.#mode = mode
    for (const model of this.#models.values()) model.control.setMode(mode)
  }

  /** Whether `pause` was called and `resume` was not. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Exchange nothing until `resume`, as if the network were gone. Edits go on. */
  pause(): void {
    this.#isPaused = true
    for (const model of this.#models.values()) model.control.pause()
  }

  /** Exchange again at once: after `pause`, or when the user has logged in. */
  resume(): void {
    this.#isPaused = false
    for (const model of this.#models.values()) model.control.resume()
  }

  /** Send everything queued in all models now. Resolves when that was tried; never rejects. */
  async flush(): Promise<void> {
    await Promise.all([...this.#models.values()].map((model) => model.flush()))
  }

  /** End all exchanges and timers. What is queued and not durable is lost; `flush` first. */
  close(): void {
    this.#isClosed = true
    this.#stopWaking()
    for (const clear of this.#timers.values()) clear()
    for (const model of this.#models.values()) model.control.close()
    this.#models.clear()
  }

  #open(key: string): Model {
    const { interceptors, user, flush } = this.#options
    const model = new Model({
      key,
      transport: this.#transport,
      environment: this.#environment,
      timing: {
        quietMs: 50,
        maxDelayMs: 250,
        pollMs: 5_000,
        retryBaseMs: 300,
        retryMaxMs: 30_000,
        ...flush,
        mode: this.#mode,
      },
      proxy: {
        createId: this.#createId,
        now: this.#environment.now,
        ...(interceptors && { interceptors }),
        ...(user && { user }),
      },
    })
    if (this.#isPaused) model.control.pause()
    return model
  }

  /** Forget the model when it has not been needed for a while. */
  #release(key: string, model: Model): void {
    const { keepAliveMs = 60_000 } = this.#options
    const clear = this.#environment.setTimer(() => {
      if (model.isNeeded) return this.#release(key, model)
      this.#timers.delete(key)
      this.#models.delete(key)
      model.control.close()
    }, keepAliveMs)
    this.#timers.set(key, clear)
  }
}

/** Make a client: `createClient({ url: '/flushout' })`. Nothing is loaded or sent yet. */
export function createClient(options: ClientOptions): Client {
  return new Client(options)
}

function httpOptions({ url, headers }: ClientOptions): HttpTransportOptions {
  if (url === undefined) {
    throw new FlushoutError('OPTIONS_INVALID', 'Give createClient a `url` or a `transport`.')
  }
  return headers ? { url, headers } : { url }
}
