import {
  endOf,
  firstIdAt,
  isTimedId,
  type ClientRecord,
  type JsonObject,
  type LogEntry,
  type Path,
  type Snapshot,
} from '@flushout/core'
import type {
  ClientRange,
  EntryRange,
  Erased,
  Head,
  ListedModel,
  ModelStore,
  News,
  Outcome,
  StoredModel,
  Stretch,
  TrimRange,
  Trimmed,
  Write,
} from '@flushout/server'
import { Erasure } from '../../packages/server/src/erasure.ts'
import { MemoryCursors } from '../../packages/server/src/followers/memory-cursors.ts'
import type { Content, Database } from './database.ts'

/**
 * A database in memory, as strict as Postgres and fast enough for a million
 * runs. It has to pass the contract of all stores.
 */
export class MemoryDatabase implements Database {
  readonly #models = new Map<string, Content>()
  readonly #checkpoints = new Map<string, readonly Content['checkpoint'][]>()
  readonly store: ModelStore = {
    migrate: async () => {},
    ping: async () => {},
    close: async () => {},
    create: async (key, snapshot, config) => this.#create(key, snapshot, config),
    load: async (key, clientIds) => this.#load(key, clientIds),
    news: async (key, known, clientIds) => this.#news(key, known, clientIds),
    history: async (key, from, to, maxBytes) => this.#history(key, from, to, maxBytes),
    entries: async (key, range) => this.#entries(key, range),
    checkpoint: async (key, count) => this.#checkpoint(key, count),
    keepCheckpoint: async (key, minBytes) => this.#keepCheckpoint(key, minBytes),
    hashes: async (key, counts) => this.#hashes(key, counts),
    heads: async (keys) => this.#heads(keys),
    list: async ({ prefix, after, limit }) => this.#list(prefix, after, limit),
    configure: async (key, config) => {
      const content = this.#models.get(key)
      if (content) this.#models.set(key, { ...content, config: JSON.stringify(config) })
      return content !== undefined
    },
    delete: async (key) => this.#models.delete(key),
    // Hints may be lost, and these always are.
    hints: () => ({ publish: () => {}, listen: () => () => {} }),
    commit: async (writes) => writes.map((write) => this.#commit(write)),
    exclusively: async (key, known, clientIds, stage) => {
      const write = stage(this.#news(key, known, clientIds))
      return write ? this.#commit(write) : 'conflict'
    },
    trim: async (key, range) => this.#trim(key, range),
    forgetClients: async (key, range) => this.#forgetClients(key, range),
    erase: async (key, path, until) => this.#erase(key, path, until),
    cursors: (follower) => this.#cursors.of(follower),
  }
  readonly #cursors = new MemoryCursors(this.store)

  async look(key: string): Promise<Content | undefined> {
    return this.#models.get(key)
  }

  async texts(key: string): Promise<string> {
    return JSON.stringify([this.#models.get(key), this.#checkpoints.get(key)])
  }

  async put(key: string, content: Content | undefined): Promise<void> {
    if (content) this.#models.set(key, content)
    else this.#models.delete(key)
  }

  // A call is one step here.
  breakAfter(): void {}

  #create(key: string, snapshot: Snapshot, config?: JsonObject): boolean {
    if (this.#models.has(key)) return false
    const { commandCount, hash, document, schema } = snapshot
    const text = JSON.stringify(document)
    const checkpoint = { commandCount, hash, text, ...versionOf(schema) }
    this.#checkpoints.set(key, [checkpoint])
    this.#models.set(key, {
      head: { commandCount, revision: 0, hash },
      floor: { commandCount, hash },
      checkpoint,
      entries: [],
      clients: [],
      lastExpired: '',
      erasures: 0,
      ...(config && { config: JSON.stringify(config) }),
    })
    return true
  }

  #heads(keys: readonly string[]): Map<string, Head> {
    const heads = new Map<string, Head>()
    for (const key of keys) {
      const content = this.#models.get(key)
      if (content) heads.set(key, content.head)
    }
    return heads
  }

  #list(prefix: string, after: string, limit: number): ListedModel[] {
    return [...this.#models]
      .map(([key, { head, config }]) => ({
        key,
        head,
        config: config === undefined ? undefined : (JSON.parse(config) as JsonObject),
      }))
      .filter(({ key }) => key.startsWith(prefix) && compareText(key, after) > 0)
      .toSorted((a, b) => compareText(a.key, b.key))
      .slice(0, limit)
  }

  #load(key: string, clientIds: readonly string[]): StoredModel | undefined {
    const content = this.#models.get(key)
    if (!content) return undefined
    const { head, checkpoint, entries } = content
    return {
      head,
      checkpoint: this.#toSnapshot(checkpoint),
      tail: entries.filter((entry) => entry.from >= checkpoint.commandCount),
      clients: pick(content, clientIds),
      lastExpired: content.lastExpired,
      erasures: content.erasures,
    }
  }

