import {
  endOf,
  FIRST_VERSION,
  type ClientRecord,
  type EntryNote,
  type JsonObject,
  type LogEntry,
  type Snapshot,
} from '@flushout/core'
import type { Head, ListedModel, StoredModel, Write } from './store.ts'

/** A number out of a bigint column. Throws if JavaScript cannot hold it exactly. */
export function toCount(value: unknown): number {
  const count = Number(value)
  if (Number.isSafeInteger(count)) return count
  throw new Error(`A stored count is ${String(value)}, beyond exact numbers.`)
}

/** The head out of a row of `model`. */
export function toHead(row: Record<string, unknown>): Head {
  return {
    commandCount: toCount(row['command_count']),
    revision: toCount(row['revision']),
    hash: row['hash'] as string,
  }
}

/** A snapshot out of a row with `count`, `hash` and `document`. */
export function toSnapshot(row: Record<string, unknown>): Snapshot {
  return {
    commandCount: toCount(row['count']),
    hash: row['hash'] as string,
    document: JSON.parse(row['document'] as string) as JsonObject,
    ...toSchema(row['document_schema']),
  }
}

/** A schema version as snapshots tell of it: not at all if it is the first. */
export function toSchema(column: unknown): Pick<Snapshot, 'schema'> {
  return column === FIRST_VERSION ? {} : { schema: toCount(column) }
}

/** A listed model out of a row of `model`. */
export function toListedModel(row: Record<string, unknown>): ListedModel {
  const config = row['config'] as string | null
  return {
    key: row['key'] as string,
    head: toHead(row),
    config: config === null ? undefined : (JSON.parse(config) as JsonObject),
  }
}

/** Log entries out of an aggregated column. */
export function toEntries(column: unknown): LogEntry[] {
  return toList(column).map(toEntry)
}

/** The columns of `flush f` in the order in which they are read. */
export const ENTRY_COLUMNS =
  'f.from_count, f.hash, f.client_id, f.sequence, f.user_id, f.at, f.commands, f.notes, f.salt, f.seal'

/** A log entry out of `ENTRY_COLUMNS`. */
export function toEntry(row: unknown[]): LogEntry {
  const [from, hash, clientId, sequence, userId, at, commands, notes, salt, seal] = row
  return {
    from: toCount(from),
    hash: hash as string,
    clientId: clientId as string,
    sequence: toCount(sequence),
    userId: userId as string | null,
    at: toCount(at),
    commands: commands as LogEntry['commands'],
    ...(notes !== null && { notes: notes as EntryNote[] }),
    salt: salt as string,
    ...(seal !== null && { seal: seal as string }),
  }
}

/** What a look-up tells of a model besides its history. */
export function toKnown(
  row: Record<string, unknown>,
): Pick<StoredModel, 'clients' | 'lastExpired' | 'erasures'> {
  return {
    clients: toClients(row['clients']),
    lastExpired: row['last_expired'] as string,
    erasures: toCount(row['erasures']),
  }
}

/** Client records out of an aggregated column. */
function toClients(column: unknown): ClientRecord[] {
  return toList(column).map(toClient)
}

/** The columns of `client c` in the order in which they are read. */
export const CLIENT_COLUMNS = 'c.client_id, c.user_id, c.sequence, c.seen_at, c.digest, c.answer'

/** A client record out of `CLIENT_COLUMNS`. */
export function toClient(row: unknown[]): ClientRecord {
  const [clientId, userId, sequence, at, digest, answer] = row
  return {
    clientId: clientId as string,
    userId: userId as string | null,
    sequence: toCount(sequence),
    at: toCount(at),
    digest: digest as string,
    answer: answer as ClientRecord['answer'],
  }
}

/**
 * What the commit statement takes: a list for each column, models, flushes, clients. Written
 * here, since what takes any list looks at each value of it several times.
 */
export function toColumns(writes: readonly Write[]): string[] {
  const entries = writes.flatMap((write) =>
    write.entries.map((entry) => ({ key: write.key, entry })),
  )
  const commands = entries.map(({ entry }) => JSON.stringify(entry.commands))
  const notes = entries.map(({ entry }) => (entry.notes ? JSON.stringify(entry.notes) : null))
  const clients = writes.flatMap((write) =>
    write.clients.map((client) => ({ key: write.key, client })),
  )
  return [
    toTexts(writes, ({ key }) => key),
    toNumbers(writes, ({ read }) => read.commandCount),
    toNumbers(writes, ({ read }) => read.revision),
    toTexts(writes, ({ read }) => read.hash),
    toNumbers(writes, ({ head }) => head.commandCount),
    toNumbers(writes, ({ head }) => head.revision),
    toTexts(writes, ({ head }) => head.hash),
    toTexts(writes, ({ checkpoint }) => checkpoint ?? null),
    toTexts(entries, ({ key }) => key),
    toNumbers(entries, ({ entry }) => entry.from),
    toNumbers(entries, ({ entry }) => endOf(entry)),
    toTexts(entries, ({ entry }) => entry.hash),
    toTexts(entries, ({ entry }) => entry.clientId),
    toNumbers(entries, ({ entry }) => entry.sequence),
    toTexts(entries, ({ entry }) => entry.userId),
    toNumbers(entries, ({ entry }) => entry.at),
    toNumbers(commands, (text, index) => text.length + (notes[index]?.length ?? 0)),
    `[${commands.join(',')}]`,
    toTexts(notes, (text) => text),
    toTexts(entries, ({ entry }) => entry.salt),
    toTexts(clients, ({ key }) => key),
    toTexts(clients, ({ client }) => client.clientId),
    toTexts(clients, ({ client }) => client.userId),
    toNumbers(clients, ({ client }) => client.sequence),
    toTexts(clients, ({ client }) => client.digest),
    JSON.stringify(clients.map(({ client }) => client.answer)),
    toNumbers(clients, ({ client }) => client.at),
    toNumbers(writes, ({ checkpointSchema }) => checkpointSchema ?? FIRST_VERSION),
  ]
}

/** Numbers as Postgres writes a list of them. Throws for what is no whole number. */
function toNumbers<Item>(
  items: readonly Item[],
  read: (item: Item, index: number) => number,
): string {
  return `{${items.map((item, index) => toCount(read(item, index))).join(',')}}`
}

/** Texts as Postgres writes a list of them. */
function toTexts<Item>(items: readonly Item[], read: (item: Item) => string | null): string {
  return `{${items.map((item) => quote(read(item))).join(',')}}`
}

function quote(text: string | null): string {
  if (text === null) return 'NULL'
  // Most are names and hashes, which hold neither.
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}

function toList(column: unknown): unknown[][] {
  return toRow(column) as unknown[][]
}

/** A list out of a JSON column; empty if it is null. */
export function toRow(column: unknown): unknown[] {
  // A pool of the application may have been told not to parse JSON.
  return ((typeof column === 'string' ? JSON.parse(column) : column) ?? []) as unknown[]
}
