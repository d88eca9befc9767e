import {
  endOf,
  FIRST_VERSION,
  firstIdAt,
  isTimedId,
  type ClientRecord,
  type JsonObject,
  type LogEntry,
  type Path,
  type Snapshot,
} from '@flushout/core'
import type { Cursors } from './followers/cursors.ts'
import { MemoryCursors } from './followers/memory-cursors.ts'
import { Erasure } from './erasure.ts'
import type { Hints } from './hints.ts'
import { MemoryExchange } from './memory-hints.ts'
import {
  equalHeads,
  isUnbroken,
  type ClientRange,
  type EntryRange,
  type Erased,
  type Head,
  type ListedModel,
  type ModelStore,
  type News,
  type Outcome,
  type Stretch,
  type StoredModel,
  type TrimRange,
  type Trimmed,
  type Write,
} from './store.ts'

interface StoredEntry {
  readonly from: number
  readonly to: number
  readonly hash: string
  readonly at: number
  // Text, so that what was stored can be changed by nobody who still holds it.
  readonly json: string
}

interface StoredCheckpoint {
  readonly commandCount: number
  readonly hash: string
  readonly json: string
  readonly schema: number
}

interface Row {
  head: Head
  checkpoint: StoredCheckpoint
  // Oldest first, the current one or not.
  kept: StoredCheckpoint[]
  floor: { readonly commandCount: number; readonly hash: string }
  log: StoredEntry[]
  readonly clients: Map<string, string>
  lastExpired: string
  erasures: number
  config: string | undefined
}

/**
 * Models in the memory of this process, gone when it ends: for prototypes and
 * tests. Keeps the whole history, so it grows with every flush.
 */
export function memoryStore(): ModelStore {
  return new MemoryStore()
}

class MemoryStore implements ModelStore {
  readonly #rows = new Map<string, Row>()
  readonly #exchange = new MemoryExchange()
  readonly #cursors = new MemoryCursors(this)

  async migrate(): Promise<void> {}

  async ping(): Promise<void> {}

