// What a model is in a store:
//
//   floor ───────── history, one entry a flush ─────────► head
//            checkpoint ──────── tail ──────────────────►
//
// The document is nowhere as it is at the head: it is the checkpoint with the
// tail applied. Head, history and client rows only ever change together, in one
// commit, and only if the head is still the one that the writer read.
import {
  endOf,
  type ClientRecord,
  type JsonObject,
  type LogEntry,
  type Path,
  type Snapshot,
} from '@flushout/core'
import type { Cursors } from './followers/cursors.ts'
import type { Hints } from './hints.ts'

/** Where the history of a model ends. Two equal heads have the same past. */
export interface Head {
  readonly commandCount: number
  /** How many commits made it; a flush of which nothing applied is one too. */
  readonly revision: number
  readonly hash: string
}

/** All that is needed to bring a model into memory, parsed for whoever asked and theirs to keep. */
export interface StoredModel {
  readonly head: Head
  readonly checkpoint: Snapshot
  /** From the checkpoint to the head, without a gap. */
  readonly tail: readonly LogEntry[]
  /** Those of the asked for clients that the store knows. */
  readonly clients: readonly ClientRecord[]
  /** The last client, in the order of ids, whose row went; '' if none did. */
  readonly lastExpired: string
  /** How often something was erased from its history. */
  readonly erasures: number
}

/** What happened to a model since somebody looked. */
export interface News {
  readonly head: Head
  /**
   * From there to the head, without a gap. Undefined when the history is not
   * the one that was seen, or is too long to be worth it: load the model again.
   */
  readonly entries: readonly LogEntry[] | undefined
  /** Those of the asked for clients that the store knows, as of `head`. */
  readonly clients: readonly ClientRecord[]
  /** As in `StoredModel`, as of `head`. */
  readonly lastExpired: string
  readonly erasures: number
}

/** A piece of history that ends where the caller asked it to. */
export interface Stretch {
  /** The history hash before the first entry. */
  readonly floorHash: string
  readonly entries: readonly LogEntry[]
}

/** Which entries of a history to read. */
export interface EntryRange {
  /** Only entries that end after this count. */
  readonly after: number
  /** Only entries that begin before this count. */
  readonly before: number
  /** Where there are more than fit: the oldest of them, or the latest. */
  readonly side: 'oldest' | 'latest'
  readonly limit: number
  /** Characters of JSON, about. One entry is read whatever it takes. */
  readonly maxBytes: number
}

/** Which entries of a history may go, the oldest first. */
export interface TrimRange {
  /** Not the entries in which the last so many commands are. */
  readonly keep: number
  /** Only what is older than this time, if one is given. */
  readonly before: number | undefined
  /** At most so many entries, so that nobody waits for long. */
  readonly limit: number
}

/**
 * `more`: there was more than could go in one step. `held`: what comes next is in no
 * checkpoint yet.
 */
export type Trimmed = 'done' | 'more' | 'held'

/** Which client rows may go. */
export interface ClientRange {
  /** Of clients whose ids are from before this time, and who were not heard of since. */
  readonly before: number
  /** At most so many. */
  readonly limit: number
}

/** From how many rows of each kind something was erased. */
export interface Erased {
  readonly entries: number
  readonly checkpoints: number
  readonly clients: number
}

/** A model as a list tells of it. */
export interface ListedModel {
  readonly key: string
  readonly head: Head
  /** What the application says about the model; undefined if it said nothing yet. */
  readonly config: JsonObject | undefined
}

/** What to put into the store in one go, for one model. */
export interface Write {
  readonly key: string
  /** What the writer built on: nothing is written if the model went on since. */
  readonly read: Head
  readonly head: Head
  readonly entries: readonly LogEntry[]
  readonly clients: readonly ClientRecord[]
  /** The document at `head` as JSON, if it is to be the new checkpoint. */
  readonly checkpoint?: string | undefined
  /** The schema version of that document; 1 where left out. */
  readonly checkpointSchema?: number | undefined
}

/** `conflict`: another writer was first and nothing was written. Not an error. */
export type Outcome = 'committed' | 'conflict'

/**
 * The truth: where models, their history and their clients live. Methods throw
 * only when the store itself fails; whether a failed `commit` took effect is then
 * unknown, and is found out by asking again. Check your own with `storeContract`
 * of `@flushout/server/testing`.
 */
