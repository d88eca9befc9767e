// What is on disk of one model, as rows below [vault, model key], or a name of its own for each
// schema version but the first:
//
//   ['document']                          the confirmed document, as of some count
//   ['record', from]                      what was confirmed since, flush by flush
//   ['session', clientId]                 who gave edits: how far, and what is in flight
//   ['edit', clientId, serial]            one edit that nobody confirmed yet
//   ['lost', id]                          one that was refused, until somebody has seen it
//   ['step', page, number]                one that can be undone or redone in the tab of that page
//
// and one row for each session below [vault, ''], a key that no model can have:
//
//   [model key, clientId]                 by which page there are edits of that model
import {
  FIRST_VERSION,
  type JsonValue,
  type LogRecord,
  type LostCommand,
  type PendingMemory,
  type ProxyMemory,
  type Snapshot,
} from '@flushout/core'
import type { StorageChange, StorageKey, StorageRow } from '../storage/client-storage.ts'

/** The value of a `session` row: the memory of a proxy without its edits, and whose it is. */
export interface SessionRow extends Omit<ProxyMemory, 'clientId' | 'pending'> {
  /** The page that gave the edits or took them over, to tell whether it lives. */
  readonly page: string
}

/** The edits of one client id, in order. */
export interface StoredSession {
  readonly clientId: string
  readonly row: SessionRow
  readonly edits: readonly PendingMemory[]
  /** The shelf that it is on, if that is of an older version. */
  readonly home?: ShelfKeys
}

/** An edit that was lost, and under what it is stored. */
export interface StoredLoss {
  readonly id: string
  readonly lost: LostCommand
}

/** What is new about the losses of a model. */
export interface LossNews {
  readonly lost: readonly StoredLoss[]
  /** Under what those were stored that somebody has seen. */
  readonly seen: readonly string[]
}

/** All that is on disk of one model. */
export interface Shelf {
  readonly snapshot: Snapshot | undefined
  /** Those after the snapshot, in order. */
  readonly records: readonly LogRecord[]
  /** How many characters all records take. */
  readonly recordBytes: number
  readonly sessions: readonly StoredSession[]
  readonly losses: readonly StoredLoss[]
  /** Those of older versions, the latest first; see older-shelves.ts. */
  readonly older: readonly OlderShelf[]
}

interface OlderShelf extends Shelf {
  readonly home: ShelfKeys
}

/** Put together what is on disk of the model whose rows these are. */
export function readShelf(rows: readonly StorageRow[]): Shelf {
  let snapshot: Snapshot | undefined
  const records: LogRecord[] = []
  let recordBytes = 0
  const sessions = new Map<string, { row: SessionRow; edits: PendingMemory[] }>()
  const losses: StoredLoss[] = []
  for (const { key, value } of rows) {
    const [, , kind, name, serial] = key
    if (kind === 'document') snapshot = value as unknown as Snapshot
    else if (kind === 'record') {
      records.push(value as unknown as LogRecord)
      recordBytes += JSON.stringify(value).length
    } else if (kind === 'session') {
      sessionOf(sessions, name as string).row = value as unknown as SessionRow
    } else if (kind === 'edit') {
      const edit = value as unknown as Omit<PendingMemory, 'serial'>
      sessionOf(sessions, name as string).edits.push({ serial: serial as number, ...edit })
    } else if (kind === 'lost') {
      losses.push({ id: name as string, lost: value as unknown as LostCommand })
    }
  }
  const start = snapshot?.commandCount ?? 0
  return {
    snapshot,
    records: records.filter(({ from }) => from >= start),
    recordBytes,
    sessions: [...sessions].map(([clientId, session]) => ({ clientId, ...session })),
    losses,
    older: [],
  }
}

function sessionOf(
  sessions: Map<string, { row: SessionRow; edits: PendingMemory[] }>,
  clientId: string,
): { row: SessionRow; edits: PendingMemory[] } {
  let session = sessions.get(clientId)
  if (!session) {
    // Written with its edits in one step, so it is always there in the end.
    session = { row: { page: '', sequence: 0, serial: 0 }, edits: [] }
    sessions.set(clientId, session)
  }
  return session
}

/** Where it is written of which models there are edits. */
export function marksOf(vault: string): StorageKey {
  return [vault, '']
}

/** The model and the page of each row below `marksOf`. */
export function readMarks(
  rows: readonly StorageRow[],
): readonly { readonly key: string; readonly page: string }[] {
  return rows.map(({ key, value }) => ({ key: key[2] as string, page: value as string }))
}

/** Writes the rows of one model. */
export class ShelfKeys {
  /** Of the model. */
  readonly key: string
  /** What pages of this version call it among each other. */
  readonly name: string
  /** Those of older versions, the latest first. */
  readonly older: readonly ShelfKeys[]
  readonly #prefix: StorageKey
  readonly #mark: StorageKey

  constructor(vault: string, key: string, version: number = FIRST_VERSION) {
    this.key = key
    // No model can have a key with a control character.
    this.name = version === FIRST_VERSION ? key : `${key}\u0000${version}`
    const before = version > FIRST_VERSION ? new ShelfKeys(vault, key, version - 1) : undefined
    this.older = before ? [before, ...before.older] : []
    this.#prefix = [vault, this.name]
    this.#mark = [...marksOf(vault), key]
  }

  get all(): StorageKey {
    return this.#prefix
  }

  /** Of the rows that tell who gave edits. */
  get sessions(): StorageKey {
    return [...this.#prefix, 'session']
  }

  /** Put a document in the place of the one before and all that was confirmed since. */
  document(snapshot: Snapshot): StorageChange[] {
    return [
      { deleteAll: [...this.#prefix, 'record'] },
      { put: [...this.#prefix, 'document'], value: toValue(snapshot) },
    ]
  }

  record(record: LogRecord): StorageChange {
    return { put: [...this.#prefix, 'record', record.from], value: toValue(record) }
  }

  session(clientId: string, row: SessionRow): StorageChange[] {
    return [
      { put: [...this.#prefix, 'session', clientId], value: toValue(row) },
      { put: [...this.#mark, clientId], value: row.page },
    ]
  }

  edit(clientId: string, { serial, ...edit }: PendingMemory): StorageChange {
    return { put: [...this.#prefix, 'edit', clientId, serial], value: toValue(edit) }
  }

  withoutEdit(clientId: string, serial: number): StorageChange {
    return { delete: [...this.#prefix, 'edit', clientId, serial] }
  }

  withoutSession(clientId: string): StorageChange[] {
    return [
      { delete: [...this.#prefix, 'session', clientId] },
      { deleteAll: [...this.#prefix, 'edit', clientId] },
      { delete: [...this.#mark, clientId] },
    ]
  }

  lost(id: string, lost: LostCommand): StorageChange {
    return { put: [...this.#prefix, 'lost', id], value: toValue(lost) }
  }

  withoutLost(id: string): StorageChange {
    return { delete: [...this.#prefix, 'lost', id] }
  }
}

/** All of it is JSON, which its types do not say. */
function toValue(value: object): JsonValue {
  return value as unknown as JsonValue
}
