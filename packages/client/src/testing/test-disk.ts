import type { Environment } from '../environment.ts'
import type { ClientStorage, StorageKey, StorageRow } from '../storage/client-storage.ts'
import { DiskStorage, type Disk } from '../storage/disk-storage.ts'
import {
  applyChanges,
  listRows,
  toStorageRow,
  type StoredChange,
  type StoredRows,
} from '../storage/stored-rows.ts'

/** A disk in memory that several storages share, as the tabs of a browser do, and that can fail. */
export interface TestDisk {
  /** Open it as one more page. */
  open(): ClientStorage
  /** What a page that starts now would find, without waiting for anything. */
  readonly rows: readonly StorageRow[]
  /** How many writes it has taken. */
  readonly writeCount: number
  /** Take nothing more, as when it is full, until `accept` is called. */
  refuse(): void
  accept(): void
  /** Let writes wait, until `release` is called. */
  hold(): void
  release(): void
  /** Delete everything, as somebody does who clears the data of a site. */
  erase(): void
  /** End all pages at once: what is not stored is lost, and nothing they wait for ever comes. */
  crash(): void
}

/**
 * Make a disk for tests, empty and in order. It is tried again after it refused
 * something, and given up when it takes too long, by the timers of `environment`;
 * without one by none.
 */
export function createTestDisk(
  environment: Pick<Environment, 'setTimer'> = { setTimer: () => () => {} },
): TestDisk {
  const rows: StoredRows = new Map()
  const pages = new Set<PageDisk>()
  let isRefusing = false
  let writeCount = 0
  let held: Promise<void> | undefined
  let release = () => {}

  const take = async (page: PageDisk, changes: readonly StoredChange[]) => {
    await held
    await page.isDead
    if (isRefusing) throw new Error('The disk is full.')
    applyChanges(rows, changes)
    writeCount += 1
  }

  return {
    open() {
      return new DiskStorage(({ onErased }) => {
        const page = new PageDisk(rows, take, onErased, () => pages.delete(page))
        pages.add(page)
        return page
      }, environment)
    },
    get rows() {
      return listRows(rows, []).map(toStorageRow)
    },
    get writeCount() {
      return writeCount
    },
    refuse() {
      isRefusing = true
    },
    accept() {
      isRefusing = false
    },
    hold() {
      held = new Promise((resolve) => {
        release = resolve
      })
    },
    release() {
      held = undefined
      release()
    },
    erase() {
      rows.clear()
      for (const page of pages) page.onErased()
    },
    crash() {
      for (const page of pages) page.isDead = new Promise(() => {})
      pages.clear()
    },
  }
}

/** The disk as one page has it. */
class PageDisk implements Disk {
  readonly #rows: StoredRows
  readonly #take: (page: PageDisk, changes: readonly StoredChange[]) => Promise<void>
  readonly #leave: () => void
  readonly onErased: () => void
  // Of a page that is gone, a promise that stays open.
  isDead: Promise<void> | undefined

  constructor(
    rows: StoredRows,
    take: (page: PageDisk, changes: readonly StoredChange[]) => Promise<void>,
    onErased: () => void,
    leave: () => void,
  ) {
    this.#rows = rows
    this.#take = take
    this.onErased = onErased
    this.#leave = leave
  }

  async read(prefix: StorageKey) {
    await this.isDead
    return listRows(this.#rows, prefix)
  }

  write(changes: readonly StoredChange[]): Promise<void> {
    return this.#take(this, changes)
  }

  async close(): Promise<void> {
    this.#leave()
  }
}