  #entries(key: string, { after, before, side, limit, maxBytes }: EntryRange): LogEntry[] {
    const inside = (this.#models.get(key)?.entries ?? []).filter(
      (entry) => endOf(entry) > after && entry.from < before,
    )
    if (side === 'latest') inside.reverse()
    let bytes = 0
    const read = inside.slice(0, limit).filter((entry, index) => {
      bytes += JSON.stringify(entry).length
      return index === 0 || bytes <= maxBytes
    })
    return side === 'latest' ? read.toReversed() : read
  }

  #checkpoint(key: string, count: number): Snapshot | undefined {
    const content = this.#models.get(key)
    if (!content) return undefined
    const found = [...this.#kept(key, content), content.checkpoint].findLast(
      ({ commandCount }) => commandCount <= count,
    )
    return found && this.#toSnapshot(found)
  }

  #toSnapshot({ commandCount, hash, text, schema }: Content['checkpoint']): Snapshot {
    return { commandCount, hash, document: JSON.parse(text) as JsonObject, ...versionOf(schema) }
  }

  #keepCheckpoint(key: string, minBytes: number): void {
    const content = this.#models.get(key)
    if (!content) return
    const { checkpoint, entries, floor } = content
    const kept = this.#kept(key, content)
    const { commandCount } = kept.at(-1) ?? floor
    const bytes = entries
      .filter((entry) => entry.from >= commandCount && endOf(entry) <= checkpoint.commandCount)
      .reduce((sum, entry) => sum + JSON.stringify(entry).length, 0)
    if (bytes < Math.max(minBytes, 4 * checkpoint.text.length)) return
    this.#checkpoints.set(key, [...kept, checkpoint])
  }

  /** Those that are points of the history as it is now. */
  #kept(key: string, { floor, entries }: Content): readonly Content['checkpoint'][] {
    const hashes = new Set([floor.hash, ...entries.map(({ hash }) => hash)])
    return (this.#checkpoints.get(key) ?? []).filter(({ hash }) => hashes.has(hash))
  }

  #hashes(key: string, counts: readonly number[]): (string | undefined)[] {
    const content = this.#models.get(key)
    return counts.map((count) => {
      if (!content || count < content.floor.commandCount) return undefined
      if (count === content.floor.commandCount) return content.floor.hash
      return content.entries.find((entry) => endOf(entry) === count)?.hash ?? ''
    })
  }

  #news(key: string, known: Head, clientIds: readonly string[]): News | undefined {
    const content = this.#models.get(key)
    if (!content) return undefined
    const { head, floor, entries } = content
    const before = entries.find((entry) => endOf(entry) === known.commandCount)
    const hash =
      before?.hash ?? (floor.commandCount === known.commandCount ? floor.hash : undefined)
    const isSame = hash === known.hash
    return {
      head,
      entries: isSame ? entries.filter(({ from }) => from >= known.commandCount) : undefined,
      clients: pick(content, clientIds),
      lastExpired: content.lastExpired,
      erasures: content.erasures,
    }
  }

  #history(key: string, from: number, to: number, maxBytes: number): Stretch | undefined {
    const content = this.#models.get(key)
    const until = content?.entries.filter((entry) => endOf(entry) <= to) ?? []
    if (!content || until.length === 0 || endOf(until.at(-1)!) !== to) return undefined
    let start = until.length
    for (let bytes = 0; start > 0 && until[start - 1]!.from >= from; start -= 1) {
      bytes += JSON.stringify(until[start - 1]).length
      if (bytes > maxBytes) break
    }
    if (start === until.length) return undefined
    const floorHash = until[start - 1]?.hash ?? content.floor.hash
    return { floorHash, entries: until.slice(start) }
  }

  #commit(write: Write): Outcome {
    const { key, read, head, entries, clients, checkpoint, checkpointSchema } = write
    const content = this.#models.get(key)
    if (!content || !isSameHead(content.head, read)) return 'conflict'
    const ids = new Set(clients.map(({ clientId }) => clientId))
    const { commandCount, hash } = head
    this.#models.set(key, {
      ...content,
      head,
      entries: [...content.entries, ...copy(entries)],
      clients: [...content.clients.filter(({ clientId }) => !ids.has(clientId)), ...copy(clients)],
      ...(checkpoint !== undefined && {
        checkpoint: { commandCount, hash, text: checkpoint, ...versionOf(checkpointSchema) },
      }),
    })
    return 'committed'
  }

  #trim(key: string, { keep, before = Number.POSITIVE_INFINITY, limit }: TrimRange): Trimmed {
    const content = this.#models.get(key)
    if (!content) return 'done'
    const { entries, checkpoint, head } = content
    const young = entries.findIndex(
      (entry) => endOf(entry) > head.commandCount - keep || entry.at >= before,
    )
    const due = young === -1 ? entries : entries.slice(0, young)
    const covered = due.filter((entry) => endOf(entry) <= checkpoint.commandCount)
    const last = covered.slice(0, limit).at(-1)
    if (last) {
      const floor = { commandCount: endOf(last), hash: last.hash }
      const left = entries.filter(({ from }) => from >= floor.commandCount)
      this.#models.set(key, { ...content, floor, entries: left })
    }
    if (covered.length > limit) return 'more'
    return due.length > covered.length ? 'held' : 'done'
  }

  #erase(key: string, path: Path, until: number): Erased | undefined {
    const content = this.#models.get(key)
    if (!content) return undefined
    const erasure = new Erasure(path)
    const redact = (one: Content['checkpoint']) => {
      const text = one.commandCount < until ? erasure.document(one.text) : undefined
      return text === undefined ? one : { ...one, text }
    }
    this.#checkpoints.set(key, (this.#checkpoints.get(key) ?? []).map(redact))
    this.#models.set(key, {
      ...content,
      head: { ...content.head, revision: content.head.revision + 1 },
      checkpoint: redact(content.checkpoint),
      entries: content.entries.map((entry) =>
        endOf(entry) > until ? entry : (erasure.entry(entry) ?? entry),
      ),
      clients: content.clients.map((record) => erasure.client(record) ?? record),
      erasures: content.erasures + 1,
    })
    return erasure.done
  }

  #forgetClients(key: string, { before, limit }: ClientRange): 'done' | 'more' {
    const content = this.#models.get(key)
    if (!content) return 'done'
    const { clients, lastExpired } = content
    const isOld = ({ clientId, at }: ClientRecord) =>
      isTimedId(clientId) && clientId < firstIdAt(before) && at < before
    const old = clients
      .filter(isOld)
      .map(({ clientId }) => clientId)
      .sort()
    const gone = old.slice(0, limit)
    const last = gone.at(-1) ?? ''
    this.#models.set(key, {
      ...content,
      clients: clients.filter(({ clientId }) => !gone.includes(clientId)),
      lastExpired: last > lastExpired ? last : lastExpired,
    })
    return gone.length < old.length ? 'more' : 'done'
  }
}

function isSameHead(a: Head, b: Head): boolean {
  return a.commandCount === b.commandCount && a.revision === b.revision && a.hash === b.hash
}

function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function pick({ clients }: Content, ids: readonly string[]) {
  return clients.filter(({ clientId }) => ids.includes(clientId))
}

/** As a database gives it: what somebody still holds cannot be changed by them. */
function copy<T extends readonly unknown[]>(list: T): T {
  return list.length === 0 ? list : freeze(JSON.parse(JSON.stringify(list)) as T)
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(freeze)
  return Object.freeze(value)
}

/** The first version of a schema goes without saying. */
function versionOf(schema = 1): { readonly schema?: number } {
  return schema === 1 ? {} : { schema }
}
