import type { Environment } from '../environment.ts'
import type { ClientStorage, StorageKey } from './client-storage.ts'
import { DiskStorage, type Disk, type DiskEvents } from './disk-storage.ts'
import { keyText, type StoredChange, type StoredRow } from './stored-rows.ts'

/** What `indexedDbStorage` may be told. */
export interface IndexedDbStorageOptions {
  /** The name of the database. All tabs that use it share what is stored. */
  readonly name: string
  /** For tests. */
  readonly environment?: Pick<Environment, 'setTimer'>
}

/**
 * Keep everything in an IndexedDB database, which is opened when it is needed
 * first. Where there is none, or it takes nothing more, the rows are kept in
 * memory, and `isDurable` is false.
 */
export function indexedDbStorage(options: IndexedDbStorageOptions): ClientStorage {
  const { name, environment } = options
  return new DiskStorage((events) => new IndexedDbDisk(name, events), environment)
}

// A row holds its key too, in a line before the value: to ask for the keys as well
// takes half as long again.
const ROWS = 'rows'

// What an older version cannot read gets a higher one, and its tabs then keep what
// they write in memory.
const VERSION = 1

class IndexedDbDisk implements Disk {
  readonly #name: string
  readonly #events: DiskEvents
  #opened: Promise<IDBDatabase> | undefined
  // Which database it was when it was open last.
  #identity: string | undefined

  constructor(name: string, events: DiskEvents) {
    this.#name = name
    this.#events = events
  }

  read(prefix: StorageKey): Promise<readonly StoredRow[]> {
    return this.#run(async (database) => {
      const store = database.transaction(ROWS).objectStore(ROWS)
      const lines = await resultOf<string[]>(store.getAll(rangeOf(prefix)))
      return lines.map((line) => {
        const end = line.indexOf('\n')
        return { key: JSON.parse(line.slice(0, end)) as StorageKey, text: line.slice(end + 1) }
      })
    })
  }

  write(changes: readonly StoredChange[]): Promise<void> {
    return this.#run(async (database) => {
      const transaction = database.transaction(ROWS, 'readwrite', { durability: 'strict' })
      const store = transaction.objectStore(ROWS)
      for (const change of changes) {
        if ('put' in change) store.put(`${keyText(change.put)}\n${change.text}`, [...change.put])
        else store.delete('delete' in change ? [...change.delete] : rangeOf(change.deleteAll))
      }
      transaction.commit()
      await new Promise<void>((resolve, reject) => {
        transaction.addEventListener('complete', () => resolve())
        transaction.addEventListener('abort', () => reject(transaction.error as DOMException))
      })
    })
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    // Not waited for: it may be the opening that never ends.
    opened?.then(
      (database) => database.close(),
      () => {},
    )
  }

  /** Do it once more after a failure: browsers lose connections, to pages that slept say. */
  async #run<T>(work: (database: IDBDatabase) => Promise<T>): Promise<T> {
    const opened = this.#open()
    try {
      return await work(await opened)
    } catch {
      if (this.#opened === opened) await this.close()
      return work(await this.#open())
    }
  }

  #open(): Promise<IDBDatabase> {
    if (!this.#opened) {
      const opened = this.#openNew()
      this.#opened = opened
      opened.catch(() => {
        if (this.#opened === opened) this.#opened = undefined
      })
    }
    return this.#opened
  }

  async #openNew(): Promise<IDBDatabase> {
    const request = indexedDB.open(this.#name, VERSION)
    request.addEventListener('upgradeneeded', () => {
      request.result.createObjectStore(ROWS)
      // Tells it from the one that was deleted, whichever tab makes it anew.
      request.result.createObjectStore(`made ${Date.now()} ${Math.random()}`)
    })
    const database = await resultOf(request)
    // Somebody deletes the database or has a newer version of it, and waits for us.
    database.addEventListener('versionchange', () => {
      database.close()
      this.#lost()
    })
    // The browser closed it.
    database.addEventListener('close', () => this.#lost())
    const identity = [...database.objectStoreNames].join()
    const before = this.#identity
    this.#identity = identity
    if (before !== undefined && before !== identity) this.#events.onErased()
    return database
  }

  #lost(): void {
    this.#opened = undefined
    this.#events.onLost()
  }
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error as DOMException))
  })
}

/** All keys that begin with `prefix`: arrays come after all strings and numbers. */
function rangeOf(prefix: StorageKey): IDBKeyRange {
  return IDBKeyRange.bound([...prefix], [...prefix, []], false, true)
}
