import { endOf, FlushoutError, type LogEntry } from '@flushout/core'
import { digest } from '../digest.ts'
import { readOldest } from '../followers/read-change.ts'
import type { ModelStore } from '../store.ts'
import { FORMAT, VERSION, type FirstLine, type LastLine } from './history-file.ts'

/** One line of an export, and how far it has come. */
export interface ExportedLine {
  /** JSON, without a line break. */
  readonly text: string
  /** How many commands are told so far, of how many. */
  readonly done: number
  readonly all: number
}

const CHUNK_ENTRIES = 1000
const CHUNK_BYTES = 512 * 1024

/**
 * The history of a model as the lines of a file, which `replayFile` reads: from the oldest
 * document that it leads on from to where it ends now. Servers may go on. Throws
 * MODEL_NOT_FOUND, or VERSION_NOT_FOUND where the history goes away meanwhile.
 */
export async function* exportHistory(
  store: Pick<ModelStore, 'heads' | 'entries' | 'checkpoint'>,
  key: string,
): AsyncGenerator<ExportedLine> {
  const head = (await store.heads([key])).get(key)
  const snapshot = head && (await readOldest(store, key))
  if (!snapshot) throw new FlushoutError('MODEL_NOT_FOUND', `There is no model "${key}".`)
  const first = snapshot.commandCount
  let { commandCount: count, hash } = snapshot
  const toLine = (line: FirstLine | LogEntry | LastLine): ExportedLine => ({
    text: JSON.stringify(line),
    done: count - first,
    all: Math.max(head.commandCount, count) - first,
  })
  const text = JSON.stringify(snapshot.document)
  yield toLine({ flushout: FORMAT, version: VERSION, key, snapshot, digest: digest(text) })
  while (count < head.commandCount) {
    const range = { after: count, before: head.commandCount, side: 'oldest' } as const
    const chunk = { ...range, limit: CHUNK_ENTRIES, maxBytes: CHUNK_BYTES }
    const entries = await store.entries(key, chunk)
    if (entries[0]?.from !== count) {
      throw new FlushoutError('VERSION_NOT_FOUND', `The history after ${count} went away.`)
    }
    for (const entry of entries) {
      count = endOf(entry)
      ;({ hash } = entry)
      yield toLine(entry)
    }
  }
  yield toLine({ end: { commandCount: count, hash } })
}
