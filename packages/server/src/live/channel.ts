// What happens to one model, told to all who follow it in this process:
//
//   runner ──advance──► channel ──steps──► readers that are exactly at their start
//                          │
//                          └── ring: the latest entries, while any reader is behind
//
// Nothing waits in a queue for anybody. A reader whose connection takes nothing
// stays where it is, and is led on from the ring, or told how far the model is.
import type { LogEntry } from '@flushout/core'
import type { Frame } from './frame.ts'
import { pointAfter, type Point, type Step, type View } from './view.ts'

/** The most that is kept for readers who are behind; who is further behind asks. */
const MAX_RING_ENTRIES = 500
const MAX_RING_BYTES = 256 * 1024
/** And by all channels of a process together: one connection may follow a thousand. */
const MAX_RINGS_BYTES = 32 * 1024 * 1024

/** Before all history: who is there is told how far the model is. */
const NOWHERE: Point = { commandCount: -1, hash: '' }

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

/** What all channels of a process keep together. */
export interface Rings {
  bytes: number
}

/** One model as far as others want to hear of it. */
export class Channel {
  readonly key: string
  readonly readers: Set<Reader> = new Set()
  /** How far the model is known to be; undefined until somebody found out. */
  head: Point | undefined
  readonly #rings: Rings
  #ring: LogEntry[] = []
  #ringBytes = 0
  // Where the first entry of the ring begins.
  #ringBase: Point | undefined

  constructor(key: string, rings: Rings) {
    this.key = key
    this.#rings = rings
  }

  /**
   * Tell of new history that begins at `base` and ends at `head`. False, with
   * nothing told, if it does not continue what was told before: then only the
   * store knows.
   */
  advance(base: Point | undefined, entries: readonly LogEntry[], head: Point): boolean {
    const known = this.head
    if (!known) {
      this.head = head
      // Who joins now may have looked just before.
      if (base && entries.length > 0) this.#keep(base, entries)
      return true
    }
    if (isSame(known, head)) return true
    const start = indexAt(base, entries, known)
    const last = entries.at(-1)
    if (start === undefined || !last || !isSame(pointAfter(last), head)) return false
    const news = entries.slice(start)
    this.head = head
    const steps = new Map<View['id'], Step[]>()
    const behind: Reader[] = []
    for (const reader of this.readers) {
      const { view } = reader
      let found = steps.get(view.id)
      if (!found) {
        found = view.steps(this.key, known.hash, news)
        steps.set(view.id, found)
      }
      if (!follow(reader, found)) behind.push(reader)
    }
    if (behind.length === 0) this.#clear()
    else this.#keep(known, news)
    // Who looked in the store may be in the middle of what was told at once.
    for (const reader of behind) this.lead(reader)
    return true
  }

  /** The past is another, or not known any more: everybody has to ask. */
  jump(head: Point): void {
    this.head = head
    this.#clear()
    const frames = new Map<View['id'], Frame>()
    for (const reader of this.readers) {
      const { view, listener } = reader
      // Who joins finds out by itself.
      if (!reader.at) continue
      if (listener.isFull) {
        reader.at = NOWHERE
        continue
      }
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

  /** Let somebody hear how far the model is, and of what happens from there on. */
  placeAnew(reader: Reader, head: Point): void {
    this.head ??= head
    reader.at = NOWHERE
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
      } else follow(reader, view.steps(this.key, at.hash, this.#ring.slice(start, start + 16)))
    }
    if (this.#ring.length > 0 && !this.#isAnyBehind()) this.#clear()
  }

  /** Something was erased from the history: who is behind has to ask. */
  forget(): void {
    this.#clear()
  }

  /** Nobody follows it any more. */
  close(): void {
    this.#clear()
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

  #keep(base: Point, entries: readonly LogEntry[]): void {
    if (this.#ring.length === 0) this.#ringBase = base
    this.#ring.push(...entries)
    const bytes = JSON.stringify(entries).length
    this.#ringBytes += bytes
    this.#rings.bytes += bytes
    const isTooMuch = this.#ring.length > MAX_RING_ENTRIES || this.#ringBytes > MAX_RING_BYTES
    if (isTooMuch || this.#rings.bytes > MAX_RINGS_BYTES) this.#clear()
  }

  #clear(): void {
    this.#ring = []
    this.#rings.bytes -= this.#ringBytes
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
  const before = entries.findIndex((entry) => isSame(pointAfter(entry), known))
  return before === -1 ? undefined : before + 1
}

/** Tell whether two points are the same of one history. */
export function isSame(a: Point, b: Point): boolean {
  return a.commandCount === b.commandCount && a.hash === b.hash
}
