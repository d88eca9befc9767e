// What one user of an app has on this device, for all pages of the app:
//
//   page ──journal──► rows on disk ──► the same page after a reload
//                         │
//                         └── of a page that is dead ──► another that has the model open,
//                                                        or the next that opens the app
//
// A page lives for as long as it holds a lock of its own. What a dead one left is
// taken over under its lock, in one write, so that nobody else does the same.
import type { JsonValue, ProxyOptions } from '@flushout/core'
import type { Environment } from '../environment.ts'
import { notify } from '../notify.ts'
import type { ClientStorage, StorageChange } from '../storage/client-storage.ts'
import type { TabEnvironment } from '../tabs/tab-environment.ts'
import { TabLife } from '../tabs/tab-life.ts'
import { tabTransport } from '../tabs/tab-transport.ts'
import type { Transport } from '../transport.ts'
import { Claims } from './claims.ts'
import { takeOver } from './heritage.ts'
import { Keeper, type KeeperHome, type KeeperListener, type Opened } from './keeper.ts'
import { bringOver, readPages, readShelves } from './older-shelves.ts'
import type { PageMessage } from './page-messages.ts'
import { marksOf, readMarks, ShelfKeys, type Shelf, type StoredSession } from './shelf.ts'

/** So long after the next page of its tab began, one may still seem to live. */
const DEATH_MS = 2_000

export interface VaultOptions {
  readonly storage: ClientStorage
  /** What pages that share it have in common, beside the user. */
  readonly name: string
  /** Whose edits these are. Other users of the same device never see them. */
  readonly user: string
  /** How pages find out which others live; undefined where this is the only one. */
  readonly tabs: TabEnvironment | undefined
  readonly environment: Environment
}

export class Vault implements KeeperHome {
  readonly storage: ClientStorage
  readonly page: string
  readonly environment: Environment
  readonly #options: VaultOptions
  readonly #life: TabLife
  // The pages whose death would be heard of.
  readonly #known = new Set<string>()
  readonly #deathListeners = new Set<(page: string) => void>()
  readonly #claims: Claims
  #before: Promise<string | undefined> | undefined
  // The last take-over of each model.
  readonly #turns = new Map<string, Promise<void>>()
  #stopHearing: (() => void) | undefined
  #leave = () => {}
  #isClosed = false

  constructor(options: VaultOptions) {
    const { storage, tabs, environment } = options
    this.storage = storage
    this.environment = environment
    this.#options = options
    const bytes = new Uint8Array(12)
    environment.fillRandom(bytes)
    this.page = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    this.#claims = new Claims(this.#name, tabs)
    this.#life = new TabLife({ name: this.#name, id: this.page, tabs })
    void this.#greet()
  }

  /**
   * Take out a model, with all that dead pages left of it. Undefined if it was closed
   * meanwhile.
   */
  async open(
    key: string,
    proxy: ProxyOptions,
    listener: KeeperListener,
  ): Promise<Keeper | undefined> {
    const opened = await this.#open(key, proxy.versions)
    return opened && new Keeper(this, opened, proxy, listener)
  }

  async #open(key: string, versions: ProxyOptions['versions']): Promise<Opened | undefined> {
    // Before anything is written in its name: others must see that it lives.
    await this.#life.ready
    const keys = new ShelfKeys(this.#options.user, key, versions?.version)
    let opened: Opened | undefined
    await this.inherit(keys, (shelf, dead) => {
      const { memories, changes } = takeOver(dead, keys, this.page)
      const brought = bringOver(shelf, { keys, dead, versions })
      opened = { key, keys, shelf: brought.shelf, memories }
      return [...brought.changes, ...changes]
    })
    return opened
  }

