// Runs in the page: what the storage tests ask a real browser for.
import { indexedDbStorage, type ClientStorage, type StorageNews } from '@flushout/client'
import { storageContract } from '@flushout/client/testing'

/** What a page of the storage tests can do. */
export interface StoragePage {
  /** Open the database of this name. */
  open(name: string): OpenStorage
  /** Run the test of the contract that has this title. */
  keep(title: string): Promise<void>
  /** How many transactions that write were begun. */
  readonly writeCount: number
}

/** A storage and what it told. */
export interface OpenStorage {
  readonly storage: ClientStorage
  readonly news: readonly StorageNews[]
}

const contract = new Map<string, () => Promise<void>>()
storageContract(
  (title, run) => contract.set(title, run),
  () => {
    const name = `contract ${crypto.randomUUID()}`
    const open = () => indexedDbStorage({ name })
    return { storage: open(), reopen: open, close: () => void indexedDB.deleteDatabase(name) }
  },
)

let writeCount = 0
watch(IDBDatabase.prototype, 'transaction', (_names, mode) => {
  if (mode === 'readwrite') writeCount += 1
})

/** Hear of the calls of a method. */
function watch(target: object, name: string, onCall: (...args: unknown[]) => void): void {
  const method = Reflect.get(target, name) as (...args: unknown[]) => unknown
  Reflect.set(target, name, function watched(this: unknown, ...args: unknown[]) {
    onCall(...args)
    return method.apply(this, args)
  })
}

const storagePage: StoragePage = {
  open(name) {
    const storage = indexedDbStorage({ name })
    const news: StorageNews[] = []
    storage.subscribe((item) => news.push(item))
    return { storage, news }
  },
  async keep(title) {
    const run = contract.get(title)
    if (!run) throw new Error(`The contract has no test '${title}'.`)
    await run()
  },
  get writeCount() {
    return writeCount
  },
}

Object.assign(globalThis, { storagePage })
