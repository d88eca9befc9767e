import {
  Commander,
  CommandProxy,
  FlushoutError,
  ROOT,
  type AnyRuns,
  type ApplyOptions,
  type At,
  type BatchOptions,
  type GivenCommand,
  type DocumentView,
  type Feed,
  type HistoryPage,
  type HistoryQuery,
  type JsonObject,
  type LostCommand,
  type Path,
  type PendingSession,
  type Receipt,
  type Rejection,
  type Snapshot,
} from '@flushout/core'
import type { NodeAction } from '@flushout/core/define'
import { tapExchange } from './client-event.ts'
import type { Environment } from './environment.ts'
import { untilAborted } from './exchange-error.ts'
import { exchangeOnce } from './exchange-once.ts'
import { toUpdateListener, type FollowedEvent } from './follow.ts'
import { FlushLoop } from './flush-loop.ts'
import type { Draft } from './draft.ts'
import { isOfVersion, loadSnapshot } from './load-snapshot.ts'
import type { Head, ModelControl, ModelOptions, News } from './model-control.ts'
import {
  composeStatus,
  isSameStatus,
  toLocalStatus,
  type Carriage,
  type ModelStatus,
} from './model-status.ts'
import { notify } from './notify.ts'
import type { ModelTracker } from './model-tracker.ts'
import type { ModelPast, NodeBlame } from './model-past.ts'
import type { Presence } from './presence.ts'
import type { ModelPreview, PreviewedSession } from './preview-model.ts'
import { giveAgain, giveGroupAgain } from './retry.ts'
import type { ExchangeOnce, Keeper } from './vault/keeper.ts'
import { KEPT } from './vault/kept.ts'
import type { Vault } from './vault/vault.ts'

const NO_REJECTIONS: readonly LostCommand[] = Object.freeze([])

/**
 * One collaborative document, here and on the server, or one that only this client has. It loads when `ready` is
 * asked for or somebody subscribes; until it is there, reading gives nothing and
 * commands throw MODEL_LOADING.
 */
