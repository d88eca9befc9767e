import {
  endOf,
  FlushoutError,
  Master,
  touches,
  type EntryNote,
  type HistoryEntry,
  type HistoryPage,
  type HistoryQuery,
  type LogEntry,
  type Path,
  type Snapshot,
} from '@flushout/core'
import { digest } from './digest.ts'
import type { Head, ModelStore } from './store.ts'

type PastStore = Pick<ModelStore, 'entries' | 'hashes' | 'checkpoint'>

const MAX_LIMIT = 200
const DEFAULT_LIMIT = 50
/** Of history, in one look-up. */
const CHUNK_BYTES = 512 * 1024
const CHUNK_ENTRIES = 1000
/** How often one request looks further back for what wrote at a path. */
const MAX_LOOKS = 8

/** Read a page of the history that ends at `head`. */
export async function readHistory(
  store: PastStore,
  key: string,
  head: Head,
  { before = head.commandCount, limit = DEFAULT_LIMIT, path }: HistoryQuery,
): Promise<HistoryPage> {
  const wanted = Math.min(Math.max(1, limit), MAX_LIMIT)
  const found: HistoryEntry[] = []
  let oldest = Math.min(before, head.commandCount)
  for (let looks = 0; looks < (path ? MAX_LOOKS : 1); looks += 1) {
    const entries = await store.entries(key, {
      after: 0,
      before: oldest,
      side: 'latest',
      limit: path ? CHUNK_ENTRIES : wanted,
      maxBytes: CHUNK_BYTES,
    })
    for (const entry of entries.toReversed()) {
      oldest = entry.from
      const shown = show(entry, path)
      if (shown && found.push(shown) === wanted) break
    }
    if (found.length === wanted || entries.length === 0) break
  }
  return { entries: found, ...(await lookBehind(store, key, oldest)) }
}

/** Read the document as it was at `count`. Runs no rules: what was applied is applied. */
export async function readVersion(
  store: PastStore,
  key: string,
  head: Pick<Head, 'commandCount'>,
  count: number,
): Promise<Snapshot> {
  if (count > head.commandCount) {
    throw gone(`The model has ${head.commandCount} commands, not ${count}.`)
  }
  const start = await store.checkpoint(key, count)
  if (!start) throw gone(`The history before ${count} is not held any more.`)
  const options = { createId: refuseCreate, digest, maxHistoryBytes: 0, isOwned: true }
  const master = new Master(start, options)
  while (master.commandCount < count) {
    const entries = await store.entries(key, {
      after: master.commandCount,
      before: count,
      side: 'oldest',
      limit: CHUNK_ENTRIES,
      maxBytes: CHUNK_BYTES,
    })
    // As when it was trimmed just now.
    if (entries[0]?.from !== master.commandCount) throw gone(`The history of ${count} went away.`)
    advance(
      master,
      entries.map((entry) => cut(entry, count)),
    )
  }
  return master.snapshot()
}

function show(entry: LogEntry, path: Path | undefined): HistoryEntry | undefined {
  const { from, clientId, userId, at } = entry
  const all = [...entry.commands.keys()]
  const shown = path
    ? withCauses(
        entry,
        all.filter((index) => touches(entry.commands[index]!, path)),
      )
    : all
  if (shown.length === 0) return undefined
  const commands = shown.map((index) => entry.commands[index]!)
  const notes = entry.notes?.flatMap((note) => showNote(note, shown))
  const known = { from, to: endOf(entry), clientId, userId, at, commands }
  return notes && notes.length > 0 ? { ...known, notes } : known
}

/** These commands, and those that they follow by a rule: nobody could tell otherwise why they are. */
function withCauses({ notes = [] }: LogEntry, indexes: readonly number[]): readonly number[] {
  const shown = new Set(indexes)
  // Each cause comes before what follows it.
  for (const { index, cause } of notes.toReversed()) {
    if (cause !== undefined && shown.has(index)) shown.add(cause)
  }
  return [...shown].toSorted((a, b) => a - b)
}

/** A note as it is where only some of the commands are shown. */
function showNote(note: EntryNote, shown: readonly number[]): EntryNote[] {
  const { index, count = 1, label, atomic, reads, run, cause, ...own } = note
  const coveredBy = (size: number) => shown.filter((at) => at >= index && at < index + size)
  const covered = coveredBy(Math.max(count, run?.count ?? 1))
  const group = coveredBy(count)
  const made = coveredBy(run?.count ?? 0)
  const isShown = covered[0] === index
  const isOfMany = label !== undefined || atomic || run
  if (covered.length === 0 || (!isShown && !isOfMany)) return []
  return [
    {
      index: shown.indexOf(covered[0]!),
      ...(label !== undefined && { label }),
      ...(atomic && { atomic }),
      ...(reads && { reads }),
      ...(group.length > 1 && { count: group.length }),
      ...(run && made.length > 0 && { run: { ...run, count: made.length } }),
      ...(isShown && own),
      ...(isShown && cause !== undefined && { cause: shown.indexOf(cause) }),
    },
  ]
}

/** Whether there is more before `count`, and whether there was. */
async function lookBehind(
  store: PastStore,
  key: string,
  count: number,
): Promise<Pick<HistoryPage, 'before' | 'isTrimmed'>> {
  if (count === 0) return {}
  const [hash] = await store.hashes(key, [count - 1])
  return hash === undefined ? { isTrimmed: true } : { before: count }
}

function advance(master: Master, entries: readonly LogEntry[]): void {
  try {
    master.advance(entries)
  } catch (cause) {
    throw new FlushoutError('INTERNAL', 'The history does not apply to its checkpoint.', { cause })
  }
}

/** The entry as far as `count`. Within a flush there is no history hash. */
function cut(entry: LogEntry, count: number): LogEntry {
  if (endOf(entry) <= count) return entry
  return { ...entry, hash: '', commands: entry.commands.slice(0, count - entry.from) }
}

function gone(message: string): FlushoutError {
  return new FlushoutError('VERSION_NOT_FOUND', message)
}

function refuseCreate(): never {
  throw new Error('A stored command has no id.')
}
