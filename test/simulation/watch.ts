import type { Model } from '@flushout/client'
import type { Chronicle } from './chronicle.ts'
import type { Ledger } from './ledger.ts'
import { Violation } from './violation.ts'

/** A page, as far as it is watched. */
export interface Watched {
  readonly person: { readonly name: string }
  readonly isOver: boolean
  /** What keeps its edits, if anything does. */
  readonly profile: object | undefined
  readonly models: ReadonlyMap<string, Model>
  readonly ledgers: ReadonlyMap<string, Ledger>
  /** How far each model was confirmed, and how often that went back. */
  readonly progress: Map<string, { count: number; setbacks: number }>
}

/** Looks after every event whether a page still keeps its promises. */
export class Watch {
  readonly #chronicle: Chronicle
  readonly #touched = new Set<Watched>()
  // What everybody who had nothing of their own saw at a count.
  readonly #documents = new Map<string, string>()

  constructor(chronicle: Chronicle) {
    this.#chronicle = chronicle
  }

  /** Something happened to a page. */
  touch(page: Watched): void {
    this.#touched.add(page)
  }

  /** Check what the last event may have changed. */
  check(): void {
    for (const page of this.#touched) {
      if (page.isOver) continue
      for (const [key, model] of page.models) this.#checkModel(page, key, model)
    }
    this.#touched.clear()
  }

  #checkModel(page: Watched, key: string, model: Model): void {
    const { queued, inFlight, confirmed } = model.status
    const open = page.ledgers.get(key)!.open.length
    const { name } = page.person
    // With what others left it has more.
    if (page.profile ? queued + inFlight < open : queued + inFlight !== open) {
      throw new Violation('counted', `${name} at ${key}`, {
        expected: open,
        found: queued + inFlight,
      })
    }
    const rewrites = this.#chronicle.rewrites(key)
    const last = page.progress.get(key)
    const isBack = last !== undefined && confirmed < last.count
    const setbacks = (last?.setbacks ?? 0) + (isBack ? 1 : 0)
    // Once more for each: a late event of the lost history may come to who went back.
    if (isBack && setbacks > 2 * rewrites) {
      throw new Violation('never back', `${name} at ${key}`, {
        expected: last.count,
        found: confirmed,
      })
    }
    if (last?.count !== confirmed) page.progress.set(key, { count: confirmed, setbacks })
    if (page.profile) return
    if (open === 0 && model.isLoaded && last?.count !== confirmed && rewrites === 0) {
      this.#checkDocument(name, `${key} ${confirmed}`, JSON.stringify(model.read()))
    }
  }

  #checkDocument(name: string, id: string, found: string): void {
    const expected = this.#documents.get(id) ?? found
    this.#documents.set(id, expected)
    if (found === expected) return
    throw new Violation('same count, same document', `${name} at ${id}`, { expected, found })
  }
}
