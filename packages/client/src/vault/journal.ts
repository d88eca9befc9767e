import type { CommandProxy, LostCommand, PendingMemory, ProxyMemory } from '@flushout/core'
import type { ClientStorage, StorageChange } from '../storage/client-storage.ts'
import type { LossNews, ShelfKeys, StoredLoss } from './shelf.ts'

export interface JournalOptions {
  readonly storage: ClientStorage
  readonly keys: ShelfKeys
  /** What the session rows name, so that others can tell whether it lives. */
  readonly page: string
  readonly now: () => number
  readonly proxy: Pick<
    CommandProxy<object>,
    'memory' | 'takeConfirmed' | 'confirmedSnapshot' | 'rejections' | 'persisted'
  >
  /** What is on disk already. */
  readonly memory: ProxyMemory | undefined
  /** How many characters on disk were confirmed since the document. */
  readonly recordBytes: number
  /** Whether the confirmed document is its to keep; else it only answers a flight. */
  readonly keepsDocument: boolean
  /** Hears when `isSaved` may be another. */
  readonly onSaved: () => void
  /** Hears what is being written of losses. */
  readonly onLosses: (news: LossNews) => void
}

/** Beyond this much the document is written anew, or beyond its own size if that is more. */
const MIN_RECORD_BYTES = 64 * 1024

/**
 * Keeps on disk what a proxy must not forget. It compares what the proxy holds with
 * what was written last, so there is nothing to tell it but that something may be
 * another; each write brings the disk from one state of the proxy to a later one.
 */
export class Journal {
  readonly #options: JournalOptions
  readonly #edits = new Map<number, PendingMemory>()
  readonly #losses = new Map<LostCommand, string>()
  // Losses of earlier pages.
  readonly #forgotten: string[] = []
  #session: ProxyMemory | undefined
  // Of the last edit that was collected.
  #serial = 0
  #recordBytes: number
  #documentBytes = 0
  #written: Promise<void> = Promise.resolve()
  #unwritten = 0
  #isScheduled = false
  #lossCount = 0

  constructor(options: JournalOptions) {
    this.#options = options
    this.#session = options.memory
    this.#recordBytes = options.recordBytes
    // The same rows lie on disk, whatever objects the proxy made of them.
    const held = new Map(options.proxy.memory.pending.map((edit) => [edit.serial, edit]))
    for (const edit of options.memory?.pending ?? []) {
      this.#edits.set(edit.serial, held.get(edit.serial) ?? edit)
    }
  }

