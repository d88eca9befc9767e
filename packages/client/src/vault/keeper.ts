import {
  CommandProxy,
  FIRST_VERSION,
  type LostCommand,
  type PendingSession,
  type ProxyMemory,
  type ProxyOptions,
  type Snapshot,
} from '@flushout/core'
import type { ClientStorage, StorageChange } from '../storage/client-storage.ts'
import type { StepPages, StepPlace } from '../model-tracker.ts'
import { giveUp, takeOver } from './heritage.ts'
import { Inbox } from './inbox.ts'
import { Journal } from './journal.ts'
import { KEPT } from './kept.ts'
import type { SessionWord } from './page-messages.ts'
import { isPending, isSendable, listOthers, toWords, type Session } from './session.ts'
import type { Shelf, ShelfKeys, StoredSession } from './shelf.ts'
import { Siblings, type Pages } from './siblings.ts'

/** Where a keeper writes, and in whose name. */
export interface KeeperHome extends Pages, Pick<StepPages, 'before' | 'listDead'> {
  readonly storage: ClientStorage
  /** See `Vault.inherit`. */
  inherit(
    keys: ShelfKeys,
    use: (shelf: Shelf, dead: readonly StoredSession[]) => readonly StorageChange[],
  ): Promise<void>
  /** Hear of each page that dies, until the returned function is called. */
  onDeath(listener: (page: string) => void): () => void
}

/** A model as it was left on this device. */
export interface Opened {
  readonly key: string
  readonly keys: ShelfKeys
  readonly shelf: Shelf
  /** The sessions that this page took over, the latest first. */
  readonly memories: readonly ProxyMemory[]
}

/** The exchange of one proxy with its master: one flush, and its answer. Gives how many commands that settled. */
export type ExchangeOnce = (
  proxy: CommandProxy<object>,
  saved: () => Promise<void>,
) => Promise<number>

/** What a keeper tells. */
export interface KeeperListener {
  /** What is kept may be another. */
  readonly onChange: () => void
  /** What other sessions have pending is another: something may be sent now that had to wait. */
  readonly onAgree: () => void
}

/**
 * Keeps one model on this device. The page has a session of its own, which goes on with
 * the latest that was left, and carries the other ones until the master has answered
 * them. All of them, and those of other pages, are shown as one.
 */
export class Keeper {
  readonly #vault: KeeperHome
  readonly #opened: Opened
  readonly #proxyOptions: ProxyOptions
  readonly #listener: KeeperListener
  readonly #siblings: Siblings
  readonly #inbox: Inbox
  #own: Session | undefined
  #carried: readonly Session[] = []
  // Those that were carried to the end: others may not have heard of it yet.
  readonly #ended: SessionWord[] = []
  #stopHearing = () => {}
  #isAttended = false

