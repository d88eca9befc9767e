import { isFlushoutError } from '@flushout/core'
import { defaultEnvironment, type Environment } from '../environment.ts'
import { notify } from '../notify.ts'
import { ChangeSet } from './change-set.ts'
import type {
  ClientStorage,
  StorageChange,
  StorageKey,
  StorageNews,
  StorageRow,
} from './client-storage.ts'
import { storageClosed } from './memory-storage.ts'
import {
  checkKey,
  toStorageRow,
  toStoredChange,
  type StoredChange,
  type StoredRow,
} from './stored-rows.ts'

/** What a storage is kept on. It rejects with a FlushoutError only for what the caller has to hear. */
export interface Disk {
  /** All rows whose keys begin with `prefix`, in order. */
  read(prefix: StorageKey): Promise<readonly StoredRow[]>
  /** Store all of the changes or none. */
  write(changes: readonly StoredChange[]): Promise<void>
  close(): Promise<void>
}

/** What a disk finds out by itself. */
export interface DiskEvents {
  /** All that was stored was deleted, and the disk can be used again. */
  readonly onErased: () => void
  /** What was open is no more, so it is worth looking what has become of it. */
  readonly onLost: () => void
}

interface Waiting {
  readonly changes: readonly StoredChange[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

// Browsers have had databases that never answered. Edits wait for the disk before
// they are sent, so they would wait for ever.
const PATIENCE_MS = 10_000
// One that did so before has to be quicker.
const LESS_PATIENCE_MS = 1_000

// A disk that took nothing is tried again after this, and then after ever longer pauses.
const RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000

/**
 * A storage on a disk that is slow and may fail. Writes that are called while
 * another is under way, or in the same turn, are stored together.
 */
export class DiskStorage implements ClientStorage {
  readonly #disk: Disk
  readonly #environment: Pick<Environment, 'setTimer'>
  readonly #listeners = new Set<(news: StorageNews) => void>()
  // What the disk did not take. Part of every further write until it is taken.
  #backlog = new ChangeSet()
  #waiting: Waiting[] = []
  #isWriting = false
  // Settles when what was called so far is done.
  #last: Promise<unknown> = Promise.resolve()
  #isDurable = true
  #error: unknown
  #retryMs = RETRY_MS
  #stopRetry: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(
    createDisk: (events: DiskEvents) => Disk,
    environment: Pick<Environment, 'setTimer'> = defaultEnvironment,
  ) {
    this.#disk = createDisk({ onErased: () => this.#tell('erased'), onLost: () => this.#try() })
    this.#environment = environment
  }

  get isDurable(): boolean {
    return this.#isDurable
  }

  get error(): unknown {
    return this.#error
  }

  subscribe(listener: (news: StorageNews) => void): () => void {
    const own = (news: StorageNews) => listener(news)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  async read(prefix: StorageKey): Promise<readonly StorageRow[]> {
    if (this.#closing) throw storageClosed()
    const key = checkKey(prefix)
    const read = this.#last.then(() => this.#readDisk(key))
    this.#last = Promise.allSettled([this.#last, read])
    return (await read).map(toStorageRow)
  }

  async write(changes: readonly StorageChange[]): Promise<void> {
    if (this.#closing) throw storageClosed()
    const stored = changes.map(toStoredChange)
    const written = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ changes: stored, resolve, reject })
    })
    this.#last = Promise.allSettled([this.#last, written])
    if (!this.#isWriting) void this.#writeAll()
    await written
  }

  close(): Promise<void> {
    this.#stopRetry?.()
    this.#closing ??= this.#last.then(() => this.#disk.close())
    return this.#closing
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    // The rest of the turn may have more to write.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const joined = this.#waiting
      this.#waiting = []
      const all = new ChangeSet()
      all.add(this.#backlog.changes)
      all.add(joined.flatMap(({ changes }) => changes))
      try {
        await this.#inTime(this.#disk.write(all.changes))
        this.#backlog = new ChangeSet()
        this.#succeeded()
      } catch (error) {
        if (isFlushoutError(error)) {
          for (const { reject } of joined) reject(error)
          continue
        }
        this.#backlog = all
        this.#failed(error)
      }
      for (const { resolve } of joined) resolve()
    }
    this.#isWriting = false
  }

  async #readDisk(prefix: StorageKey): Promise<readonly StoredRow[]> {
    let rows: readonly StoredRow[] = []
    try {
      rows = await this.#inTime(this.#disk.read(prefix))
    } catch (error) {
      if (isFlushoutError(error)) throw error
      this.#failed(error)
    }
    return this.#backlog.showOn(rows, prefix)
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    const patienceMs = this.#isDurable ? PATIENCE_MS : LESS_PATIENCE_MS
    let stop = () => {}
    const late = new Promise<never>((_resolve, reject) => {
      const giveUp = () => reject(new Error(`The disk took longer than ${patienceMs} ms.`))
      stop = this.#environment.setTimer(giveUp, patienceMs)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      stop()
    }
  }

  #succeeded(): void {
    this.#stopRetry?.()
    this.#stopRetry = undefined
    this.#retryMs = RETRY_MS
    this.#error = undefined
    if (this.#isDurable) return
    this.#isDurable = true
    this.#tell('durable')
  }

  #failed(error: unknown): void {
    this.#error = error
    if (!this.#stopRetry && !this.#closing) {
      this.#stopRetry = this.#environment.setTimer(() => {
        this.#stopRetry = undefined
        this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS)
        this.#try()
      }, this.#retryMs)
    }
    if (!this.#isDurable) return
    this.#isDurable = false
    this.#tell('volatile')
  }

  /** Write what is left, or nothing, to find out whether the disk works. */
  #try(): void {
    if (!this.#closing) this.write([]).catch(() => {})
  }

  #tell(news: StorageNews): void {
    for (const listener of this.#listeners) notify(listener, news)
  }
}
