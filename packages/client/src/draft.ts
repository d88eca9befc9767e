// Loaded when somebody asks for a draft, which most applications never do.
import {
  Commander,
  ROOT,
  type AnyRuns,
  type ApplyOptions,
  type At,
  type BatchOptions,
  type GivenCommand,
  type CommandProxy,
  type CommandTracker,
  type ConfirmedReader,
  type DocumentView,
  type JsonObject,
  type Path,
  type PendingSession,
  type ProxyOptions,
  type Receipt,
  type Rejection,
  type Snapshot,
  type TrackedCommand,
} from '@flushout/core'
import type { NodeAction } from '@flushout/core/define'
import type { ModelOptions } from './model-control.ts'
import { notify } from './notify.ts'
import type { ModelPreview, PreviewedSession } from './preview-model.ts'

/** What a draft needs of the model that it is of. */
export interface DraftSource<Doc extends object> {
  /** Its document, as far as it is confirmed. */
  readonly proxy: CommandProxy<Doc>
  readonly rules: ProxyOptions
  readonly findRefusal: ModelOptions['findRefusal']
  /** Make another proxy of the same document. */
  readonly copy: (options: ProxyOptions) => CommandProxy<Doc>
  /** What shows there that nobody has confirmed yet. */
  readonly pending: () => readonly PendingSession[]
  /** Hear of all changes, and keep the model current, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void
  readonly batch: <T>(run: () => T, options?: BatchOptions) => T
  readonly apply: (command: GivenCommand, options: ApplyOptions) => Receipt
  readonly preview: (draft: PreviewedSession) => Promise<ModelPreview>
}

// Above all that pages give, so that the draft is on top of it.
const TOP_SERIAL = 2 ** 52

/**
 * Edits of a model that only this page shows, until they are published as a whole or
 * discarded. The document is that of the model, as it goes on, with these edits on top. One
 * that does not apply any more does not show; it does again if what it builds on comes back.
 */
export class Draft<Doc extends object = JsonObject, Runs extends object = AnyRuns>
  extends Commander<Doc, Runs>
  implements DocumentView
{
  readonly #source: DraftSource<Doc>
  // A session like those of other pages, but that nobody hears of it and nothing is sent.
  readonly #proxy: CommandProxy<Doc>
  #edits: readonly GivenCommand[] = Object.freeze([])
  // What the first of the edits was given for.
  #base: Snapshot | undefined
  #isBusy = false
  #subscribers = 0
  #unfollow = () => {}
  // While somebody listens; else it is brought up to date when it is used.
  #confirmed: ConfirmedReader | undefined

  /** Made by `fork` of a model. */
  constructor(source: DraftSource<Doc>) {
    super()
    const { rules, copy } = source
    // What becomes of a command is told when it was published.
    const { onVerdict: _, ...others } = rules
    this.#source = source
    this.#proxy = copy({
      ...others,
      memory: {
        clientId: rules.createId(),
        sequence: 0,
        serial: TOP_SERIAL,
        pending: [],
        ...(rules.versions && { schema: rules.versions.version }),
      },
      others: this.#pending,
      isPersisted: true,
    })
  }

  /** The edits as they were given, in order; the same list until there are others. */
  get edits(): readonly GivenCommand[] {
    const { pending } = this.#proxy.memory
    const isSame =
      pending.length === this.#edits.length &&
      pending.every(({ command }, index) => command === this.#edits[index])
    if (!isSame) this.#edits = Object.freeze(pending.map(({ command }) => command))
    return this.#edits
  }

  /** As of a model. */
  read(): Doc
  read<const P extends Path>(path: P): At<Doc, P> | undefined
  read(path: Path = ROOT): unknown {
    return this.#use((proxy) => proxy.read(path))
  }

  /** As of a model. */
  keys(path: Path = ROOT): readonly string[] {
    return this.#use((proxy) => proxy.keys(path))
  }

  /** How many keys the node at `path` has. */
  size(path: Path = ROOT): number {
    return this.#use((proxy) => proxy.size(path))
  }

  /** As of a model, for the draft as it is. */
  refusal(action: NodeAction, path: Path = ROOT): Rejection | undefined {
    return this.#source.findRefusal(this, action, path)
  }

  /**
   * Apply `command` to the draft. The receipt tells what becomes of it when it was
   * published; that it was discarded is told as dropped, with the code WITHDRAWN.
   */
  override apply(command: GivenCommand, options?: ApplyOptions): Receipt {
    return this.#use((proxy) => {
      if (proxy.status.queued === 0) this.#base = proxy.confirmedSnapshot()
      return proxy.apply(command, options)
    })
  }

  /** See `CommandProxy.batch`. */
  batch<T>(run: () => T, options?: BatchOptions): T {
    return this.#use((proxy) => proxy.batch(run, options))
  }

  /** See `CommandProxy.track`; for an undo of the draft's own. */
  track(tracker: CommandTracker): readonly TrackedCommand[] {
    return this.#proxy.track(tracker)
  }

  /** Call `listener` after every change of the draft or the model at, above or below `path`. */
  subscribe = (listener: () => void, path: Path = ROOT): (() => void) => {
    this.#subscribers += 1
    if (this.#subscribers === 1) this.#use(() => this.#follow())
    const stop = this.#proxy.subscribe(() => notify(listener), path)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      stop()
      this.#subscribers -= 1
      if (this.#subscribers === 0) this.#leave()
    }
  }

  /**
   * Say what would become of the edits if they were published now, and where they meet
   * what was done since the first of them; see `preview` of the model. What is withdrawn is
   * no part of the draft any more.
   */
  preview(): Promise<ModelPreview> {
    return this.#use((proxy) => {
      const { commandCount: from, hash, document } = this.#base ?? proxy.confirmedSnapshot()
      return this.#source.preview({
        clientId: proxy.clientId,
        confirmed: { from, hash },
        confirmedSnapshot: () => ({ commandCount: from, hash, document }),
        memory: proxy.memory,
        pending: proxy.pending,
        withdraw: (serials) => proxy.withdraw(serials),
      })
    })
  }

  /**
   * Give all edits to the model, as one batch, in order; the draft is empty then. Gives
   * their receipts: what does not apply any more is refused on the spot, and the receipt
   * says why. Throws CLIENT_CLOSED, and is as it was then.
   */
  publish(options?: BatchOptions): readonly Receipt[] {
    const { batch, apply } = this.#source
    // Nobody is told before the model shows them.
    return this.batch(() => batch(() => this.#proxy.handOver(apply), options))
  }

  /** Drop all edits. */
  discard(): void {
    this.#proxy.withdraw(this.#proxy.memory.pending.map(({ serial }) => serial))
  }

  /** What shows in the model on top of what is confirmed: not what came back before its answer. */
  get #pending(): readonly PendingSession[] {
    const { proxy, pending } = this.#source
    const all = pending()
    if (!proxy.memory.hasLanded) return all
    return all.map((session) => {
      const { clientId, commands } = session
      if (clientId !== proxy.clientId) return session
      return { ...session, commands: commands.filter(({ sequence }) => sequence === undefined) }
    })
  }

  /** Be up to date first, also where nobody listens; but not in the midst of something. */
  #use<T>(use: (proxy: CommandProxy<Doc>) => T): T {
    if (this.#isBusy) return use(this.#proxy)
    this.#isBusy = true
    try {
      if (!this.#confirmed) this.#catchUp()
      return use(this.#proxy)
    } finally {
      this.#isBusy = false
    }
  }

  #follow(): void {
    this.#confirmed = this.#source.proxy.collectConfirmed()
    this.#unfollow = this.#source.subscribe(() => this.#catchUp())
  }

  #leave(): void {
    this.#unfollow()
    this.#confirmed?.stop()
    this.#confirmed = undefined
  }

  /** Show what the model shows now, in one step. */
  #catchUp(): void {
    const { proxy } = this.#source
    const own = this.#proxy
    const { from: commandCount, hash } = proxy.confirmed
    const base = own.confirmed
    const others = this.#pending
    if (base.from === commandCount && base.hash === hash) return own.showOthers(others)
    // A snapshot, or nothing, is no news that can be used.
    const updates = this.#confirmed?.take()
    const news = { commandCount, hash, sync: { kind: 'updates', updates } }
    if (own.receive(news, base.hash, others) === 'applied') return
    // Whatever led there: it is another document, even if the count is lower.
    own.receive({ commandCount: base.from, hash: `not ${base.hash}`, sync: { kind: 'none' } })
    const snapshot = proxy.confirmedSnapshot()
    own.receive({ commandCount, hash, sync: { kind: 'snapshot', snapshot } }, '', others)
  }
}
