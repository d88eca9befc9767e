import {
  createIdFactory,
  FlushoutError,
  type Interceptor,
  type ProxyOptions,
  type Resolver,
  type SettledCommand,
  type User,
} from '@flushout/core'
import type { ModelDefinition } from '@flushout/core/define'
import type { ClientEvent, ModelTap } from './client-event.ts'
import { defaultEnvironment, type Environment } from './environment.ts'
import { DEFAULT_TIMING, type FlushTiming } from './flush-timing.ts'
import { LeaveGuard } from './leave-guard.ts'
import type { FollowedFeed, FollowedModelEvent } from './follow.ts'
import { LiveSide } from './live-side.ts'
import { toExchangeError, untilAborted } from './exchange-error.ts'
import { httpTransport, type HttpTransportOptions } from './http-transport.ts'
import { closedError, Model } from './model.ts'
import type { ModelControl } from './model-control.ts'
import { notify } from './notify.ts'
import type { KeyFor, ModelAt, RegisteredKey } from './register.ts'
import type { Transport } from './transport.ts'
import type { Device } from './vault/on-device.ts'
import type { Vault } from './vault/vault.ts'

/** What a client is made with: a `url` or a `transport`, and how it works. */
export type ClientOptions = WorkOptions & (OverHttp | OverTransport)

/** How to reach the server over HTTP. */
interface OverHttp extends Pick<HttpTransportOptions, 'url' | 'auth' | 'headers'> {
  readonly transport?: never
}

/** How to reach it otherwise. Logins are a matter of that way. */
interface OverTransport {
  /** Another way to the masters than HTTP. */
  readonly transport: Transport
  readonly url?: never
  readonly auth?: never
  readonly headers?: never
}

interface WorkOptions {
  /** When to flush and to ask for news. */
  readonly flush?: FlushTiming
  /**
   * Who works here, for interceptors, and whose edits these are: while another is
   * logged in they wait. The server decides by itself who that is. Make another
   * client for another user.
   */
  readonly user?: User
  /**
   * What `defineModel` made: their rules run here before a command shows. The first whose
   * pattern fits a key counts; a model that fits none has no rules but `interceptors`.
   */
  readonly models?: readonly ModelDefinition[]
  /** Refuse or amend commands before they show, in all models. The master runs its own. */
  readonly interceptors?: readonly Interceptor[]
  /**
   * What to show where an edit finds something else than it expects: the `resolve` of the
   * server. Without it, such an edit is refused on the spot.
   */
  readonly resolve?: Resolver
  /**
   * Keep documents and edits on this device, so that they survive the page:
   * `storage: onDevice()`. Each `user` has their own. Without it, they do not.
   */
  readonly storage?: Device
  /**
   * Called once, when the server says that this page is too old for it: offer to load the app
   * anew. Edits go on and are kept by `storage`; the page after sends them.
   */
  readonly onUpgradeRequired?: (error: FlushoutError) => void
  /** How long a model that nobody watches stays in memory. Default 60,000 ms. */
  readonly keepAliveMs?: number
  /** Clock, randomness and timers, for tests. */
  readonly environment?: Environment
}

/** A command of some model, and what became of it. */
export interface ModelVerdict extends SettledCommand {
  /** Of the model. */
  readonly key: string
}

/** The models of one user in one page, and when they talk to the server. */
export class Client {
  readonly #options: ClientOptions
  readonly #environment: Environment
  readonly #transport: Transport
  readonly #createId: () => string
  // Who asks for a key gets the one here.
  readonly #models = new Map<string, Model>()
  // Everything that may have to be told something; more than `#models` only if
  // the application uses a model that was forgotten meanwhile.
  readonly #controls = new Map<Model, ModelControl>()
  // Takes back the forgetting of a model that nobody needs.
  readonly #keep = new Map<Model, () => void>()
  // The loads of `prefetch` that are under way.
  readonly #prefetches = new Map<Model, Promise<void>>()
  readonly #verdictListeners = new Set<(verdict: ModelVerdict) => void>()
  readonly #inspectors = new Set<(event: ClientEvent) => void>()
  readonly #guard: LeaveGuard
  // Undefined where nothing is kept on the device.
  readonly #vault: Vault | undefined
  readonly #live: LiveSide
  // Of what nobody waits for.
  readonly #abort = new AbortController()
  readonly #stopWaking: () => void
  readonly #stopHearing: (() => void) | undefined
  #mode: 'auto' | 'manual'
  #isPaused = false
  #isOutdated = false
  #isClosed = false