export interface ModelStore {
  /** Make the store ready for this version. Safe while other instances do the same. */
  migrate(): Promise<void>
  /** Throw unless the store can be reached and written to. */
  ping(): Promise<void>
  /**
   * Make a model of this snapshot. False if there is one of this name already,
   * which stays as it is.
   */
  create(key: string, snapshot: Snapshot, config?: JsonObject): Promise<boolean>
  /** Everything about a model, in one look-up; undefined if there is none. */
  load(key: string, clientIds: readonly string[]): Promise<StoredModel | undefined>
  /** What happened since `known`, in one look-up; undefined if there is no such model. */
  news(key: string, known: Head, clientIds: readonly string[]): Promise<News | undefined>
  /**
   * The history from `from` to `to`, or as much of its end as the store still
   * holds and `maxBytes` allows. Undefined if that is nothing.
   */
  history(key: string, from: number, to: number, maxBytes: number): Promise<Stretch | undefined>
  /**
   * The entries of a range that the store still holds, oldest first, without a gap.
   * Empty if there are none.
   */
  entries(key: string, range: EntryRange): Promise<readonly LogEntry[]>
  /**
   * The latest checkpoint at or before `count`, of the current one and those that were
   * kept, parsed for whoever asked; undefined if the history after it is not there any more.
   */
  checkpoint(key: string, count: number): Promise<Snapshot | undefined>
  /**
   * Keep the current checkpoint beside later ones, if at least `minBytes` characters
   * of history came since the last that was kept, and four times as many as the document
   * has: so they take a quarter of what the history does. The first snapshot of a model
   * is kept from the start. They go with the history that follows on them.
   */
  keepCheckpoint(key: string, minBytes: number): Promise<void>
  /**
   * The history hash at each of `counts`, in their order: '' where no flush ends,
   * undefined where the store holds no history any more, or has no such model.
   */
  hashes(key: string, counts: readonly number[]): Promise<readonly (string | undefined)[]>
  /** Where the histories of these models end, in one look-up. Left out are those that are not there. */
  heads(keys: readonly string[]): Promise<ReadonlyMap<string, Head>>
  /**
   * The first models whose keys begin with `prefix` and come after `after`, at most
   * `limit`, in the order of their keys. That order is by code point, the same
   * wherever the store runs.
   */
  list(range: {
    readonly prefix: string
    readonly after: string
    readonly limit: number
  }): Promise<readonly ListedModel[]>
  /** Put another config in place of the one that a model has. False if there is no such model. */
  configure(key: string, config: JsonObject): Promise<boolean>
  /**
   * Take a model away, with its history and all that is known of its clients.
   * A commit that is under way is either gone with it or a conflict: nothing of
   * it stays. False if there is no such model.
   */
  delete(key: string): Promise<boolean>
  /**
   * Write to many models at once, each for itself: an outcome for each, in
   * their order. No two may be of one model.
   */
  commit(writes: readonly Write[]): Promise<readonly Outcome[]>
  /**
   * Shut other writers of this model out, then read its news and write what
   * `stage` makes of them. Cannot lose a race. `stage` may give up by returning
   * undefined; it is told undefined if there is no such model.
   */
  exclusively(
    key: string,
    known: Head,
    clientIds: readonly string[],
    stage: (news: News | undefined) => Write | undefined,
  ): Promise<Outcome>
  /**
   * Take a step in forgetting old history, with the kept checkpoints that nothing leads to
   * any more. Never reaches past the current checkpoint. Safe while others do the same.
   */
  trim(key: string, range: TrimRange): Promise<Trimmed>
  /**
   * Take a step in forgetting clients, and note in the same step up to which id some are
   * forgotten. Clients whose ids do not say when they were made stay.
   */
  forgetClients(key: string, range: ClientRange): Promise<'done' | 'more'>
  /**
   * Erase the value at `path`, and what was below it, from all that is stored of a model up
   * to the count `until`, at which there is nothing at that path any more: from then on no
   * document is another one. In the same step its revision goes up, so that nobody can write
   * who has the value in memory. Undefined if there is no such model.
   */
  erase(key: string, path: Path, until: number): Promise<Erased | undefined>
  /**
   * A way to the other servers that share this store. Each call gives another
   * end of it: who publishes at one is heard at all others.
   */
  hints(): Hints
  /** What the store keeps of the follower of this name. */
  cursors(follower: string): Cursors
  /** Let go of connections. The store and its hints are of no use afterwards. */
  close(): Promise<void>
}

/** Tell whether two heads are the same point of the same history. */
export function equalHeads(a: Head, b: Head): boolean {
  return a.commandCount === b.commandCount && a.revision === b.revision && a.hash === b.hash
}

/** Tell whether `entries` lead from one count to the other without a gap. */
export function isUnbroken(from: number, entries: readonly LogEntry[], to: number): boolean {
  let count = from
  for (const entry of entries) {
    if (entry.from !== count) return false
    count = endOf(entry)
  }
  return count === to
}