  async create(key: string, snapshot: Snapshot, config?: JsonObject): Promise<boolean> {
    if (this.#rows.has(key)) return false
    const { commandCount, hash, document, schema = FIRST_VERSION } = snapshot
    const checkpoint = { commandCount, hash, json: JSON.stringify(document), schema }
    this.#rows.set(key, {
      head: { commandCount, revision: 0, hash },
      checkpoint,
      kept: [checkpoint],
      floor: { commandCount, hash },
      log: [],
      clients: new Map(),
      lastExpired: '',
      erasures: 0,
      config: config && JSON.stringify(config),
    })
    return true
  }

  async load(key: string, clientIds: readonly string[]): Promise<StoredModel | undefined> {
    const row = this.#rows.get(key)
    if (!row) return undefined
    const { head, checkpoint } = row
    const tail = row.log.slice(indexAfter(row.log, checkpoint.commandCount)).map(parseEntry)
    return {
      head,
      checkpoint: toSnapshot(checkpoint),
      tail,
      clients: readClients(row, clientIds),
      lastExpired: row.lastExpired,
      erasures: row.erasures,
    }
  }

  async news(key: string, known: Head, clientIds: readonly string[]): Promise<News | undefined> {
    return this.#news(key, known, clientIds)
  }

  async history(
    key: string,
    from: number,
    to: number,
    maxBytes: number,
  ): Promise<Stretch | undefined> {
    const row = this.#rows.get(key)
    if (!row) return undefined
    const end = indexAfter(row.log, to)
    if (row.log[end - 1]?.to !== to) return undefined
    let start = end
    for (let bytes = 0; start > 0 && row.log[start - 1]!.from >= from; start -= 1) {
      bytes += row.log[start - 1]!.json.length
      if (bytes > maxBytes) break
    }
    if (start === end) return undefined
    const entries = row.log.slice(start, end).map(parseEntry)
    return { floorHash: row.log[start - 1]?.hash ?? row.floor.hash, entries }
  }

  async entries(key: string, range: EntryRange): Promise<LogEntry[]> {
    const { after, before, side, limit, maxBytes } = range
    const log = this.#rows.get(key)?.log ?? []
    const inside = log
      .slice(indexAfter(log, after), indexAfter(log, before - 1) + 1)
      .filter(({ from }) => from < before)
    if (side === 'latest') inside.reverse()
    let bytes = 0
    const read = inside.slice(0, limit).filter(({ json }, index) => {
      bytes += json.length
      return index === 0 || bytes <= maxBytes
    })
    if (side === 'latest') read.reverse()
    return read.map(parseEntry)
  }

  async checkpoint(key: string, count: number): Promise<Snapshot | undefined> {
    const row = this.#rows.get(key)
    const found = row && [...row.kept, row.checkpoint].findLast((one) => one.commandCount <= count)
    if (!found) return undefined
    return toSnapshot(found)
  }

  async keepCheckpoint(key: string, minBytes: number): Promise<void> {
    const row = this.#rows.get(key)
    if (!row) return
    const { checkpoint, kept, floor, log } = row
    const last = kept.at(-1) ?? floor
    const since = log.slice(
      indexAfter(log, last.commandCount),
      indexAfter(log, checkpoint.commandCount),
    )
    const bytes = since.reduce((sum, { json }) => sum + json.length, 0)
    if (bytes >= Math.max(minBytes, 4 * checkpoint.json.length)) kept.push(checkpoint)
  }

  async hashes(key: string, counts: readonly number[]): Promise<(string | undefined)[]> {
    const row = this.#rows.get(key)
    return counts.map((count) => {
      if (!row || count < row.floor.commandCount) return undefined
      if (count === row.floor.commandCount) return row.floor.hash
      const entry = row.log[indexAfter(row.log, count) - 1]
      return entry?.to === count ? entry.hash : ''
    })
  }

  async heads(keys: readonly string[]): Promise<ReadonlyMap<string, Head>> {
    return new Map(
      keys.flatMap((key) => {
        const row = this.#rows.get(key)
        return row ? [[key, row.head] as const] : []
      }),
    )
  }

  // Looks at every key there is: prototypes have few.
  async list({
    prefix,
    after,
    limit,
  }: Parameters<ModelStore['list']>[0]): Promise<readonly ListedModel[]> {
    return [...this.#rows]
      .filter(([key]) => key.startsWith(prefix) && compareText(key, after) > 0)
      .toSorted(([a], [b]) => compareText(a, b))
      .slice(0, limit)
      .map(([key, { head, config }]) => ({
        key,
        head,
        config: config === undefined ? undefined : (JSON.parse(config) as JsonObject),
      }))
  }

  async configure(key: string, config: JsonObject): Promise<boolean> {
    const row = this.#rows.get(key)
    if (row) row.config = JSON.stringify(config)
    return row !== undefined
  }

  async delete(key: string): Promise<boolean> {
    return this.#rows.delete(key)
  }

  async commit(writes: readonly Write[]): Promise<readonly Outcome[]> {
    return writes.map((write) => this.#commit(write))
  }

  async exclusively(
    key: string,
    known: Head,
    clientIds: readonly string[],
    stage: (news: News | undefined) => Write | undefined,
  ): Promise<Outcome> {
    const write = stage(this.#news(key, known, clientIds))
    return write ? this.#commit(write) : 'conflict'
  }

  async trim(key: string, { keep, before, limit }: TrimRange): Promise<Trimmed> {
    const row = this.#rows.get(key)
    if (!row) return 'done'
    const end = row.head.commandCount - keep
    const isDue = ({ to, at }: StoredEntry) => to <= end && (before === undefined || at < before)
    const held = indexAfter(row.log, row.checkpoint.commandCount)
    const first = row.log.findIndex((entry) => !isDue(entry))
    const due = first === -1 ? row.log.length : first
    const count = Math.min(due, held, limit)
    const last = row.log.splice(0, count).at(-1)
    if (last) {
      row.floor = { commandCount: last.to, hash: last.hash }
      row.kept = row.kept.filter(({ commandCount }) => commandCount >= last.to)
    }
    if (count < Math.min(due, held)) return 'more'
    return held < due ? 'held' : 'done'
  }

  async forgetClients(key: string, { before, limit }: ClientRange): Promise<'done' | 'more'> {
    const row = this.#rows.get(key)
    if (!row) return 'done'
    const end = firstIdAt(before)
    const due = [...row.clients]
      .filter(([id, json]) => {
        const { at } = JSON.parse(json) as ClientRecord
        return id < end && isTimedId(id) && at < before
      })
      .map(([id]) => id)
      .sort()
    const gone = due.slice(0, limit)
    for (const id of gone) row.clients.delete(id)
    const last = gone.at(-1) ?? ''
    if (last > row.lastExpired) row.lastExpired = last
    return gone.length < due.length ? 'more' : 'done'
  }

  async erase(key: string, path: Path, until: number): Promise<Erased | undefined> {
    const row = this.#rows.get(key)
    if (!row) return undefined
    const erasure = new Erasure(path)
    row.log = row.log.map((stored) => {
      if (stored.to > until) return stored
      const entry = erasure.entry(parseEntry(stored))
      return entry ? { ...stored, json: JSON.stringify(entry) } : stored
    })
    const redact = (stored: StoredCheckpoint) => {
      const json = stored.commandCount < until ? erasure.document(stored.json) : undefined
      return json === undefined ? stored : { ...stored, json }
    }
    row.kept = row.kept.map(redact)
    row.checkpoint = redact(row.checkpoint)
    for (const [clientId, json] of row.clients) {
      const record = erasure.client(JSON.parse(json) as ClientRecord)
      if (record) row.clients.set(clientId, JSON.stringify(record))
    }
    row.head = { ...row.head, revision: row.head.revision + 1 }
    row.erasures += 1
    return erasure.done
  }

  hints(): Hints {
    return this.#exchange.open()
  }

  cursors(follower: string): Cursors {
    return this.#cursors.of(follower)
  }

  // The models stay: whoever opens this store again finds them.
  async close(): Promise<void> {}

  #news(key: string, known: Head, clientIds: readonly string[]): News | undefined {
    const row = this.#rows.get(key)
    if (!row) return undefined
    const { head, floor, log } = row
    const start = indexAfter(log, known.commandCount)
    const before = log[start - 1]
    const hash = before ? before.to === known.commandCount && before.hash : floor.hash
    const entries = log.slice(start).map(parseEntry)
    const follows =
      hash === known.hash && isUnbroken(known.commandCount, entries, head.commandCount)
    return {
      head,
      entries: follows ? entries : undefined,
      clients: readClients(row, clientIds),
      lastExpired: row.lastExpired,
      erasures: row.erasures,
    }
  }

  #commit({ key, read, head, entries, clients, checkpoint, ...write }: Write): Outcome {
    const row = this.#rows.get(key)
    if (!row || !equalHeads(row.head, read)) return 'conflict'
    row.head = head
    for (const entry of entries) {
      const { from, hash, at } = entry
      row.log.push({ from, to: endOf(entry), hash, at, json: JSON.stringify(entry) })
    }
    for (const client of clients) row.clients.set(client.clientId, JSON.stringify(client))
    if (checkpoint !== undefined) {
      const { commandCount, hash } = head
      const { checkpointSchema = FIRST_VERSION } = write
      row.checkpoint = { commandCount, hash, json: checkpoint, schema: checkpointSchema }
    }
    return 'committed'
  }
}

function toSnapshot({ commandCount, hash, json, schema }: StoredCheckpoint): Snapshot {
  const document = JSON.parse(json) as JsonObject
  return { commandCount, hash, document, ...(schema !== FIRST_VERSION && { schema }) }
}

/** By code point, as Postgres orders keys; `<` would go by halves of characters. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The index of the first entry that ends after `count`. */
function indexAfter(log: readonly StoredEntry[], count: number): number {
  let low = 0
  let high = log.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (log[middle]!.to > count) high = middle
    else low = middle + 1
  }
  return low
}

function parseEntry({ json }: StoredEntry): LogEntry {
  return JSON.parse(json) as LogEntry
}

function readClients(row: Row, clientIds: readonly string[]): ClientRecord[] {
  return clientIds.flatMap((id) => {
    const json = row.clients.get(id)
    return json === undefined ? [] : [JSON.parse(json) as ClientRecord]
  })
}
