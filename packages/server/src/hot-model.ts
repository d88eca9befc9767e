import {
  Master,
  type ClientRecord,
  type Flush,
  type FlushContext,
  type LogEntry,
  type MasterOptions,
  type Staged,
  type User,
} from '@flushout/core'
import { deepFreeze } from './freeze.ts'
import type { Head, News, StoredModel, Stretch, Write } from './store.ts'

/** When a commit also writes the whole document; whatever is reached first. */
export interface CheckpointRule {
  /**
   * Characters of history since the last one. A document that is larger waits
   * for as many as it has itself, so that checkpoints never cost more than the
   * history does. 0 writes the document with each commit. Default 65,536.
   */
  readonly bytes: number
  /** Flushes since the last one. Default 1,000. */
  readonly flushes: number
  /**
   * Characters of history between two that are kept for good, so that the document can
   * be read as it once was; at least four times what the document has. Default 262,144.
   */
  readonly keepBytes: number
}

/**
 * What history is wanted for: an answer with updates, which may not be more than the
 * document itself, or to tell whether others wrote somewhere.
 */
export type Use = 'answer' | 'proof'

/** Clients whose last flush is kept in memory for a model; the store knows the others. */
const MAX_CLIENTS = 1000
/** What a client takes besides its JSON, and what a model does, about. */
const OVERHEAD = 200
const MODEL_OVERHEAD = 700

/**
 * A model in memory: a master, the head that the store is known to have had,
 * and what was staged on top of it but not stored yet.
 */
export class HotModel<U extends User = User> {
  readonly key: string
  readonly master: Master<U>
  // What the store vouched for last. Everything staged builds on it.
  #head: Head
  readonly #erasures: number
  readonly #rule: CheckpointRule
  readonly #maxHistoryBytes: number
  readonly #entries: LogEntry[] = []
  readonly #clients = new Map<string, ClientRecord>()
  #stagedBytes = 0
  #bytesSinceCheckpoint = 0
  #flushesSinceCheckpoint = 0
  // In order of last use, with what they weigh.
  readonly #seen = new Map<string, number>()
  #seenBytes = 0
  #snapshot: { readonly hash: string; readonly text: string } | undefined
  // Of counts before the history in memory, for those who are served now.
  #pastHashes: ReadonlyMap<number, string | undefined> = new Map()
  // Where the store's history turned out to end; asking further back is in vain.
  readonly #horizon: Record<Use, number> = { answer: -1, proof: -1 }

  constructor(key: string, stored: StoredModel, options: MasterOptions<U>, rule: CheckpointRule) {
    this.key = key
    this.#rule = rule
    this.#maxHistoryBytes = options.maxHistoryBytes ?? 0
    this.#head = stored.head
    this.#erasures = stored.erasures
    this.master = new Master(stored.checkpoint, {
      ...options,
      isOwned: true,
      hashAt: (count) => this.#pastHashes.get(count),
    })
    this.#advance(stored.tail)
    this.master.forgetClientsUpTo(stored.lastExpired)
    this.#remember(stored.clients)
  }

  /** Where the store was when this model was last seen to agree with it. */
  get head(): Head {
    return this.#head
  }