  /** The keys of all models of which dead pages left edits. */
  async listLeft(): Promise<readonly string[]> {
    await this.#life.ready
    const marks = readMarks(await this.storage.read(marksOf(this.#options.user)))
    const dead = await this.listDead(marks.map(({ page }) => page))
    return [...new Set(marks.filter(({ page }) => dead.includes(page)).map(({ key }) => key))]
  }

  /**
   * The page that this tab showed before, if it is dead now or in a moment. Another tab
   * may live on under that name, where one was duplicated.
   */
  before(): Promise<string | undefined> {
    this.#before ??= this.#findBefore()
    return this.#before
  }

  tell(message: PageMessage): void {
    this.#life.tell(message as unknown as JsonValue)
  }

  subscribe(listener: (message: PageMessage) => void): () => void {
    return this.#life.subscribe((message) => listener(message as unknown as PageMessage))
  }

  onDeath(listener: (page: string) => void): () => void {
    const own = (page: string) => notify(listener, page)
    this.#deathListeners.add(own)
    return () => void this.#deathListeners.delete(own)
  }

  /**
   * Let `use` say what becomes of what dead pages left of a model, and do so in one
   * write. Nobody else is asked the same meanwhile.
   */
  inherit(
    keys: ShelfKeys,
    use: (shelf: Shelf, dead: readonly StoredSession[]) => readonly StorageChange[],
  ): Promise<void> {
    // The locks keep others out, and not this page itself.
    const before = this.#turns.get(keys.key) ?? Promise.resolve()
    const turn = before.then(() => this.#inherit(keys, use))
    this.#turns.set(
      keys.key,
      turn.catch(() => {}),
    )
    return turn
  }

  async #inherit(
    keys: ShelfKeys,
    use: (shelf: Shelf, dead: readonly StoredSession[]) => readonly StorageChange[],
  ): Promise<void> {
    // The storage may be closed by now, too.
    if (this.#isClosed) return
    const dead = await this.listDead(await readPages(this.storage, keys))
    const held: string[] = []
    try {
      // One after the other and all in the same order, or two pages would wait for each other.
      for (const page of dead.toSorted()) {
        held.push(page)
        await this.#claims.hold(page)
      }
      if (this.#isClosed) return
      // Not before: somebody else may have taken it over until a moment ago.
      const shelf = await readShelves(this.storage, keys)
      if (this.#isClosed) return
      const sessions = shelf.sessions.filter(({ row }) => dead.includes(row.page))
      const changes = use(shelf, sessions)
      if (changes.length > 0) await this.storage.write(changes)
    } finally {
      for (const page of held) this.#claims.leave(page)
      this.#settleClaims()
    }
  }

  /** A way to the server that all pages share. */
  share(transport: Transport): Transport {
    const { tabs, environment } = this.#options
    const shared = tabTransport(transport, { name: this.#name, tabs, environment })
    this.#leave = shared.close
    return shared
  }

  /** To the others this page is dead. */
  close(): void {
    this.#isClosed = true
    this.#leave()
    this.#stopHearing?.()
    this.#claims.close()
    this.#life.close()
  }

  /** Get to know the other pages as soon as they can tell that this one lives. */
  async #greet(): Promise<void> {
    await this.#life.ready
    if (this.#isClosed) return
    this.subscribe(({ page, kind }) => {
      this.#meet(page)
      if (kind === 'who') this.tell({ page: this.page, kind: 'here' })
    })
    this.tell({ page: this.page, kind: 'who' })
  }

  /** Hear of the death of a page. */
  #meet(page: string): void {
    if (page === this.page || this.#known.has(page)) return
    this.#known.add(page)
    this.#life.onDeath(page, () => {
      this.#known.delete(page)
      for (const listener of this.#deathListeners) listener(page)
    })
  }

  async #findBefore(): Promise<string | undefined> {
    const page = this.#options.tabs?.remember(`flushout page ${this.#name}`, this.page)
    if (page === undefined) return undefined
    await this.#life.ready
    if ((await this.listDead([page])).length > 0) return page
    const isDead = await new Promise<boolean>((resolve) => {
      const stop = this.#life.onDeath(page, () => {
        clear()
        resolve(true)
      })
      const clear = this.environment.setTimer(() => {
        stop()
        resolve(false)
      }, DEATH_MS)
    })
    return isDead ? page : undefined
  }

  /** Which of `pages` are dead. */
  async listDead(pages: readonly string[]): Promise<string[]> {
    const all = [...new Set(pages)]
    // Where nobody can tell there are no others.
    const alive = await Promise.all(all.map((page) => this.#life.isAlive(page)))
    // Who lives now may die before it is heard.
    for (const [index, page] of all.entries()) if (alive[index]) this.#meet(page)
    return all.filter((page, index) => !alive[index] || this.#claims.has(page))
  }

  /** Until it is on disk that this page has what others left, they would leave it to the next. */
  #settleClaims(): void {
    if (this.storage.isDurable) {
      this.#stopHearing?.()
      this.#stopHearing = undefined
      this.#claims.settle()
    } else if (!this.#claims.isEmpty && !this.#isClosed) {
      this.#stopHearing ??= this.storage.subscribe(() => this.#settleClaims())
    }
  }

  /** What the pages that share it find each other by. */
  get #name(): string {
    const { name, user } = this.#options
    return `${name} ${user}`
  }
}
