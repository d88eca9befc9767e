import {
  CommandProxy,
  type LogRecord,
  type LostCommand,
  type ProxyOptions,
  type Snapshot,
} from '@flushout/core'
import type { ClientStorage } from '../storage/client-storage.ts'
import type { Heritage } from './heritage.ts'
import { Journal } from './journal.ts'
import type { ShelfKeys, StoredLoss } from './shelf.ts'

/** Where a keeper writes, and in whose name. */
export interface KeeperHome {
  readonly storage: ClientStorage
  readonly page: string
}

/** A model as it was left on this device. */
export interface Opened extends Pick<Heritage, 'memory' | 'times' | 'flights'> {
  readonly keys: ShelfKeys
  /** Undefined if the model was never loaded here. */
  readonly snapshot: Snapshot | undefined
  readonly records: readonly LogRecord[]
  readonly recordBytes: number
  readonly losses: readonly StoredLoss[]
}

/** The exchange of one proxy with its master: one flush, and its answer. */
export type ExchangeOnce = (
  proxy: CommandProxy<object>,
  saved: () => Promise<void>,
) => Promise<unknown>

interface Flight {
  readonly proxy: CommandProxy<object>
  readonly journal: Journal
}

/** Keeps one model on this device: what it begins with, what is written, what others left in flight. */
export class Keeper {
  readonly #vault: KeeperHome
  readonly #opened: Opened
  readonly #proxyOptions: ProxyOptions
  readonly #onChange: () => void
  readonly #stopHearing: () => void
  #journal: Journal | undefined
  #flights: Flight[] = []
  #losses: readonly StoredLoss[]

  constructor(vault: KeeperHome, opened: Opened, proxyOptions: ProxyOptions, onChange: () => void) {
    this.#vault = vault
    this.#opened = opened
    this.#proxyOptions = proxyOptions
    this.#onChange = onChange
    this.#losses = opened.losses
    this.#stopHearing = vault.storage.subscribe((news) => {
      if (news === 'erased') for (const { journal } of this.#all()) journal.startAnew()
      onChange()
    })
  }

  /** The document as it was left here, if it was ever loaded. */
  get snapshot(): Snapshot | undefined {
    return this.#opened.snapshot
  }

  /** Edits that were lost before this page, until they are dismissed. */
  get losses(): readonly LostCommand[] {
    return this.#losses.map(({ lost }) => lost)
  }

  /** Whether all that nobody confirmed is on disk. */
  get isSaved(): boolean {
    return this.#journal?.isSaved === true
  }

  /** Make the proxy of the model, with the edits that were left; from now on it is kept. */
  createProxy<Doc extends object>(snapshot: Snapshot<Doc>): CommandProxy<Doc> {
    const { memory, times, flights, records, recordBytes } = this.#opened
    const isOwn = (snapshot as unknown) === this.snapshot
    const proxy = new CommandProxy<Doc>(snapshot, {
      ...this.#proxyOptions,
      ...(memory && { memory }),
      ...(isOwn && { records }),
      keepsConfirmed: true,
    })
    this.#journal = this.#keep(proxy as unknown as CommandProxy<object>, {
      memory,
      times,
      recordBytes: isOwn ? recordBytes : 0,
      keepsDocument: true,
    })
    if (!isOwn) {
      const { commandCount, hash, document } = proxy.confirmedSnapshot()
      void this.#vault.storage.write(this.#opened.keys.document({ commandCount, hash, document }))
    }
    this.#flights = flights.map((flight) => {
      const other = new CommandProxy<object>(snapshot, { ...this.#proxyOptions, memory: flight })
      const kept = { memory: flight, times: new Map(), recordBytes: 0, keepsDocument: false }
      return { proxy: other, journal: this.#keep(other, kept) }
    })
    return proxy
  }

  /** Write what is new. Resolves when it is on disk. */
  async save(): Promise<void> {
    await this.#journal?.save()
  }

  /**
   * Let what dead pages may have sent be answered. To be called before anything else is
   * sent: it was given before. Rejects as `exchange` does.
   */
  async land(exchange: ExchangeOnce): Promise<void> {
    for (let flight = this.#flights[0]; flight; flight = this.#flights[0]) {
      const { proxy, journal } = flight
      await exchange(proxy, () => journal.save())
      const { queued, inFlight } = proxy.status
      if (queued + inFlight > 0) continue
      await journal.save()
      this.#losses = [...this.#losses, ...journal.losses.map(([lost, id]) => ({ lost, id }))]
      this.#flights.shift()
      this.#onChange()
    }
  }

  /** Take a loss off `losses`. False if it is none of them. */
  dismiss(lost: LostCommand): boolean {
    const found = this.#losses.find((other) => other.lost === lost)
    if (!found) return false
    this.#losses = this.#losses.filter((other) => other !== found)
    this.#journal?.forget(found.id)
    this.#onChange()
    return true
  }

  close(): void {
    this.#stopHearing()
  }

  *#all(): Iterable<{ readonly journal: Journal }> {
    if (this.#journal) yield { journal: this.#journal }
    yield* this.#flights
  }

  #keep(
    proxy: CommandProxy<object>,
    kept: Pick<
      ConstructorParameters<typeof Journal>[0],
      'memory' | 'times' | 'recordBytes' | 'keepsDocument'
    >,
  ): Journal {
    const { storage, page } = this.#vault
    const journal = new Journal({
      ...kept,
      storage,
      keys: this.#opened.keys,
      page,
      now: this.#proxyOptions.now,
      proxy,
      onSaved: this.#onChange,
    })
    proxy.subscribeStatus(() => journal.saveSoon())
    // What could not be taken over is told as lost, and is written so.
    journal.saveSoon()
    return journal
  }
}