  constructor(options: ClientOptions) {
    this.#options = options
    this.#environment = options.environment ?? defaultEnvironment
    this.#createId = createIdFactory(this.#environment)
    this.#mode = options.flush?.mode ?? 'auto'
    this.#guard = new LeaveGuard(this.#environment)
    const { storage, user } = options
    this.#vault = storage && storage.open({ user: user?.id ?? '', environment: this.#environment })
    const transport = options.transport ?? httpTransport(checkUrl(options))
    this.#transport = this.#vault?.share(transport) ?? transport
    this.#stopHearing = this.#transport.onLogin?.(() => {
      if (!this.#isPaused) this.resume()
    })
    this.#live = this.#createLive()
    this.#vault?.onDeath(() => void this.#takeOver())
    void this.#takeOver()
    this.#stopWaking = this.#environment.onWake(() => {
      this.#live.wake()
      for (const control of this.#controls.values()) control.loop.wake()
    })
  }

  /** What directs the models in memory, for `dehydrate` and `hydrate`. */
  static controls(client: Client): ReadonlyMap<object, ModelControl> {
    return client.#controls
  }

  /**
   * The model `key`, the same object at every call while somebody needs it. It
   * starts to load when its `ready` is asked for. Throws CLIENT_CLOSED, and
   * OPTIONS_INVALID for a key that no model can have.
   */
  model<const Key extends string>(key: RegisteredKey<Key>): ModelAt<Key>
  /** The same for a model that `Register` does not know: `client.model<TodoList>(key)`. */
  model<Doc extends object = never>(key: KeyFor<Doc>): Model<Doc>
  model<Doc extends object>(key: string): Model<Doc> {
    if (this.#isClosed) throw closedError()
    checkKey(key)
    const model = this.#models.get(key) ?? this.#open(key)
    if (this.#keep.has(model)) this.#forgetLater(model)
    return model as unknown as Model<Doc>
  }

  /**
   * Load models before somebody shows them, all at once. Rejects with the error of the first
   * that cannot be loaded, and tries nothing twice. On a server that is all that happens: no
   * timer stays, nothing is followed or kept, and the models are there until `close`.
   */
  async prefetch(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#prefetch(key)))
  }

  /**
   * Call `listener` with what happens from now on to the items of `feed`, in all
   * models that fit, without loading them; and when models come and go. Needs a
   * transport with `live`.
   */
  follow(feed: FollowedFeed, listener: (event: FollowedModelEvent) => void): () => void {
    if (this.#isClosed) throw closedError()
    return this.#live.follow(feed, listener)
  }

  /**
   * Call `listener` once for each command whose outcome becomes known from now on, in all
   * models: to toast, to log. Edits of earlier pages are among them if they are settled on
   * this one; what was in `rejections` before is not.
   */
  subscribeVerdicts = (listener: (verdict: ModelVerdict) => void): (() => void) => {
    const own = (verdict: ModelVerdict) => notify(listener, verdict)
    this.#verdictListeners.add(own)
    return () => void this.#verdictListeners.delete(own)
  }

  /** The models in memory. */
  get models(): readonly Model[] {
    return [...this.#controls.keys()]
  }

  /**
   * Call `listener` with each thing that goes on from now on between models and server, until
   * the returned function is called. For tools, as `@flushout/react/devtools`: it may come in
   * the midst of things, so the listener takes notes and does nothing with the client.
   */
  inspect = (listener: (event: ClientEvent) => void): (() => void) => {
    const own = (event: ClientEvent) => notify(listener, event)
    this.#inspectors.add(own)
    return () => void this.#inspectors.delete(own)
  }

  /**
   * Whether this device keeps what is written to it: false without `storage`, and where the
   * browser stores nothing, as it may in private windows or when its quota is used up. Then
   * edits live only in this page until the server has them.
   */
  get isDurable(): boolean {
    return this.#vault?.storage.isDurable === true
  }

  /** Call `listener` whenever `isDurable` may be another. */
  subscribeDurable = (listener: () => void): (() => void) =>
    this.#vault?.storage.subscribe(() => notify(listener)) ?? (() => {})

  /** `manual`: nothing is sent or asked until `flush()`. */
  get flushMode(): 'auto' | 'manual' {
    return this.#mode
  }

  set flushMode(mode: 'auto' | 'manual') {
    const isAnother = mode !== this.#mode
    this.#mode = mode
    if (isAnother) this.#directLive()
    for (const control of this.#controls.values()) control.loop.setMode(mode)
  }

  /** Whether `pause` was called and `resume` was not. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Exchange nothing until `resume`, as if the network were gone. Edits go on. */
  pause(): void {
    this.#isPaused = true
    this.#live.pause()
    for (const control of this.#controls.values()) control.loop.pause()
  }

  /** Exchange again at once: after `pause`, or when the user has logged in. */
  resume(): void {
    this.#isPaused = false
    this.#directLive()
    for (const control of this.#controls.values()) control.resume()
  }

  /** Send everything queued in all models now. Resolves when that was tried; never rejects. */
  async flush(): Promise<void> {
    await Promise.all([...this.#controls.keys()].map((model) => model.flush()))
  }

  /** End all exchanges and timers. What is queued and not durable is lost; `flush` first. */
  close(): void {
    this.#isClosed = true
    this.#stopWaking()
    this.#stopHearing?.()
    this.#live.close()
    this.#vault?.close()
    this.#guard.end()
    this.#abort.abort(closedError())
    for (const take of this.#keep.values()) take()
    for (const control of this.#controls.values()) control.close()
    this.#keep.clear()
    this.#controls.clear()
    this.#models.clear()
  }

  #tap(key: string): ModelTap {
    if (this.#inspectors.size === 0) return undefined
    return (event) => {
      const at = this.#environment.now()
      for (const inspector of this.#inspectors) inspector({ key, at, ...event })
    }
  }

  #directLive(): void {
    if (this.#isPaused || this.#mode === 'manual') this.#live.pause()
    else this.#live.resume()
  }

  #createLive(): LiveSide {
    // Of two models with one key the one that is given to whoever asks. The other
    // was forgotten and is used nevertheless: it asks by timer.
    const find = (key: string) => this.#controls.get(this.#models.get(key)!)
    const models = this.#models
    return new LiveSide(
      {
        live: this.#transport.live,
        environment: this.#environment,
        find,
        *controls() {
          for (const key of models.keys()) {
            const control = find(key)
            if (control) yield [key, control]
          }
        },
        isLoaded: (key) => models.get(key)?.isLoaded === true,
        ask: (run) => this.#ask(run),
      },
      this.#mode === 'manual',
    )
  }

  async #ask<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { timeoutMs = DEFAULT_TIMING.timeoutMs } = this.#options.flush ?? {}
    const abort = new AbortController()
    const signal = AbortSignal.any([abort.signal, this.#abort.signal])
    const clear = this.#environment.setTimer(() => {
      abort.abort(new DOMException(`No answer came in ${timeoutMs} ms.`, 'TimeoutError'))
    }, timeoutMs)
    try {
      return await untilAborted(signal, () => run(signal))
    } catch (thrown) {
      throw toExchangeError(thrown)
    } finally {
      clear()
    }
  }

  #open(key: string): Model {
    const { models = [], user } = this.#options
    const definition = models.find(({ fits }) => fits(key))
    const local = definition?.local
    const { model, control } = Model.open({
      key,
      transport: local ? NOWHERE : this.#transport,
      environment: this.#environment,
      timing: { ...DEFAULT_TIMING, ...this.#options.flush, mode: this.#mode },
      vault: local ? undefined : this.#vault,
      local,
      proxy: {
        ...this.#options,
        ...this.#rulesOf(definition),
        createId: this.#createId,
        now: this.#environment.now,
        onVerdict: (settled) => {
          this.#tap(key)?.({ kind: 'settled', ...settled })
          for (const listener of this.#verdictListeners) listener({ key, ...settled })
        },
      },
      findRefusal: (document, action, path) =>
        definition?.findRefusal?.(user, action, document, path),
      ask: async (run) => {
        if (this.#isPaused) throw new FlushoutError('NETWORK', 'The client is paused.')
        return this.#ask(run)
      },
      openPresence: (keep) => this.#live.openPresence(key, keep),
      tap: () => this.#tap(key),
      isClosed: () => this.#isClosed,
      onNeedChange: () => this.#needChanged(model, control),
      onRiskChange: (isAtRisk) => this.#guard.change(isAtRisk),
      onFollowChange: () => this.#live.changed(),
      onReadmitted: () => this.#live.renewLater(),
      onExchanged: () => this.#live.exchanged(),
      onOutdated: (error) => this.#tellOutdated(error),
    })
    this.#adopt(model, control)
    // On a server that renders a page, the whole client goes with the request.
    if (!this.#environment.isServer) this.#forgetLater(model)
    if (local) control.begin(local.begin(key), this.#environment.now())
    return model
  }

  async #prefetch(key: string): Promise<void> {
    const model = this.model<object>(key) as Model
    if (model.isLoaded) return
    let loading = this.#prefetches.get(model)
    if (!loading) {
      loading = this.#load(model).finally(() => this.#prefetches.delete(model))
      this.#prefetches.set(model, loading)
    }
    await loading
    // Somebody may be waiting for another load already.
    await model.ready
  }

  async #load(model: Model): Promise<void> {
    const control = this.#controls.get(model)
    if (!control) return
    const snapshot = await this.#ask((signal) => control.load(signal))
    try {
      control.begin(snapshot, this.#environment.now())
    } catch (cause) {
      throw new FlushoutError('ANSWER_INVALID', 'The server gave no snapshot.', { cause })
    }
  }

  #rulesOf(
    definition: ModelDefinition | undefined,
  ): Pick<ProxyOptions, 'interceptors' | 'resolve' | 'versions' | 'commands'> {
    if (!definition) return {}
    const { interceptors = [] } = this.#options
    const { interceptors: own, resolve, versions, commands } = definition
    return {
      interceptors: [...own, ...interceptors],
      ...(resolve && { resolve }),
      ...(versions && { versions }),
      ...(commands && { commands }),
    }
  }

  #tellOutdated(error: FlushoutError): void {
    const { onUpgradeRequired } = this.#options
    if (this.#isOutdated || !onUpgradeRequired) return
    this.#isOutdated = true
    notify(() => onUpgradeRequired(error))
  }

  #needChanged(model: Model, control: ModelControl): void {
    if (this.#isClosed) return
    if (!control.isNeeded()) return this.#forgetLater(model)
    this.#keep.get(model)?.()
    this.#keep.delete(model)
    this.#adopt(model, control)
  }

  /** Send what dead pages left, in whatever models. */
  async #takeOver(): Promise<void> {
    const keys = (await this.#vault?.listLeft()) ?? []
    for (const key of this.#isClosed ? [] : keys) {
      const model = this.model(key)
      // What keeps it from loading shows in its status.
      this.#controls
        .get(model)
        ?.inherit()
        .catch(() => {})
    }
  }

  /** Take in a model that is new, or was forgotten and is used again nevertheless. */
  #adopt(model: Model, control: ModelControl): void {
    if (this.#controls.has(model)) return
    this.#controls.set(model, control)
    this.#tap(model.key)?.({ kind: 'opened' })
    if (!this.#models.has(model.key)) this.#models.set(model.key, model)
    control.loop.setMode(this.#mode)
    if (this.#isPaused) control.loop.pause()
    else control.resume()
  }

  /** Forget the model when it has not been needed for a while. It has no timers by then. */
  #forgetLater(model: Model): void {
    const { keepAliveMs = 60_000 } = this.#options
    this.#keep.get(model)?.()
    const clear = this.#environment.setTimer(() => {
      this.#keep.delete(model)
      this.#controls.delete(model)
      this.#tap(model.key)?.({ kind: 'forgotten' })
      if (this.#models.get(model.key) === model) this.#models.delete(model.key)
    }, keepAliveMs)
    this.#keep.set(model, clear)
  }
}

/** Where models are that no server knows. */
const NOWHERE: Transport = { load: refuseLocal, flush: refuseLocal }

/** Make a client: `createClient({ url: '/flushout' })`. Nothing is loaded or sent yet. */
export function createClient(options: ClientOptions): Client {
  return new Client(options)
}

function checkUrl({ url, ...options }: WorkOptions & Partial<OverHttp>): HttpTransportOptions {
  if (url !== undefined) return { url, ...options }
  throw new FlushoutError('OPTIONS_INVALID', 'Give createClient a `url` or a `transport`.')
}

async function refuseLocal(key: string): Promise<never> {
  throw new FlushoutError('MODEL_NOT_FOUND', `The model ${key} is local: no server knows it.`)
}

function checkKey(key: string): void {
  // A browser takes these two for steps in a path, however they are encoded.
  if (!['', '.', '..'].includes(key) && !/\p{Surrogate}/u.test(key)) return
  throw new FlushoutError('OPTIONS_INVALID', `No model can have the key ${JSON.stringify(key)}.`)
}
