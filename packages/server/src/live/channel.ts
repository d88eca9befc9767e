// What happens to one model, told to all who follow it in this process:
//
//   runner ──advance──► channel ──steps──► readers that are exactly at their start
//                          │
//                          └── ring: the latest entries, while any reader is behind
//
// Nothing waits in a queue for anybody. A reader whose connection takes nothing
// stays where it is, and is led on from the ring, or told how far the model is.
import { endOf, type LogEntry } from '@flushout/core'
import type { Frame } from './frame.ts'
import type { Point, Step, View } from './view.ts'

/** The most that is kept for readers who are behind; who is further behind asks. */
const MAX_RING_ENTRIES = 500
const MAX_RING_BYTES = 256 * 1024

/** Whoever hears of a model. */
export interface Listener {
  /** Whether nothing can be told now. */
  readonly isFull: boolean
  write(frame: Frame): void
}

/** One listener to one model, and how far it was told. */
export interface Reader {
  readonly listener: Listener
  readonly view: View
  /** Undefined until it is known where it begins. */
  at: Point | undefined
}

/** One model as far as others want to hear of it. */
export class Channel {
  readonly key: string
  readonly readers: Set<Reader> = new Set()
  /** How far the model is known to be; undefined until somebody found out. */
  head: Point | undefined
  #ring: LogEntry[] = []
  #ringBytes = 0
  // Where the first entry of the ring begins.
  #ringBase: Point | undefined

  constructor(key: string) {
    this.key = key
  }

  /**
   * Tell of new history that begins at `base`. False, with nothing told, if it
   * does not continue what was told before: then only the store knows.
   */
  advance(base: Point | undefined, entries: readonly LogEntry[], head: Point): boolean {
    const known = this.head
    if (!known) {
      this.head = head
      return true
    }
    if (isSame(known, head)) return true
    const start = indexAt(base, entries, known)
    if (start === undefined) return false
    const news = entries.slice(start)
    this.head = head
    const steps = new Map<View['id'], Step[]>()
    let bytes = 0
    let isAnyBehind = false
    for (const reader of this.readers) {
      const { view } = reader
      let found = steps.get(view.id)
      if (!found) {
        found = view.steps(this.key, news)
        steps.set(view.id, found)
        for (const { frame } of found) bytes += frame.json.length
      }
      if (!follow(reader, found)) isAnyBehind = true
    }
    if (isAnyBehind) this.#keep(known, news, bytes)
    else this.#clear()
    return true
  }

  /** The past is another, or not known any more: everybody has to ask. */
  jump(head: Point): void {
    this.head = head
    this.#clear()
    const frames = new Map<View['id'], Frame>()
    for (const reader of this.readers) {
      const { view, listener } = reader
      // Who joins finds out by itself; who cannot be told is told later.
      if (!reader.at || listener.isFull) continue
      const frame = frames.get(view.id) ?? view.lost(this.key, head)
      frames.set(view.id, frame)
      listener.write(frame)
      reader.at = head
    }
  }

  /** Let somebody hear of what happens from `at` on, and of what happened since. */
  place(reader: Reader, at: Point): void {
    reader.at = at
    this.head ??= at
    this.lead(reader)
  }

  /** Tell a reader what it lacks, as far as its connection takes it. */
  lead(reader: Reader): void {
    const { listener, view } = reader
    while (this.head && reader.at && !listener.isFull && !isSame(reader.at, this.head)) {
      const { at } = reader
      const start = this.#indexAfter(at)
      if (start === undefined) {
        // It may be ahead of what is known here; the next look will tell.
        if (at.commandCount > this.head.commandCount) return
        listener.write(view.lost(this.key, this.head))
        reader.at = this.head
      } else follow(reader, view.steps(this.key, this.#ring.slice(start, start + 16)))
    }
    if (this.#ring.length > 0 && !this.#isAnyBehind()) this.#clear()
  }

  /** Where in the ring the history after `at` begins; undefined if it is not in there. */
  #indexAfter(at: Point): number | undefined {
    const start = this.#ring.findIndex(({ from }) => from === at.commandCount)
    if (start === -1) return undefined
    const hash = start === 0 ? this.#ringBase?.hash : this.#ring[start - 1]!.hash
    return hash === at.hash ? start : undefined
  }

  #isAnyBehind(): boolean {
    for (const { at } of this.readers) if (!at || !this.head || !isSame(at, this.head)) return true
    return false
  }

  #keep(base: Point, entries: readonly LogEntry[], bytes: number): void {
    if (this.#ring.length === 0) this.#ringBase = base
    this.#ring.push(...entries)
    this.#ringBytes += bytes
    if (this.#ring.length > MAX_RING_ENTRIES || this.#ringBytes > MAX_RING_BYTES) this.#clear()
  }

  #clear(): void {
    this.#ring = []
    this.#ringBytes = 0
  }
}

/** Tell a reader these steps, one after the other. False if it is behind afterwards. */
function follow(reader: Reader, steps: readonly Step[]): boolean {
  for (const { from, to, frame } of steps) {
    if (!reader.at || reader.listener.isFull) return false
    if (to.commandCount <= reader.at.commandCount) continue
    if (reader.at.commandCount !== from) return false
    reader.listener.write(frame)
    reader.at = to
  }
  return true
}

/** The index of the first entry after `known`, if the entries continue it. */
function indexAt(
  base: Point | undefined,
  entries: readonly LogEntry[],
  known: Point,
): number | undefined {
  if (base && isSame(base, known)) return 0
  const before = entries.findIndex(
    (entry) => endOf(entry) === known.commandCount && entry.hash === known.hash,
  )
  return before === -1 ? undefined : before + 1
}

/** Tell whether two points are the same of one history. */
export function isSame(a: Point, b: Point): boolean {
  return a.commandCount === b.commandCount && a.hash === b.hash
}
