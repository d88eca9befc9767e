import { endOf, type LogEntry, type Snapshot } from '@flushout/core'
import { readVersion } from '../read-past.ts'
import type { ModelStore } from '../store.ts'
import { equalCursors, type Cursor, type FollowedModel } from './cursors.ts'

/** What a follower is told of a model next. */
export type FollowerChange =
  /**
   * Flushes as they were applied, in order, without a gap after what was told before. Among
   * them may be some that were told already.
   */
  | { readonly kind: 'entries'; readonly key: string; readonly entries: readonly LogEntry[] }
  /**
   * Begin with this document, and forget what was told of the model before: it is the
   * first that is told of it, or the history does not lead here any more.
   */
  | { readonly kind: 'snapshot'; readonly key: string; readonly snapshot: Snapshot }
  /** The model is gone, with its history. */
  | { readonly kind: 'deleted'; readonly key: string }

/** Where to begin in a model: with the oldest document that history leads on from, or with the latest. */
export type Beginning = 'oldest' | 'latest'

type PastStore = Pick<ModelStore, 'entries' | 'hashes' | 'checkpoint'>

const CHUNK_ENTRIES = 500
const CHUNK_BYTES = 256 * 1024
const ALL = { after: 0, before: Number.MAX_SAFE_INTEGER, side: 'oldest' } as const

/** Read what comes next for a follower of `model`; undefined where it is at the end. */
export async function readChange(
  store: PastStore,
  { key, head, cursor }: FollowedModel,
  beginning: Beginning,
): Promise<FollowerChange | undefined> {
  if (!head) return cursor && { kind: 'deleted', key }
  if (equalCursors(head, cursor)) return undefined
  const entries = cursor && (await readEntries(store, key, cursor))
  if (entries) return { kind: 'entries', key, entries }
  const snapshot = await readBeginning(store, key, head, beginning)
  // As when it was deleted just now.
  if (!snapshot) return undefined
  if (equalCursors(snapshot, cursor)) {
    throw new Error(`The history of "${key}" does not lead on from ${snapshot.commandCount}.`)
  }
  return { kind: 'snapshot', key, snapshot }
}

/** Where a follower is that was told `change`. */
export function cursorAfter(change: FollowerChange): Cursor | undefined {
  switch (change.kind) {
    case 'entries': {
      const last = change.entries.at(-1)!
      return { commandCount: endOf(last), hash: last.hash }
    }
    case 'snapshot': {
      const { commandCount, hash } = change.snapshot
      return { commandCount, hash }
    }
    case 'deleted':
      return undefined
  }
}

/** What follows on the cursor; undefined where that is no point of the history that is held. */
async function readEntries(
  store: PastStore,
  key: string,
  { commandCount, hash }: Cursor,
): Promise<readonly LogEntry[] | undefined> {
  const range = { ...ALL, after: commandCount, limit: CHUNK_ENTRIES, maxBytes: CHUNK_BYTES }
  const entries = await store.entries(key, range)
  const last = entries.at(-1)
  if (!last || entries[0]!.from !== commandCount) return undefined
  // After them: a hash stands for all that came before, so if both are there now, what
  // was read between them is of this history, whatever happened meanwhile.
  const hashes = await store.hashes(key, [commandCount, endOf(last)])
  return hashes[0] === hash && hashes[1] === last.hash ? entries : undefined
}

async function readBeginning(
  store: PastStore,
  key: string,
  head: Cursor,
  beginning: Beginning,
): Promise<Snapshot | undefined> {
  if (beginning === 'latest') return readVersion(store, key, head, head.commandCount)
  return readOldest(store, key)
}

/** The document where the history begins; the current checkpoint where there is none. */
export async function readOldest(
  store: Pick<PastStore, 'entries' | 'checkpoint'>,
  key: string,
): Promise<Snapshot | undefined> {
  const [first] = await store.entries(key, { ...ALL, limit: 1, maxBytes: 1 })
  const oldest = first && (await store.checkpoint(key, first.from))
  return oldest ?? store.checkpoint(key, Number.MAX_SAFE_INTEGER)
}