export class Model<Doc extends object = JsonObject, Runs extends object = AnyRuns>
  extends Commander<Doc, Runs>
  implements DocumentView
{
  /** The name of the model on the server. */
  readonly key: string
  readonly #options: ModelOptions
  readonly #loop: FlushLoop
  readonly #statusListeners = new Set<() => void>()
  // Of those who subscribed before there was a document.
  readonly #joins = new Set<() => void>()
  #proxy: CommandProxy<Doc> | undefined
  #tracker: ModelTracker | undefined
  #keeper: Keeper | undefined
  // Until what is on this device is put on a document that came otherwise.
  #joining: Promise<unknown> | undefined
  #rejections: readonly LostCommand[] = NO_REJECTIONS
  #presence: Presence | undefined
  #ready: Promise<void> | undefined
  #settleReady: (error?: FlushoutError) => void = () => {}
  #status: ModelStatus
  // What the status listeners were told last.
  #told: ModelStatus
  #toldRejections = NO_REJECTIONS
  #watchers = 0
  #wasNeeded = false
  #wasAtRisk = false
  #wasFollowed = false
  #carriage: Carriage
  // By the live connection.
  #isRefused = false

  private constructor(options: ModelOptions) {
    super()
    this.key = options.key
    this.#options = options
    this.#loop = new FlushLoop({
      exchange: (signal) =>
        this.#proxy ? this.#flushOnce(this.#proxy, signal) : this.#load(signal),
      isLoaded: () => this.isLoaded,
      isClosed: options.isClosed,
      pending: () => (this.#keeper?.isSendable === false ? 0 : this.#pending),
      isCarried: () => this.#carriage === 'stream' || this.#carriage === 'poll',
      timing: options.timing,
      environment: options.environment,
      onChange: () => this.#loopChanged(),
    })
    this.#status = this.#composeStatus(undefined)
    this.#told = this.#status
  }

  /** Make a model, and what its client needs to direct it. Nothing is loaded yet. */
  static open(options: ModelOptions): { readonly model: Model; readonly control: ModelControl } {
    const model = new Model(options)
    const loop = model.#loop
    const control: ModelControl = {
      loop,
      isNeeded: () => model.#isNeeded,
      position: () => (model.#isFollowed ? model.#proxy?.confirmed : undefined),
      confirmed: () => (options.local ? undefined : model.#proxy?.confirmedSnapshot()),
      load: (signal) => model.#askSnapshot(signal),
      begin: (snapshot, at) => model.#begin(snapshot, at),
      carry: (carriage) => model.#carry(carriage),
      hear: (head, news) => model.#hear(head, news),
      refuse: (error) => model.#refuse(error),
      inherit: () => model.#inherit(),
      resume: () => model.#resume(),
      close: () => model.#close(),
    }
    return { model, control }
  }

  /** The clock of its client, for what goes with it on the screen. */
  get environment(): Pick<Environment, 'now' | 'setTimer'> {
    return this.#options.environment
  }

  /** Whether there is a document. */
  get isLoaded(): boolean {
    return this.#proxy !== undefined
  }

  /**
   * Resolves when there is a document, and goes on trying until then. Rejects
   * only where trying again is of no use, as with MODEL_NOT_FOUND or FORBIDDEN.
   * The same promise at every call, until `resume` of the client gives a model
   * that was refused another chance.
   */
  get ready(): Promise<void> {
    if (this.#ready) return this.#ready
    const ready = this.#createReady()
    this.#ready = ready
    this.#needMayHaveChanged()
    return ready
  }

  /** How the model stands towards its master. */
  get status(): ModelStatus {
    const status = this.#composeStatus(this.#status)
    if (!isSameStatus(status, this.#status)) this.#status = status
    return this.#status
  }

  /** See `CommandProxy.rejections`. */
  get rejections(): readonly LostCommand[] {
    const all = [...(this.#keeper?.losses ?? []), ...(this.#proxy?.rejections ?? [])]
    const known = this.#rejections
    const isSame = all.length === known.length && all.every((lost, at) => lost === known[at])
    if (!isSame) this.#rejections = Object.freeze(all)
    return this.#rejections
  }

  /** Take an entry off `rejections`. */
  dismiss(lost: LostCommand): void {
    if (!this.#keeper?.dismiss(lost)) this.#proxy?.dismiss(lost)
  }

  /**
   * Give a lost command again, and take it off `rejections` if it is accepted; else the
   * receipt says why not. A create that took effect after all, as its node is there, sets
   * its props instead; whether it did may not be known before the model is in step: then
   * the code is OUTCOME_UNKNOWN. After a conflict it overwrites what was found, and only
   * that: if it is another by now, that is a conflict again. What was lost as an atomic group
   * is given again as one, as far as it is in `rejections`.
   */
  retry(lost: LostCommand): Receipt {
    const isInStep = this.status.lastSyncedAt !== undefined
    const proxy = this.#loaded() as unknown as CommandProxy<object>
    const { group } = lost
    if (!group) {
      const receipt = giveAgain(proxy, lost, isInStep)
      if (receipt.ok) this.dismiss(lost)
      return receipt
    }
    const all = this.rejections.filter((other) => other.group?.id === group.id)
    const receipt = giveGroupAgain(proxy, lost, all, isInStep)
    if (receipt.ok) for (const one of all) this.dismiss(one)
    return receipt
  }

  /**
   * Say what would become of the pending edits if they were sent now, and where they meet
   * what others did: which would apply, be amended, rejected or dropped. Asks the server,
   * in any mode, but sends and changes nothing. Rejects where the server cannot be
   * reached, and while the client is paused.
   */
  preview(): Promise<ModelPreview> {
    return this.#preview()
  }

  /**
   * A draft: the document of this model, as it goes on, with edits on top that nobody else
   * sees before they are published. Waits for the document.
   */
  async fork(): Promise<Draft<Doc, Runs>> {
    const { Draft } = await import('./draft.ts')
    await this.ready
    const proxy = this.#loaded()
    return new Draft<Doc, Runs>({
      proxy,
      copy: (options) =>
        new CommandProxy(proxy.confirmedSnapshot() as unknown as Snapshot<Doc>, options),
      rules: this.#options.proxy,
      findRefusal: this.#options.findRefusal,
      pending: () => this.#all.pending,
      subscribe: (listener) => this.subscribe(listener),
      batch: (run, options) => this.batch(run, options),
      apply: (command, options) => this.apply(command, options),
      preview: (draft) => this.#preview(draft),
    })
  }

  /**
   * Who did what and when, as the server has it: one page, the newest first. Asks the
   * server at every call, and rejects where it cannot be reached.
   */
  history(query: HistoryQuery = {}): Promise<HistoryPage> {
    return this.#ofPast((past, signal) => past.history(query, signal))
  }

  /** The document as it was at `count`, as `to` of a history entry. Asks the server. */
  snapshotAt(count: number): Promise<Snapshot<Doc>> {
    return this.#ofPast((past, signal) => past.snapshotAt(count, signal)) as never
  }

  /** Who wrote each field of the node at `path` last. Asks the server. */
  blame(path: Path = ROOT): Promise<NodeBlame> {
    return this.#ofPast((past, signal) => past.blame(path, this.keys(path), signal))
  }

  /**
   * Make the document what it was at `count`, but for the order of keys, by ordinary
   * commands in one batch, as few as it takes: the history goes on. Gives their receipts;
   * if one is refused, the others are taken back.
   */
  async restore(count: number): Promise<readonly Receipt[]> {
    const { restore } = await import('./model-past.ts')
    const then = await this.snapshotAt(count)
    return restore(this.#loaded(), then as unknown as Snapshot)
  }

  /**
   * What nobody confirmed yet, as it would be sent: the edits of this page first, then those
   * that it sends for pages that are gone. For tools; cost: O(pending).
   */
  get pending(): readonly PendingSession[] {
    const own = this.#proxy as unknown as CommandProxy<object> | undefined
    const proxies = this.#keeper?.proxies ?? (own ? [own] : [])
    return proxies.map(({ pending }) => pending)
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

  /** How many keys the node at `path` has. */
  size(path: Path = ROOT): number {
    return this.#proxy?.size(path) ?? 0
  }

  /**
   * Why the user may not do this with the node at `path`, in the words of `can` of its
   * definition; undefined if they may. The server decides for itself.
   */
  refusal(action: NodeAction, path: Path = ROOT): Rejection | undefined {
    return this.#options.findRefusal(this, action, path)
  }

  /** See `CommandProxy.apply`. */
  override apply(command: GivenCommand, options?: ApplyOptions): Receipt {
    const { local } = this.#options
    // There is nobody to wait for.
    return this.#loaded().apply(command, local && options ? { ...options, wait: false } : options)
  }

  /** See `CommandProxy.batch`. */
  batch<T>(run: () => T, options?: BatchOptions): T {
    return this.#loaded().batch(run, options)
  }

  /** See `CommandProxy.track`. */
  track(tracker: ModelTracker): void {
    this.#tracker = tracker
    this.#followCommands()
  }

  /** Send everything queued now, in any mode. Resolves when that was tried; never rejects. */
  async flush(): Promise<void> {
    if (this.#proxy) await this.#loop.flush()
  }

  /**
   * Call `listener` after every change at, above or below `path`; without a path
   * after any. The load is a change. Keeps the model current, as `watch` does.
   */
  subscribe = (listener: () => void, path: Path = ROOT): (() => void) => {
    const own = () => notify(listener)
    return this.#join((proxy) => proxy.subscribe(own, path), own)
  }

  /**
   * Call `listener` with what others do to the items of `feed`, from now on or
   * from the load on. Keeps the model current, as `watch` does.
   */
  follow(feed: Feed, listener: (event: FollowedEvent) => void): () => void {
    return this.#join((proxy) =>
      proxy.subscribeUpdates(toUpdateListener(feed, () => proxy.confirmed.from, listener)),
    )
  }

  /** Who else looks at this model, and what this page tells them about itself. */
  get presence(): Presence {
    this.#presence ??= this.#options.openPresence(() => this.watch())
    return this.#presence
  }

  /** Call `listener` whenever `status` or `rejections` is another. */
  subscribeStatus = (listener: () => void): (() => void) => {
    const own = () => notify(listener)
    this.#statusListeners.add(own)
    return () => void this.#statusListeners.delete(own)
  }

  /** Keep the model current by asking for news until the returned function is called. */
  watch(): () => void {
    this.#watchers += 1
    if (this.#watchers === 1) this.#watchersChanged()
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#watchers -= 1
      if (this.#watchers === 0) this.#watchersChanged()
    }
  }

  /** The proxies whose edits this page sends, and what is pending in all pages. */
  get #all(): Keeper['all'] {
    const own = this.#proxy as unknown as CommandProxy<object>
    return this.#keeper?.all ?? { proxies: [own], pending: [own.pending] }
  }

  /** Say what would become of what is pending, or of a draft. */
  async #preview(draft?: PreviewedSession): Promise<ModelPreview> {
    const { previewModel } = await import('./preview-model.ts')
    return this.#options.ask(async (signal) => {
      await untilAborted(signal, () => this.ready)
      const { key, transport, proxy: rules } = this.#options
      const { proxies, pending } = this.#all
      const onWithdrawn = () => this.#keeper?.exchanged()
      const own = { proxies: draft ? [draft] : proxies, pending }
      return previewModel({ key, transport, rules, signal, onWithdrawn, ...own })
    })
  }

  /** Read what was, when there is a document and a way to the server. */
  #ofPast<T>(read: (past: ModelPast, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#options.ask(async (signal) => {
      const { ModelPast } = await import('./model-past.ts')
      await untilAborted(signal, () => this.ready)
      const { transport, proxy } = this.#options
      return read(new ModelPast(this.key, transport, proxy.versions), signal)
    })
  }

  /** Run `enter` as soon as there is a proxy, and keep the model current until both are taken back. */
  #join(enter: (proxy: CommandProxy<Doc>) => () => void, onLoad?: () => void): () => void {
    const unwatch = this.watch()
    let leave = () => {}
    const join = () => {
      leave = enter(this.#proxy!)
    }
    if (this.#proxy) join()
    else {
      this.#joins.add(join)
      if (onLoad) this.#joins.add(onLoad)
      leave = () => {
        this.#joins.delete(join)
        if (onLoad) this.#joins.delete(onLoad)
      }
      void this.ready
    }
    return () => {
      leave()
      unwatch()
    }
  }

  #composeStatus(
    last: ModelStatus | undefined,
    now: number = this.#options.environment.now(),
  ): ModelStatus {
    const kept = this.#options.vault && {
      isSaved: this.#keeper?.isSaved === true,
      carried: this.#keeper?.carried,
      rejected: this.rejections.length,
    }
    const status = composeStatus(this.#proxy, this.#loop.state, this.#carriage, kept, last, now)
    return this.#options.local ? toLocalStatus(status, last) : status
  }

  get #pending(): number {
    if (!this.#proxy || this.#options.local) return 0
    const { queued, inFlight } = this.#proxy.status
    const carried = this.#keeper?.carried
    return queued + inFlight + (carried ? carried.queued + carried.inFlight : 0)
  }

  get #isNeeded(): boolean {
    if (this.#options.isClosed()) return false
    if (this.#watchers > 0 || this.#pending > 0 || this.rejections.length > 0) return true
    // What nobody else has would be gone.
    if (this.#options.local) return this.#told.commandCount > 0
    return this.#ready !== undefined && !this.#proxy && !this.#loop.isRefused
  }

  get #isFollowed(): boolean {
    return this.#proxy !== undefined && this.#watchers > 0 && !this.#options.local
  }

  #loaded(): CommandProxy<Doc> {
    // What nobody would ever send must not look as if it were accepted.
    if (this.#options.isClosed()) throw closedError()
    if (this.#proxy) return this.#proxy
    throw new FlushoutError('MODEL_LOADING', `Await \`ready\` of ${this.key} before writing to it.`)
  }

  #createReady(): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => {
      this.#settleReady = (error) => (error ? reject(error) : resolve())
    })
    // Who only watches `status` need not handle it.
    ready.catch(() => {})
    if (this.#proxy) this.#settleReady()
    else if (this.#options.vault && !this.#keeper) void this.#takeOut(this.#options.vault)
    else this.#loop.start()
    if (this.#options.isClosed()) this.#settleReady(closedError())
    else this.#tellReady()
    return ready
  }

  #askSnapshot(signal: AbortSignal): Promise<Snapshot> {
    const { transport, proxy, tap } = this.#options
    const { versions } = proxy
    const clientId = proxy.createId()
    return tapExchange(tap(), undefined, () =>
      untilAborted(signal, () =>
        loadSnapshot({ key: this.key, transport, versions, clientId, signal }),
      ),
    )
  }

  async #load(signal: AbortSignal): Promise<number> {
    const { proxy } = this.#options
    const snapshot = await this.#askSnapshot(signal)
    // It came otherwise meanwhile.
    if (this.#proxy) return 0
    try {
      const own = snapshot as unknown as Snapshot<Doc>
      this.#hold(this.#keeper?.createProxy(own) ?? new CommandProxy<Doc>(own, proxy))
    } catch (cause) {
      throw new FlushoutError('ANSWER_INVALID', 'The server gave no snapshot.', { cause })
    }
    return 0
  }

  /** Begin with what is on this device; without it, with the server's. */
  async #takeOut(vault: Vault): Promise<void> {
    await this.#openKeeper(vault, (keeper) => {
      const { snapshot } = keeper
      if (snapshot) this.#hold(keeper.createProxy(snapshot as unknown as Snapshot<Doc>))
    })
    if (this.#options.isClosed()) return
    this.#loop.start()
    this.#tellReady()
  }

  /** Begin with what came with the page, and put on it what is on this device. */
  #begin(snapshot: Snapshot, at: number): void {
    if (this.#proxy || this.#ready) return
    const { vault, proxy, local } = this.#options
    // The server that rendered it is of another version: it loads as ever.
    if (!isOfVersion(snapshot, proxy.versions)) return
    const own = snapshot as unknown as Snapshot<Doc>
    this.#hold(new CommandProxy<Doc>(own, vault ? { ...proxy, ...KEPT } : proxy))
    if (vault) {
      // Nothing is sent before that: what was left here may come first.
      this.#joining = this.#openKeeper(vault, (keeper) => {
        keeper.adopt(this.#proxy as unknown as CommandProxy<object>)
        this.#followCommands()
      }).then(() => this.#keeper || this.#keepNothing())
    }
    if (!local) this.#loop.begin(at)
    this.#status = this.#composeStatus(undefined, at)
    this.#told = this.#status
  }

  /** Tell who asks that what is given is not on this device. */
  #keepNothing(): void {
    const proxy = this.#proxy!
    const tell = () => proxy.persisted(Number.POSITIVE_INFINITY, false)
    tell()
    proxy.subscribeStatus(tell)
  }

  async #openKeeper(vault: Vault, use: (keeper: Keeper) => void): Promise<void> {
    const { proxy, isClosed } = this.#options
    try {
      const keeper = await vault.open(this.key, proxy, {
        onChange: () => this.#statusMayHaveChanged(),
        onAgree: () => {
          this.#statusMayHaveChanged()
          if (this.#keeper?.isSendable) this.#loop.edited()
        },
      })
      if (isClosed() || !keeper) return
      this.#keeper = keeper
      keeper.attend(this.#isNeeded)
      use(keeper)
    } catch (error) {
      // What is there is of another version, or spoiled: the server has the truth.
      notify(() => {
        throw error
      })
    }
  }

  #hold(proxy: CommandProxy<Doc>): void {
    this.#proxy = proxy
    this.#followCommands()
    const { tap, local } = this.#options
    proxy.watchRebases((rebase) => tap()?.({ kind: 'rebased', ...rebase }))
    proxy.subscribeStatus(() => {
      this.#statusMayHaveChanged()
      // Not in the midst of a batch.
      if (local) queueMicrotask(() => local.confirm(proxy))
      else this.#loop.edited()
    })
  }

  #followCommands(): void {
    const [proxy, tracker, place] = [this.#proxy, this.#tracker, this.#keeper?.place]
    if (!proxy || !tracker) return
    const pending = proxy.track(tracker)
    if (place) tracker.keptIn?.({ ...place, clientId: proxy.clientId, pending })
  }

  async #flushOnce(own: CommandProxy<Doc>, signal: AbortSignal): Promise<number> {
    const { key } = this
    const { transport, tap } = this.#options
    if (this.#joining) await untilAborted(signal, () => this.#joining)
    const keeper = this.#keeper
    const exchange: ExchangeOnce = (proxy, saved) =>
      exchangeOnce({ key, transport, proxy, saved, signal, tap: tap() })
    const carried = await keeper?.sendCarried(exchange)
    const settled = await exchange(own as unknown as CommandProxy<object>, async () =>
      keeper?.save(),
    )
    keeper?.exchanged()
    return settled + (carried ?? 0)
  }

  #carry(carriage: Carriage): void {
    if (carriage === this.#carriage) return
    this.#carriage = carriage
    if (carriage !== 'joining') this.#loop.carried()
    this.#statusMayHaveChanged()
  }

  #hear({ commandCount, hash }: Head, news?: News): void {
    const proxy = this.#proxy
    if (!proxy) return
    if (this.#isRefused) {
      this.#isRefused = false
      this.#loop.wake()
    }
    this.#options.tap()?.({ kind: 'heard', commandCount, hash, updates: news?.updates })
    if (news) {
      const { updates, base } = news
      proxy.receive({ commandCount, hash, sync: { kind: 'updates', updates } }, String(base))
    }
    const { confirmed } = proxy
    if (confirmed.from === commandCount && confirmed.hash === hash) this.#loop.heard()
    // What an answer brought before is old, unless there is another past.
    else if (!news || confirmed.from <= commandCount) this.#loop.ask()
  }

  #refuse(error: FlushoutError): void {
    // Asking by timer is still possible.
    if (error.retry === 'same-flush') return
    this.#isRefused = true
    this.#loop.refuse(error)
  }

  async #inherit(): Promise<void> {
    await this.ready
    await this.#keeper?.inherit()
  }

  #resume(): void {
    if (this.#loop.isRefused) this.#ready = undefined
    this.#loop.resume()
  }

  #close(): void {
    this.#keeper?.attend(false)
    this.#loop.stop()
    this.#settleReady(closedError())
  }

  #watchersChanged(): void {
    this.#loop.watch(this.#watchers > 0)
    this.#followMayHaveChanged()
    this.#needMayHaveChanged()
  }

  #loopChanged(): void {
    const { lastSyncedAt, state, error } = this.#loop.state
    if (state === 'needs-upgrade' && error) this.#options.onOutdated(error)
    if (lastSyncedAt !== undefined) this.#keeper?.synced(lastSyncedAt)
    if (this.#loop.state.state === 'polling' && !this.#carriage) {
      if (this.#isRefused) this.#options.onReadmitted()
      else this.#options.onExchanged()
      this.#isRefused = false
    }
    // First, since the load is not the end of the first connection.
    this.#followMayHaveChanged()
    this.#statusMayHaveChanged()
    this.#tellReady()
  }

  /** Tell who waits for the document that it is there, or will not come. */
  #tellReady(): void {
    if (this.#loop.isRefused) this.#settleReady(this.#loop.state.error)
    if (!this.#proxy) return
    this.#settleReady()
    for (const join of this.#joins) join()
    this.#joins.clear()
  }

  #statusMayHaveChanged(): void {
    const { status, rejections } = this
    if (status === this.#told && rejections === this.#toldRejections) return
    this.#told = status
    this.#toldRejections = rejections
    this.#riskMayHaveChanged()
    this.#needMayHaveChanged()
    for (const listener of this.#statusListeners) listener()
  }

  #riskMayHaveChanged(): void {
    const isAtRisk = this.#pending > 0 && !this.#told.durable
    if (isAtRisk === this.#wasAtRisk) return
    this.#wasAtRisk = isAtRisk
    this.#options.onRiskChange(isAtRisk)
  }

  #followMayHaveChanged(): void {
    if (this.#wasFollowed === this.#isFollowed) return
    this.#wasFollowed = !this.#wasFollowed
    this.#options.onFollowChange()
  }

  #needMayHaveChanged(): void {
    if (this.#wasNeeded === this.#isNeeded) return
    this.#wasNeeded = !this.#wasNeeded
    this.#keeper?.attend(this.#wasNeeded)
    this.#options.onNeedChange()
  }
}

/** What everybody hears who asks something of a closed client. */
export function closedError(): FlushoutError {
  return new FlushoutError('CLIENT_CLOSED', 'The client was closed.')
}
