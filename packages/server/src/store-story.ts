import { deepStrictEqual, ok } from 'node:assert/strict'
import { endOf, type ClientRecord, type LogEntry, type Snapshot } from '@flushout/core'
import { digest } from './digest.ts'
import type { Head, ModelStore, News, StoredModel, Write } from './store.ts'

/** One model in a store, and what a writer knows of it. */
export class StoredStory {
  readonly key: string = `contract:${crypto.randomUUID()}`
  readonly genesis: Snapshot = { commandCount: 0, hash: digest(this.key), document: { list: {} } }
  readonly store: ModelStore
  head: Head = { commandCount: 0, revision: 0, hash: this.genesis.hash }

  private constructor(store: ModelStore) {
    this.store = store
  }

  static async begin(store: ModelStore): Promise<StoredStory> {
    const story = new StoredStory(store)
    await store.create(story.key, story.genesis)
    return story
  }

  async load(clientIds: readonly string[] = []): Promise<StoredModel> {
    const stored = await this.store.load(this.key, clientIds)
    ok(stored, 'the model is there')
    return stored
  }

  /** An entry of `size` commands at the head. */
  entry(size: number, clientId = 'c'): LogEntry {
    return this.entryAfter(0, size, clientId)
  }

  /** An entry that follows `distance` commands after the head. */
  entryAfter(distance: number, size: number, clientId = 'c'): LogEntry {
    return createEntry(this.head.commandCount + distance, size, clientId)
  }

  /** Forget what lies before the last `keep` commands. */
  async trim(keep: number): Promise<void> {
    const trimmed = await this.store.trim(this.key, { keep, before: undefined, limit: 1000 })
    ok(trimmed !== 'more', 'all of it fits into one step')
  }

  next(
    entries: readonly LogEntry[],
    clients: readonly ClientRecord[] = [],
    checkpoint?: string,
  ): Write {
    return writeOnto(this.key, this.head, entries, clients, checkpoint)
  }

  async write(
    entries: readonly LogEntry[],
    clients: readonly ClientRecord[] = [],
    checkpoint?: string,
  ): Promise<Head> {
    const write = this.next(entries, clients, checkpoint)
    deepStrictEqual(await this.store.commit([write]), ['committed'])
    this.head = write.head
    return this.head
  }

  async writeEach(sizes: readonly number[]): Promise<LogEntry[]> {
    const entries: LogEntry[] = []
    for (const size of sizes) {
      const entry = this.entry(size)
      entries.push(entry)
      await this.write([entry])
    }
    return entries
  }
}

/** One more command by `clientId` on what the news brought. */
export function extend(key: string, { head }: News, clientId: string): Write {
  return writeOnto(key, head, [createEntry(head.commandCount, 1, clientId)], [client(clientId, 1)])
}

function writeOnto(
  key: string,
  read: Head,
  entries: readonly LogEntry[],
  clients: readonly ClientRecord[],
  checkpoint?: string,
): Write {
  const last = entries.at(-1)
  const head = {
    commandCount: last ? endOf(last) : read.commandCount,
    revision: read.revision + 1,
    hash: last?.hash ?? read.hash,
  }
  return { key, read, head, entries, clients, checkpoint }
}

function createEntry(from: number, size: number, clientId: string): LogEntry {
  const commands = Array.from({ length: size }, (_, index) => ({
    action: 'create' as const,
    path: ['list'],
    id: `n${from + index}`,
    props: { text: '\u0000 "quoted" \\ 🙂', z: 1, a: null },
  }))
  const hash = digest(`${from} ${size} ${clientId} ${Math.random()}`)
  const sequence = from + 1
  const at = 1_700_000_000_000
  const notes = [{ index: size - 1 }]
  const salt = 'grey \\ "salt"'
  return { from, hash, clientId, sequence, userId: null, at, commands, notes, salt }
}

/** What a store keeps of a client. */
export function client(clientId: string, sequence: number, at = 1_700_000_000_000): ClientRecord {
  const rejection = { code: 'REJECTED', message: 'no \u0000', at: ['list', 'a'] }
  return {
    clientId,
    userId: 'ada',
    sequence,
    at,
    digest: digest(`${clientId} ${sequence}`),
    answer: { verdicts: [{ index: 0, kind: 'rejected', rejection }], remaps: [] },
  }
}
