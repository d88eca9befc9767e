import { endOf, type LogEntry } from '@flushout/core'
import type { ModelStore, Write } from '@flushout/server'
import type { Database } from './database.ts'
import { idOf } from './ledger.ts'

/** What the database ever committed to one model. */
interface Annals {
  /** The document that the model began with. */
  genesis: { commandCount: number; hash: string; text: string }
  /** From there to the head, also what was trimmed since. */
  entries: LogEntry[]
  /** How often the database forgot or went back. */
  rewrites: number
  /** Taken away, and not made again yet. */
  isGone: boolean
  /** When it was another the last time, in milliseconds since 1970. */
  changedAt: number
}

/**
 * Keeps account of all commits, at the moment when they take effect and beyond
 * what the database itself remembers.
 */
export class Chronicle {
  readonly #database: Database
  readonly #now: () => number
  readonly #annals = new Map<string, Annals>()
  readonly #states = new Set<string>()
  // All that was ever committed, also on histories that were given up.
  readonly #geneses = new Map<string, Annals['genesis']>()
  readonly #entries = new Map<string, { readonly entry: LogEntry; readonly before: string }>()
  readonly #flushes = new Map<string, number>()
  readonly #ends = new Map<string, LogEntry[]>()
  readonly store: ModelStore

  constructor(database: Database, now: () => number) {
    this.#database = database
    this.#now = now
    const { store } = database
    this.store = {
      ...bind(store),
      create: async (key, snapshot, config) => {
        const isNew = await store.create(key, snapshot, config)
        await this.#born(key)
        return isNew
      },
      commit: async (writes) => {
        const outcomes = await store.commit(writes)
        outcomes.forEach((outcome, index) => {
          if (outcome === 'committed') this.#add(writes[index]!)
        })
        return outcomes
      },
      exclusively: async (key, known, clientIds, stage) => {
        let write: Write | undefined
        const outcome = await store.exclusively(key, known, clientIds, (news) => {
          write = stage(news)
          return write
        })
        if (write && outcome === 'committed') this.#add(write)
        return outcome
      },
    }
  }

  get keys(): readonly string[] {
    return [...this.#annals.keys()]
  }

  annals(key: string): Readonly<Annals> | undefined {
    return this.#annals.get(key)
  }

  /** How many commands the history of a model has. */
  head(key: string): number {
    const annals = this.#annals.get(key)
    const last = annals?.entries.at(-1)
    return last ? endOf(last) : (annals?.genesis.commandCount ?? 0)
  }

  /** The hash of the history of a model. */
  headHash(key: string): string | undefined {
    const annals = this.#annals.get(key)
    return annals && (annals.entries.at(-1) ?? annals.genesis).hash
  }

  /** How often the history of a model was not what it had been. */
  rewrites(key: string): number {
    return this.#annals.get(key)?.rewrites ?? 0
  }

  /** Whether a model ever was at this point. */
  hasBeenAt(key: string, commandCount: number, hash: string): boolean {
    return this.#states.has(`${key} ${commandCount} ${hash}`)
  }

  /** All flushes that ever brought a model to this count, also on histories that are gone. */
  flushesTo(key: string, commandCount: number): readonly LogEntry[] {
    return this.#ends.get(`${key} ${commandCount}`) ?? []
  }

  /** Whether a hash is of the history as it is now. */
  isCurrent(key: string, hash: string): boolean {
    const annals = this.#annals.get(key)
    return (
      annals?.genesis.hash === hash || annals?.entries.some((entry) => entry.hash === hash) === true
    )
  }

  /** Whether a flush was history once and may be so no more. */
  mayBeCut(key: string, flush: string): boolean {
    return this.rewrites(key) > 0 && this.#flushes.has(`${key} ${flush}`)
  }

  /** Whether a late copy brought back what had gone with another history. */
  isRevived(key: string, flush: string): boolean {
    return this.#flushes.get(`${key} ${flush}`)! > 1
  }

  /** Whether anything of that is in the history as it is now. */
  hasRevived(key: string): boolean {
    return this.#annals.get(key)!.entries.some((entry) => this.isRevived(key, idOf(entry)))
  }

  /** After a call whose outcome nobody heard: write down what it did. */
  async catchUp(writes: readonly Write[]): Promise<void> {
    for (const write of writes) {
      const content = await this.#database.look(write.key)
      if (content?.head.hash === write.head.hash && content.head.revision === write.head.revision) {
        this.#add(write)
      }
    }
  }

  /** The database was changed behind everybody's back: from here on this is history. */
  async rewritten(key: string): Promise<void> {
    const annals = this.#annals.get(key)
    if (!annals) return
    annals.rewrites += 1
    annals.changedAt = this.#now()
    let hash = (await this.#database.look(key))?.head.hash
    annals.isGone = hash === undefined
    annals.entries.length = 0
    if (hash === undefined) return
    for (let step = this.#entries.get(hash); step; step = this.#entries.get(hash)) {
      annals.entries.unshift(step.entry)
      hash = step.before
    }
    annals.genesis = this.#geneses.get(hash)!
  }

  async #born(key: string): Promise<void> {
    const annals = this.#annals.get(key)
    if (annals && !annals.isGone) return
    const { checkpoint: genesis } = (await this.#database.look(key))!
    this.#geneses.set(genesis.hash, genesis)
    this.#annals.set(key, {
      genesis,
      entries: [],
      rewrites: annals?.rewrites ?? 0,
      isGone: false,
      changedAt: this.#now(),
    })
    this.#note(key, genesis)
  }