  /** About how many characters it keeps in memory. */
  get weight(): number {
    const { documentBytes, historyBytes } = this.master
    return (
      MODEL_OVERHEAD +
      documentBytes +
      historyBytes +
      this.#seenBytes +
      (this.#snapshot?.text.length ?? 0)
    )
  }

  /** Whether loading it now would replay anything. */
  get hasTail(): boolean {
    return this.#flushesSinceCheckpoint > 0
  }

  /** Take in what others wrote. False if this is not the same history any more. */
  follow({ head, entries, clients, lastExpired, erasures }: News): boolean {
    // What was erased may be in memory.
    if (!entries || erasures !== this.#erasures) return false
    try {
      this.#advance(entries)
    } catch {
      return false
    }
    if (this.master.commandCount !== head.commandCount || this.master.hash !== head.hash)
      return false
    // Others wrote, and so perhaps for clients that this model remembers: what it
    // knows of them is of the past now, and would let a repeated flush in anew.
    if (head.revision !== this.#head.revision) this.#forgetClients()
    this.#head = head
    this.master.forgetClientsUpTo(lastExpired)
    this.#remember(clients)
    return true
  }

  /**
   * Where to start reading if the history since `count` is wanted; undefined if it
   * is in memory already or would be more than is worth reading.
   */
  missingSince(
    count: number,
    use: Use,
  ): { from: number; to: number; maxBytes: number } | undefined {
    const to = this.master.floor
    const { documentBytes, historyBytes } = this.master
    const worth = use === 'answer' ? documentBytes : Infinity
    const maxBytes = Math.min(worth, this.#maxHistoryBytes) - historyBytes
    if (count >= to || to === this.#horizon[use] || maxBytes <= 0) return undefined
    return { from: count, to, maxBytes }
  }

  /** Take in older history, so that clients from further back get what they ask for. */
  reachBack(stretch: Stretch | undefined, wanted: number, use: Use): void {
    if (stretch) this.master.prependHistory(deepFreeze(stretch.entries), stretch.floorHash)
    if (this.master.floor > wanted) this.#horizon[use] = this.master.floor
  }

  /** Of `counts`, those at which only the store knows what the history hash is. */
  unknown(counts: readonly number[]): number[] {
    return counts.filter((count) => this.master.hashAt(count) === undefined)
  }

  /**
   * Know the history hashes at `counts`, and no others, once they are from before
   * the history in memory: some are now, and some may be when news have come.
   */
  recall(counts: readonly number[], stored: ReadonlyMap<number, string | undefined>): void {
    this.#pastHashes = new Map(
      counts.map((count) => [count, this.master.hashAt(count) ?? stored.get(count)]),
    )
  }

  /** Apply a flush on top of what is staged. Throws as `Master.stage` does. */
  stage(flush: Flush, context: FlushContext<U>): Staged {
    const staged = this.master.stage(flush, context)
    this.#keepStaged(staged)
    return staged
  }

  /**
   * Bring the document to the version of its kind on top of what is staged, if it is older.
   * Throws what the application throws.
   */
  migrate(at: number): void {
    this.#keepStaged(this.master.stageMigration(at))
  }

  /** What has to be stored of what is staged; undefined if nothing. */
  write(): Write | undefined {
    if (this.#clients.size === 0) return undefined
    const { commandCount, hash } = this.master
    this.#stagedBytes = measure(this.#entries)
    const bytes = this.#bytesSinceCheckpoint + this.#stagedBytes
    const flushes = this.#flushesSinceCheckpoint + this.#entries.length
    const isDue =
      flushes >= this.#rule.flushes ||
      this.#rule.bytes === 0 ||
      bytes >= Math.max(this.#rule.bytes, this.master.documentBytes)
    return {
      key: this.key,
      read: this.#head,
      head: { commandCount, revision: this.#head.revision + 1, hash },
      entries: [...this.#entries],
      clients: [...this.#clients.values()],
      ...(isDue && flushes > 0 && this.#written()),
    }
  }

  /** A write of the document alone, so that the next load replays nothing. */
  checkpoint(): Write {
    const { key } = this
    const head = this.#head
    return { key, read: head, head, entries: [], clients: [], ...this.#written() }
  }

  /** The store took `write`: what is staged is past. */
  committed(write: Write): void {
    this.#head = write.head
    if (write.checkpoint === undefined) {
      this.#bytesSinceCheckpoint += this.#stagedBytes
      this.#flushesSinceCheckpoint += write.entries.length
    } else {
      this.#bytesSinceCheckpoint = 0
      this.#flushesSinceCheckpoint = 0
    }
    this.#forgetStaged()
    this.master.commit()
    this.#note(write.clients)
  }

  /** The store did not take it: nothing was staged. */
  rollback(): void {
    this.#forgetStaged()
    this.master.rollback()
  }

  /** The snapshot as JSON, made once for each state. */
  snapshotText(): string {
    const { hash } = this.master
    if (this.#snapshot?.hash !== hash) {
      this.#snapshot = { hash, text: JSON.stringify(this.master.snapshot()) }
    }
    return this.#snapshot.text
  }

  #written(): Pick<Write, 'checkpoint' | 'checkpointSchema'> {
    const { document, schema: checkpointSchema } = this.master.snapshot()
    return { checkpoint: JSON.stringify(document), checkpointSchema }
  }

  #keepStaged({ entry, client }: Partial<Staged> = {}): void {
    if (entry) this.#entries.push(entry)
    if (client) this.#clients.set(client.clientId, client)
  }

  #advance(entries: readonly LogEntry[]): void {
    this.master.advance(deepFreeze(entries))
    this.#bytesSinceCheckpoint += measure(entries)
    this.#flushesSinceCheckpoint += entries.length
  }

  #remember(clients: readonly ClientRecord[]): void {
    for (const client of clients) this.master.rememberClient(client)
    this.#note(clients)
  }

  #forgetStaged(): void {
    this.#entries.length = 0
    this.#clients.clear()
    this.#stagedBytes = 0
  }

  /** Keep those clients that were heard of last. Never while anything is staged. */
  #note(clients: readonly ClientRecord[]): void {
    for (const client of clients) {
      this.#forget(client.clientId)
      const bytes = OVERHEAD + (client.answer.verdicts.length > 0 ? measure(client.answer) : 0)
      this.#seen.set(client.clientId, bytes)
      this.#seenBytes += bytes
    }
    for (const clientId of this.#seen.keys()) {
      if (this.#seen.size <= MAX_CLIENTS) break
      this.#forget(clientId)
      this.master.forgetClient(clientId)
    }
  }

  #forgetClients(): void {
    for (const clientId of this.#seen.keys()) this.master.forgetClient(clientId)
    this.#seen.clear()
    this.#seenBytes = 0
  }

  #forget(clientId: string): void {
    this.#seenBytes -= this.#seen.get(clientId) ?? 0
    this.#seen.delete(clientId)
  }
}

function measure(value: object): number {
  return JSON.stringify(value).length
}