  /** What was lost since it began, with what it is stored under. */
  get losses(): readonly StoredLoss[] {
    return [...this.#losses].map(([lost, id]) => ({ id, lost }))
  }

  /** Whether everything that was given so far is on disk. */
  get isSaved(): boolean {
    return this.#unwritten === 0 && !this.#isScheduled && this.#options.storage.isDurable
  }

  /** Write what is new, joined with whatever else this turn brings. */
  saveSoon(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      void this.save()
    })
  }

  /** Write what is new. Resolves when that and everything before is on disk. */
  save(): Promise<void> {
    const changes = this.#collect()
    if (changes.length > 0) this.#written = this.#write(changes)
    return this.#written
  }

  /** The disk lost everything: write it all again. */
  startAnew(): void {
    this.#edits.clear()
    this.#losses.clear()
    this.#session = undefined
    const { keys, keepsDocument, proxy, storage } = this.#options
    if (keepsDocument) void storage.write(keys.document(proxy.confirmedSnapshot()))
    this.saveSoon()
  }

  /** Take a loss off the disk, when somebody has seen it, together with what else is new. */
  forget(id: string): void {
    this.#forgotten.push(id)
    this.saveSoon()
  }

  async #write(changes: readonly StorageChange[]): Promise<void> {
    const { proxy, storage, onSaved } = this.#options
    // What is given while this is being written is not in it.
    const serial = this.#serial
    let isDurable = false
    this.#unwritten += 1
    try {
      await storage.write(changes)
      isDurable = storage.isDurable
    } finally {
      this.#unwritten -= 1
      proxy.persisted(serial, isDurable)
      onSaved()
    }
  }

  #collect(): StorageChange[] {
    const { proxy, keepsDocument } = this.#options
    const changes: StorageChange[] = []
    this.#collectEdits(proxy.memory, changes)
    if (keepsDocument) this.#collectConfirmed(changes)
    this.#collectLosses(proxy.rejections, changes)
    return changes
  }

  #collectEdits(memory: ProxyMemory, changes: StorageChange[]): void {
    const { keys, page } = this.#options
    const { clientId, pending, ...rest } = memory
    const last = this.#session
    this.#serial = memory.serial
    if (last && last.clientId !== clientId) {
      changes.push(...keys.withoutSession(last.clientId))
      this.#edits.clear()
    }
    const kept = new Set<number>()
    for (const edit of pending) {
      kept.add(edit.serial)
      if (this.#edits.get(edit.serial) === edit) continue
      this.#edits.set(edit.serial, edit)
      changes.push(keys.edit(clientId, edit))
    }
    for (const known of this.#edits.keys()) {
      if (kept.has(known)) continue
      this.#edits.delete(known)
      changes.push(keys.withoutEdit(clientId, known))
    }
    const isSame =
      last?.clientId === clientId &&
      last.sequence === memory.sequence &&
      last.flight === memory.flight &&
      last.hasLanded === memory.hasLanded &&
      last.isDistrusted === memory.isDistrusted &&
      // Told by the edits while there are some.
      last.pending.length > 0 === pending.length > 0
    if (isSame) return
    this.#session = memory
    const isOver = pending.length === 0 && !memory.flight
    changes.push(
      ...(isOver ? keys.withoutSession(clientId) : keys.session(clientId, { page, ...rest })),
    )
  }

  #collectConfirmed(changes: StorageChange[]): void {
    const { proxy, keys } = this.#options
    const confirmed = proxy.takeConfirmed()
    if (!confirmed) return
    if (!('document' in confirmed)) {
      for (const record of confirmed) {
        const change = keys.record(record)
        this.#recordBytes += JSON.stringify(record).length
        changes.push(change)
      }
      if (this.#recordBytes <= Math.max(MIN_RECORD_BYTES, this.#documentBytes)) return
    }
    const snapshot = 'document' in confirmed ? confirmed : proxy.confirmedSnapshot()
    this.#recordBytes = 0
    this.#documentBytes = JSON.stringify(snapshot.document).length
    changes.push(...keys.document(snapshot))
  }

  #collectLosses(rejections: readonly LostCommand[], changes: StorageChange[]): void {
    const { keys, now, page, proxy, onLosses } = this.#options
    const kept = new Set(rejections)
    const lost: StoredLoss[] = []
    const seen = this.#forgotten.splice(0)
    for (const one of rejections) {
      if (this.#losses.has(one)) continue
      this.#lossCount += 1
      const id = toLossId(now(), page, proxy.memory.clientId, this.#lossCount)
      this.#losses.set(one, id)
      lost.push({ id, lost: one })
    }
    for (const [one, id] of this.#losses) {
      if (kept.has(one)) continue
      this.#losses.delete(one)
      seen.push(id)
    }
    if (lost.length + seen.length === 0) return
    changes.push(...lost.map((loss) => keys.lost(loss.id, loss.lost)))
    changes.push(...seen.map((id) => keys.withoutLost(id)))
    onLosses({ lost, seen })
  }
}

/**
 * What a loss is stored under: in the order in which they came, among all pages. A page
 * has a journal for each session that it carries.
 */
export function toLossId(at: number, page: string, clientId: string, count: number): string {
  return `${at.toString(36).padStart(9, '0')} ${page} ${clientId} ${count}`
}