  #add({ key, head, entries }: Write): void {
    const annals = this.#annals.get(key)
    if (!annals || entries.length === 0) return
    if (annals.entries.at(-1)?.hash === head.hash) return
    annals.changedAt = this.#now()
    for (const entry of entries) {
      const before = (annals.entries.at(-1) ?? annals.genesis).hash
      this.#entries.set(entry.hash, { entry, before })
      const id = `${key} ${idOf(entry)}`
      this.#flushes.set(id, (this.#flushes.get(id) ?? 0) + 1)
      annals.entries.push(entry)
      const end = `${key} ${endOf(entry)}`
      this.#ends.set(end, [...(this.#ends.get(end) ?? []), entry])
      this.#note(key, { commandCount: endOf(entry), hash: entry.hash })
    }
  }

  #note(key: string, { commandCount, hash }: { commandCount: number; hash: string }): void {
    this.#states.add(`${key} ${commandCount} ${hash}`)
  }
}

function bind(store: ModelStore): ModelStore {
  return {
    migrate: () => store.migrate(),
    ping: () => store.ping(),
    create: (key, snapshot, config) => store.create(key, snapshot, config),
    load: (key, clientIds) => store.load(key, clientIds),
    news: (key, known, clientIds) => store.news(key, known, clientIds),
    history: (key, from, to, maxBytes) => store.history(key, from, to, maxBytes),
    entries: (key, range) => store.entries(key, range),
    checkpoint: (key, count) => store.checkpoint(key, count),
    keepCheckpoint: (key, minBytes) => store.keepCheckpoint(key, minBytes),
    hashes: (key, counts) => store.hashes(key, counts),
    heads: (keys) => store.heads(keys),
    list: (range) => store.list(range),
    configure: (key, config) => store.configure(key, config),
    delete: (key) => store.delete(key),
    hints: () => store.hints(),
    cursors: (follower) => store.cursors(follower),
    commit: (writes) => store.commit(writes),
    exclusively: (key, known, clientIds, stage) => store.exclusively(key, known, clientIds, stage),
    trim: (key, range) => store.trim(key, range),
    erase: (key, path, until) => store.erase(key, path, until),
    forgetClients: (key, range) => store.forgetClients(key, range),
    close: async () => {},
  }
}
