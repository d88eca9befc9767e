import { endOf, toAppliedFlush, toFeedEvents, type Feed, type LogEntry } from '@flushout/core'
import { Frame, MAX_FRAME_BYTES } from './frame.ts'

/** How far a model is. */
export interface Point {
  readonly commandCount: number
  readonly hash: string
}

/** A piece of history as somebody sees it. */
export interface Step {
  readonly from: number
  readonly to: Point
  readonly frame: Frame
}

/** How somebody sees a model: as a document, or as a feed of items. */
export interface View {
  /** Equal views have equal ids, and share what is written out. */
  readonly id: string
  /**
   * Cut history into what is told at once; without a gap from its first entry, which
   * begins where the history hash is `base`, to its last.
   */
  steps(key: string, base: string, entries: readonly LogEntry[]): Step[]
  /** What to tell who cannot be told what happened up to `head`. */
  lost(key: string, head: Point): Frame
}

/** For who holds the document. */
export const documentView: View = {
  id: '',
  steps(key, base, entries) {
    const [first] = entries
    const last = entries.at(-1)
    if (!first || !last) return []
    const to = pointAfter(last)
    const updates = entries.map((entry) => toAppliedFlush(entry, false))
    const frame = new Frame({ event: 'updates', key, base, ...to, updates })
    if (Buffer.byteLength(frame.json) <= MAX_FRAME_BYTES) return [{ from: first.from, to, frame }]
    if (entries.length === 1) return [{ from: first.from, to, frame: documentView.lost(key, to) }]
    const middle = entries.length >> 1
    return [
      ...documentView.steps(key, base, entries.slice(0, middle)),
      ...documentView.steps(key, entries[middle - 1]!.hash, entries.slice(middle)),
    ]
  },
  lost: (key, { commandCount, hash }) =>
    new Frame({ event: 'heads', heads: { [key]: { commandCount, hash } } }),
}

/** For who follows the items of a node. */
export function createFeedView({ path = [], item, position }: Feed): View {
  const feed: Feed = {
    path,
    ...(item !== undefined && { item }),
    ...(position !== undefined && { position }),
  }
  const view: View = {
    id: JSON.stringify([path, item ?? null, position ?? null]),
    steps: (key, base, entries) =>
      entries.map((entry, index) => {
        const to = pointAfter(entry)
        const { from, clientId } = entry
        // Also where nothing happened to the items, so that a gap can be told.
        const events = toFeedEvents(toAppliedFlush(entry, false), feed)
        const frame = new Frame({
          event: 'feed',
          key,
          feed,
          from,
          base: entries[index - 1]?.hash ?? base,
          ...to,
          clientId,
          events,
        })
        const isLarge = Buffer.byteLength(frame.json) > MAX_FRAME_BYTES
        return { from, to, frame: isLarge ? view.lost(key, to) : frame }
      }),
    lost: (key, { commandCount, hash }) =>
      new Frame({
        event: 'feed',
        key,
        feed,
        from: commandCount,
        base: hash,
        commandCount,
        hash,
        clientId: '',
        events: [{ kind: 'reset' }],
      }),
  }
  return view
}

/** Where a model is after an entry of its history. */
export function pointAfter(entry: LogEntry): Point {
  return { commandCount: endOf(entry), hash: entry.hash }
}
