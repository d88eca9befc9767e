import {
  CommandProxy,
  type LogRecord,
  type LostCommand,
  type ProxyMemory,
  type ProxyOptions,
  type Snapshot,
} from '@flushout/core'
import type { ClientStorage, StorageChange } from '../storage/client-storage.ts'
import { succeed, type Heritage } from './heritage.ts'
import { Journal } from './journal.ts'
import type { Shelf, ShelfKeys, StoredLoss, StoredSession } from './shelf.ts'

/** Where a keeper writes, and in whose name. */
export interface KeeperHome {
  readonly storage: ClientStorage
  readonly page: string
  /** See `Vault.inherit`. */
  inherit(
    keys: ShelfKeys,
    use: (shelf: Shelf, dead: readonly StoredSession[]) => readonly StorageChange[],
  ): Promise<void>
  /** See `Vault.later`. */
  later(callback: () => void): () => void
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
  #stopHearing = () => {}
  #journal: Journal | undefined
  #own: CommandProxy<object> | undefined
  #flights: Flight[] = []
  #stopLooking = () => {}
  #isAttended = false
  #losses: readonly StoredLoss[]

  constructor(vault: KeeperHome, opened: Opened, proxyOptions: ProxyOptions, onChange: () => void) {
    this.#vault = vault
    this.#opened = opened
    this.#proxyOptions = proxyOptions
    this.#onChange = onChange
    this.#losses = opened.losses
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
      isPersisted: true,
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
    this.#own = proxy as unknown as CommandProxy<object>
    this.#flights = flights.map((flight) => this.#carry(snapshot, flight))
    this.#showFlights()
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
      this.#showFlights()
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

  /**
   * Look after the model while somebody needs it: hear of its disk, and take over what
   * other pages leave. Else nothing refers to it any more, and no timer is set.
   */
  attend(isNeeded: boolean): void {
    if (isNeeded === this.#isAttended) return
    this.#isAttended = isNeeded
    this.#stopHearing()
    this.#stopLooking()
    this.#stopLooking = () => {}
    if (!isNeeded) return
    this.#stopHearing = this.#vault.storage.subscribe((news) => {
      if (news === 'erased') for (const { journal } of this.#all()) journal.startAnew()
      this.#onChange()
    })
    this.#lookLater()
  }

  /** Make a proxy that does nothing but have a flight of somebody else answered. */
  #carry(snapshot: Snapshot<object>, flight: ProxyMemory): Flight {
    const proxy = new CommandProxy<object>(snapshot, { ...this.#proxyOptions, memory: flight })
    const kept = { memory: flight, times: new Map(), recordBytes: 0, keepsDocument: false }
    return { proxy, journal: this.#keep(proxy, kept) }
  }

  /** Show what is in flight below the edits of this page: it was given before. */
  #showFlights(): void {
    const others = this.#flights.map(({ proxy }) => proxy.pending)
    this.#own?.showOthers(others)
  }

  /** From time to time, take over what pages left that died since. */
  #lookLater(): void {
    const stop = this.#vault.later(() => {
      void this.#look().finally(() => {
        // Else it was stopped meanwhile, and may have begun anew.
        if (this.#stopLooking === stop) this.#lookLater()
      })
    })
    this.#stopLooking = stop
  }

  async #look(): Promise<void> {
    const { keys } = this.#opened
    const proxy = this.#own
    if (!proxy) return
    await this.#vault.inherit(keys, (_, dead) => {
      if (dead.length === 0 || !this.#isAttended) return []
      const { edits, flights, changes } = succeed(dead, keys, this.#vault.page)
      for (const flight of flights)
        this.#flights.push(this.#carry(proxy.confirmedSnapshot(), flight))
      this.#showFlights()
      // What cannot be given here any more is told as lost, not left out.
      for (const { command } of edits) {
        const { ok, rejection } = proxy.apply(command)
        if (ok) continue
        const { path = [] } = command
        const at = this.#proxyOptions.now()
        const node = command.action === 'create' ? [...path, command.id!] : path
        this.#lose({ command, path: node, kind: 'rejected', rejection: rejection!, at })
      }
      return [
        ...changes,
        ...this.#journal!.collect(),
        ...this.#losses.map(({ id, lost }) => keys.lost(id, lost)),
      ]
    })
  }

  #lose(lost: LostCommand): void {
    const id = `${this.#proxyOptions.now().toString(36).padStart(9, '0')} ${this.#vault.page} ${this.#losses.length} taken over`
    this.#losses = [...this.#losses, { id, lost }]
    this.#onChange()
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
