import { isDeepStrictEqual } from 'node:util'
import { endOf, toFeedEvents, type Feed, type FeedEvent } from '@flushout/core'
import type { Chronicle } from './chronicle.ts'
import { Violation } from './violation.ts'

/** What somebody hears who follows items as events. */
export type Heard =
  | (FeedEvent & {
      readonly key: string
      readonly clientId: string
      readonly commandCount: number
    })
  | { readonly kind: 'create' | 'configure' | 'delete' | 'refused'; readonly key: string }

/** What was heard of one model since the events before are unknown. */
interface Hearing {
  /** Everything after this was to be heard, and nothing before `floor`. */
  readonly from: number
  readonly floor: number
  /** How many events of each flush were heard, by where it ends. */
  readonly counts: Map<number, number>
}

/** Compares the events that somebody hears with what was committed. */
export class Listener {
  readonly #name: string
  readonly #feed: Feed
  readonly #chronicle: Chronicle
  readonly #hearings = new Map<string, Hearing>()

  constructor(name: string, feed: Feed, chronicle: Chronicle) {
    this.#name = name
    this.#feed = feed
    this.#chronicle = chronicle
  }

  /** From here on everything is to be heard, unless that is so already. */
  begin(key: string, commandCount: number): void {
    if (this.#hearings.has(key)) return
    this.#hearings.set(key, { from: commandCount, floor: commandCount, counts: new Map() })
  }

  hear = (event: Heard): void => {
    const { key } = event
    if (!('commandCount' in event)) {
      if (event.kind === 'delete' || event.kind === 'refused') this.#hearings.delete(key)
      return
    }
    const { commandCount } = event
    if (event.kind === 'reset') {
      // Whoever hears that reads all that there is by now, once more if it comes late.
      const from = Math.max(commandCount, this.#chronicle.head(key))
      const floor = Math.max(commandCount, this.#hearings.get(key)?.floor ?? 0)
      this.#hearings.set(key, { from, floor, counts: new Map() })
      return this.#checkReset(event)
    }
    this.begin(key, commandCount - 1)
    let hearing = this.#hearings.get(key)!
    const last = Math.max(hearing.floor, ...hearing.counts.keys())
    if (commandCount < last) {
      if (this.#chronicle.rewrites(key) === 0) {
        throw new Violation('followed', `${this.#name} at ${key} hears of the past`, {
          expected: `after ${last}`,
          found: event,
        })
      }
      hearing = { from: commandCount - 1, floor: commandCount - 1, counts: new Map() }
      this.#hearings.set(key, hearing)
    }
    const index = hearing.counts.get(commandCount) ?? 0
    hearing.counts.set(commandCount, index + 1)
    const expected = this.#chronicle
      .flushesTo(key, commandCount)
      .map(({ clientId, ...entry }) => {
        const told = toFeedEvents({ clientId, ...entry }, this.#feed)[index]
        return told && { ...told, key, clientId, commandCount }
      })
      .filter((one) => one !== undefined)
    if (expected.some((one) => isDeepStrictEqual(one, event))) return
    throw new Violation('followed', `${this.#name} at ${key}`, { expected, found: event })
  }

  /** Somebody is told to read all for the sake of a flush only if there is no other way to tell of it. */
  #checkReset(event: Extract<Heard, { readonly commandCount: number }>): void {
    const { key, commandCount, clientId } = event
    if (clientId === '') return
    const flushes = this.#chronicle.flushesTo(key, commandCount)
    const expected = flushes.flatMap((entry) => toFeedEvents(entry, this.#feed))
    if (expected.some(({ kind }) => kind === 'reset')) return
    throw new Violation('followed', `${this.#name} at ${key}`, { expected, found: event })
  }

  /** What was to be heard and was not, in words. */
  missing(): string[] {
    const found: string[] = []
    for (const [key, { from, counts }] of this.#hearings) {
      if (this.#chronicle.rewrites(key) > 0) continue
      for (const entry of this.#chronicle.annals(key)?.entries ?? []) {
        const end = endOf(entry)
        if (end <= from) continue
        const expected = toFeedEvents(entry, this.#feed).length
        const heard = counts.get(end) ?? 0
        if (heard < expected) {
          found.push(`${this.#name} heard ${heard} of ${expected} events of ${key} at ${end}`)
        }
      }
    }
    return found
  }
}
