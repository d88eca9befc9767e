// What one user of an app has on this device, for all pages of the app:
//
//   page ──journal──► rows on disk ──► the same page after a reload
//                         │
//                         └── of a page that is dead ──► the first that opens the model
//
// A page lives for as long as it holds a lock of its own. What a dead one left is
// taken over under its lock, in one write, so that nobody else does the same.
import type { ProxyOptions } from '@flushout/core'
import type { Environment } from '../environment.ts'
import type { ClientStorage, StorageChange } from '../storage/client-storage.ts'
import type { TabEnvironment } from '../tabs/tab-environment.ts'
import { sessionLock, TabLife } from '../tabs/tab-life.ts'
import { tabTransport } from '../tabs/tab-transport.ts'
import type { Transport } from '../transport.ts'
import { takeOver } from './heritage.ts'
import { Keeper, type Opened } from './keeper.ts'
import { readShelf, ShelfKeys, type Shelf, type StoredSession } from './shelf.ts'

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

/** How often a page looks whether another has died. */
const LOOK_MS = 15_000

export class Vault {
  readonly storage: ClientStorage
  readonly page: string
  readonly #options: VaultOptions
  readonly #life: TabLife
  #leave = () => {}

  constructor(options: VaultOptions) {
    const { storage, tabs, environment } = options
    this.storage = storage
    this.#options = options
    const bytes = new Uint8Array(12)
    environment.fillRandom(bytes)
    this.page = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    this.#life = new TabLife({ name: this.#name, id: this.page, tabs })
  }

  /** Take out a model, with all that dead pages left of it. `onChange` hears when what is kept may be another. */
  async open(key: string, proxy: ProxyOptions, onChange: () => void): Promise<Keeper> {
    return new Keeper(this, await this.#open(key), proxy, onChange)
  }

  async #open(key: string): Promise<Opened> {
    // Before anything is written in its name: others must see that it lives.
    await this.#life.ready
    const keys = new ShelfKeys(this.#options.user, key)
    let opened: Opened | undefined
    await this.inherit(keys, (shelf, dead) => {
      const heritage = takeOver(dead, keys, this.page)
      opened = { ...shelf, ...heritage, keys }
      return heritage.changes
    })
    return opened!
  }

  /**
   * Let `use` say what becomes of what dead pages left of a model, and do so in one
   * write. Nobody else is asked the same meanwhile.
   */
  async inherit(
    keys: ShelfKeys,
    use: (shelf: Shelf, dead: readonly StoredSession[]) => readonly StorageChange[],
  ): Promise<void> {
    const shelf = await this.#read(keys)
    const dead = await this.#deadPages(shelf)
    const releases = await Promise.all(dead.map((page) => this.#claim(page)))
    try {
      // Somebody else may have taken it over until a moment ago.
      const claimed = dead.length > 0 ? await this.#read(keys) : shelf
      const sessions = claimed.sessions.filter(({ page }) => dead.includes(page))
      const changes = use(claimed, sessions)
      if (changes.length > 0) await this.storage.write(changes)
    } finally {
      for (const release of releases) release()
    }
  }

  /** A way to the server that all pages share. */
  share(transport: Transport): Transport {
    const { tabs, environment } = this.#options
    const shared = tabTransport(transport, { name: this.#name, tabs, environment })
    this.#leave = shared.close
    return shared
  }

  /** Call back in a while if other pages may die meanwhile; the returned function takes it back. */
  later(callback: () => void): () => void {
    const { tabs, environment } = this.#options
    return tabs ? environment.setTimer(callback, LOOK_MS) : () => {}
  }

  /** To the others this page is dead. */
  close(): void {
    this.#leave()
    this.#life.close()
  }

  async #read(keys: ShelfKeys): Promise<Shelf> {
    return readShelf(await this.storage.read(keys.all))
  }

  async #deadPages({ sessions }: Shelf): Promise<string[]> {
    const pages = [...new Set(sessions.map(({ page }) => page))]
    // Where nobody can tell there are no others.
    const alive = await Promise.all(pages.map((page) => this.#life.isAlive(page)))
    return pages.filter((_, index) => !alive[index])
  }

  #claim(page: string): Promise<() => void> {
    const { tabs } = this.#options
    if (!tabs) return Promise.resolve(() => {})
    return new Promise((resolve) => {
      const release = tabs.hold(sessionLock(this.#name, page), () => resolve(() => release()))
    })
  }

  /** What the pages that share it find each other by. */
  get #name(): string {
    const { name, user } = this.#options
    return `${name} ${user}`
  }
}