  constructor(
    vault: KeeperHome,
    opened: Opened,
    proxyOptions: ProxyOptions,
    listener: KeeperListener,
  ) {
    this.#vault = vault
    this.#opened = opened
    this.#proxyOptions = proxyOptions
    this.#listener = listener
    this.#inbox = new Inbox(opened.shelf.losses, () => this.#sessions)
    this.#siblings = new Siblings({
      pages: vault,
      key: opened.keys.name,
      words: () => [...this.#sessions.flatMap(toWords), ...this.#ended],
      isHeldUp: () => this.#sessions.some(({ proxy }) => proxy.isHeldUp),
      onChange: () => this.#agree(),
      onLosses: (news) => {
        this.#inbox.hear(news)
        listener.onChange()
      },
    })
  }

  /** The document as it was left here, if it was ever loaded. */
  get snapshot(): Snapshot | undefined {
    return this.#opened.shelf.snapshot
  }

  /** Edits of other pages that were lost, until they are dismissed. */
  get losses(): readonly LostCommand[] {
    return [...this.#inbox.losses, ...this.#carried.flatMap(({ proxy }) => proxy.rejections)]
  }

  /** Whether all that nobody confirmed is on disk. */
  get isSaved(): boolean {
    return this.#own !== undefined && this.#sessions.every(({ journal }) => journal.isSaved)
  }

  /** How many edits are pending in sessions that this page carries. */
  get carried(): { readonly queued: number; readonly inFlight: number } {
    let [queued, inFlight] = [0, 0]
    for (const { proxy } of this.#carried) {
      queued += proxy.status.queued
      inFlight += proxy.status.inFlight
    }
    return { queued, inFlight }
  }

  /** Whether something is pending that need not wait for another page. */
  get isSendable(): boolean {
    return this.#sessions.some(isSendable)
  }

  /** The proxies whose edits this page sends, its own first. */
  get proxies(): readonly CommandProxy<object>[] {
    return this.#sessions.map(({ proxy }) => proxy)
  }

  /** The proxies whose edits this page sends, its own first, and what all pages have pending. */
  get all(): {
    readonly proxies: readonly CommandProxy<object>[]
    readonly pending: readonly PendingSession[]
  } {
    const { proxies } = this
    return { proxies, pending: [...this.#siblings.pending, proxies[0]!.pending] }
  }

  /** Where to keep what is to be known of commands beside themselves. */
  get place(): Pick<StepPlace, 'pages' | 'prefix'> {
    return { pages: this.#vault, prefix: this.#opened.keys.all }
  }

  /** Make the proxy of the model, with the edits that were left; from now on it is kept. */
  createProxy<Doc extends object>(snapshot: Snapshot<Doc>): CommandProxy<Doc> {
    const { shelf, memories } = this.#opened
    const changes: StorageChange[] = []
    const usable = this.#chooseUsable(memories, changes)
    // All commands of a session are written for one version.
    const { version = FIRST_VERSION } = this.#proxyOptions.versions ?? {}
    const memory = usable.find(({ schema = FIRST_VERSION }) => schema === version)
    const rest = usable.filter((one) => one !== memory)
    const isOwn = (snapshot as unknown) === this.snapshot
    const proxy = new CommandProxy<Doc>(snapshot, {
      ...this.#proxyOptions,
      ...(memory && { memory }),
      ...(isOwn && { records: shelf.records }),
      ...KEPT,
    })
    const recordBytes = isOwn ? shelf.recordBytes : 0
    this.#begin(proxy as unknown as CommandProxy<object>, { memory, recordBytes }, rest)
    if (!isOwn) changes.push(...this.#writeDocument(proxy as unknown as CommandProxy<object>))
    if (changes.length > 0) void this.#vault.storage.write(changes)
    return proxy
  }

  /**
   * Keep `proxy`, which was made as `KEPT` says and has sent nothing, from now on. What is
   * newer on this device comes into it, and the edits that were left, all in one step.
   */
  adopt(proxy: CommandProxy<object>): void {
    const changes: StorageChange[] = []
    const memories = this.#chooseUsable(this.#opened.memories, changes)
    const kept = this.#restore()
    // What was migrated here nobody has vouched for.
    if (kept && kept.hash !== '' && kept.commandCount > proxy.confirmed.from) {
      const { commandCount, hash } = kept
      proxy.receive({ commandCount, hash, sync: { kind: 'snapshot', snapshot: kept } })
    }
    changes.push(...this.#writeDocument(proxy))
    void this.#vault.storage.write(changes)
    this.#begin(proxy, { memory: undefined, recordBytes: 0 }, memories)
  }

  #begin(
    proxy: CommandProxy<object>,
    kept: { readonly memory: ProxyMemory | undefined; readonly recordBytes: number },
    rest: readonly ProxyMemory[],
  ): void {
    const { shelf, memories } = this.#opened
    this.#own = this.#keep(proxy, { ...kept, keepsDocument: true })
    const others = listOthers(shelf, this.#vault.page, memories)
    for (const [page, words] of others) this.#siblings.note(page, words)
    this.#carry(rest)
    let { confirmed } = proxy.status
    proxy.subscribeStatus(() => {
      if (confirmed === proxy.status.confirmed) return
      ;({ confirmed } = proxy.status)
      // Not while it tells all its listeners.
      if (this.#siblings.prune(confirmed)) queueMicrotask(() => this.#agree())
    })
    this.#agree()
    void this.#catchUp([...others.keys()])
  }

  /** The document on this device with what was confirmed since, if it can be used. */
  #restore(): Snapshot | undefined {
    const { snapshot, records } = this.#opened.shelf
    try {
      return (
        snapshot &&
        new CommandProxy(snapshot, { ...this.#proxyOptions, records }).confirmedSnapshot()
      )
    } catch {
      // Somebody changed what is on disk.
      return undefined
    }
  }

  #writeDocument(proxy: CommandProxy<object>): readonly StorageChange[] {
    return this.#opened.keys.document(proxy.confirmedSnapshot())
  }

  /** Write what is new, and tell the other pages. Resolves when it is on disk. */
  async save(): Promise<void> {
    this.#siblings.tell()
    await this.#own?.journal.save()
  }

  /**
   * Exchange what this page carries for others, as far as it need not wait. Gives how
   * many commands that settled; rejects as `exchange` does.
   */
  async sendCarried(exchange: ExchangeOnce): Promise<number> {
    let settled = 0
    for (;;) {
      for (const session of this.#carried) if (!isPending(session)) await this.#end(session)
      const session = this.#carried.find(isSendable)
      if (!session) return settled
      const { proxy, journal } = session
      settled += await exchange(proxy, () => {
        this.#siblings.tell()
        return journal.save()
      })
      this.#agree()
      this.#siblings.tell()
    }
  }

  /** The model was in step at this time, in milliseconds since 1970. */
  synced(at: number): void {
    const { confirmed = 0 } = this.#own?.proxy.status ?? {}
    if (this.#siblings.prune(confirmed, at)) this.#agree()
  }

  /** An exchange of the own session is over. */
  exchanged(): void {
    this.#agree()
    this.#siblings.tell()
  }

  /** Take a loss off `losses`. False if it is none of them. */
  dismiss(lost: LostCommand): boolean {
    const id = this.#inbox.dismiss(lost)
    if (id !== undefined) {
      this.#own?.journal.forget(id)
      this.#listener.onChange()
      return true
    }
    const holder = this.#carried.find(({ proxy }) => proxy.rejections.includes(lost))
    holder?.proxy.dismiss(lost)
    return holder !== undefined
  }

  /**
   * Look after the model while somebody needs it: hear of its disk and of the other
   * pages, and take over what those leave. Else nothing refers to it any more, and no
   * timer is set.
   */
  attend(isNeeded: boolean): void {
    if (isNeeded === this.#isAttended) return
    this.#isAttended = isNeeded
    this.#stopHearing()
    if (!isNeeded) {
      this.#stopHearing = () => {}
      this.#siblings.leave()
      this.#agree()
      return
    }
    const { storage } = this.#vault
    const stops = [
      storage.subscribe((news) => {
        if (news === 'erased') for (const { journal } of this.#sessions) journal.startAnew()
        this.#listener.onChange()
      }),
      this.#vault.onDeath((page) => void this.#bury([page])),
    ]
    this.#stopHearing = () => {
      for (const stop of stops) stop()
    }
    this.#siblings.join()
  }

  /** Take over what pages left that died. Gives what is on disk of others then. */
  async inherit(): Promise<ReadonlyMap<string, readonly SessionWord[]>> {
    const { keys } = this.#opened
    let others: ReadonlyMap<string, readonly SessionWord[]> = new Map()
    await this.#vault.inherit(keys, (shelf, dead) => {
      others = listOthers(shelf, this.#vault.page, dead)
      if (dead.length === 0 || !this.#own) return []
      const { memories, changes } = takeOver(dead, keys, this.#vault.page)
      for (const { row } of dead) this.#siblings.forget(row.page)
      const written: StorageChange[] = [...changes]
      this.#carry(this.#chooseUsable(memories, written))
      this.#agree()
      this.#siblings.tell()
      return written
    })
    return others
  }

  get #sessions(): readonly Session[] {
    return this.#own ? [this.#own, ...this.#carried] : this.#carried
  }

  /** One may have died before there was anything to carry its edits, or anybody to hear of it. */
  async #catchUp(pages: readonly string[]): Promise<void> {
    await this.#bury(await this.#vault.listDead(pages))
  }

  /** Pages are dead: what they told and did not leave on disk is lost with them. */
  async #bury(pages: readonly string[]): Promise<void> {
    const others = await this.inherit()
    for (const page of pages) this.#siblings.forget(page)
    // Somebody may be faster: what is taken over is pending before that page says so.
    for (const [name, words] of this.#isAttended ? others : []) this.#siblings.expect(name, words)
    this.#agree()
  }

  /** Have the edits of other sessions answered, under the client ids of those. */
  #carry(memories: readonly ProxyMemory[]): void {
    const snapshot = this.#own!.proxy.confirmedSnapshot()
    const sessions = memories.map((memory) => {
      const options = { ...this.#proxyOptions, memory, others: [], isPersisted: true }
      const proxy = new CommandProxy<object>(snapshot, options)
      return this.#keep(proxy, { memory, recordBytes: 0, keepsDocument: false })
    })
    this.#carried = [...this.#carried, ...sessions]
  }

  /** Nothing of a carried session is pending any more. */
  async #end(session: Session): Promise<void> {
    const { journal } = session
    await journal.save()
    if (!this.#carried.includes(session)) return
    const { losses } = journal
    this.#ended.push(...toWords(session))
    this.#carried = this.#carried.filter((other) => other !== session)
    this.#inbox.add(losses)
    this.#agree()
    this.#siblings.tell()
  }

  /** Those that a proxy can go on with; the others are told as lost, by `changes` too. */
  #chooseUsable(memories: readonly ProxyMemory[], changes: StorageChange[]): ProxyMemory[] {
    return memories.filter((memory) => {
      try {
        void new CommandProxy(NOTHING, { ...this.#proxyOptions, memory, others: [] })
        return true
      } catch {
        // Somebody changed what is on disk under a page that lived.
        const when = { page: this.#vault.page, at: this.#proxyOptions.now() }
        const given = giveUp(memory, this.#opened.keys, when)
        this.#inbox.add(given.losses)
        changes.push(...given.changes)
        return false
      }
    })
  }

  /** Let each session know what all others have pending. */
  #agree(): void {
    const own = this.#own?.proxy
    if (!own) return
    this.#siblings.note(this.#vault.page, [...this.#carried.flatMap(toWords), ...this.#ended])
    this.#siblings.prune(own.confirmed.from)
    const others = this.#siblings.pending
    own.showOthers(others)
    for (const { proxy } of this.#carried) proxy.showOthers([...others, own.pending])
    this.#siblings.bear()
    this.#listener.onAgree()
  }

  #keep(
    proxy: CommandProxy<object>,
    kept: Pick<
      ConstructorParameters<typeof Journal>[0],
      'memory' | 'recordBytes' | 'keepsDocument'
    >,
  ): Session {
    const { storage, page } = this.#vault
    const journal = new Journal({
      ...kept,
      storage,
      keys: this.#opened.keys,
      page,
      now: this.#proxyOptions.now,
      proxy,
      onSaved: this.#listener.onChange,
      onLosses: (news) => this.#siblings.tellLosses(news),
    })
    proxy.subscribeStatus(() => {
      journal.saveSoon()
      this.#siblings.tellSoon()
      this.#siblings.bear()
    })
    // What could not be taken over is told as lost, and is written so.
    journal.saveSoon()
    return { proxy, journal, ids: new Set([proxy.clientId]) }
  }
}

const NOTHING: Snapshot = { commandCount: 0, hash: '', document: {} }
