import type { Model } from '@flushout/client'
import type { Chronicle } from './chronicle.ts'
import type { Page } from './person.ts'
import { Violation } from './violation.ts'

/** Looks after every event whether a page still keeps its promises. */
export class Watch {
  readonly #chronicle: Chronicle
  readonly #touched = new Set<Page>()
  // What everybody who had nothing of their own saw at a count.
  readonly #documents = new Map<string, string>()

  constructor(chronicle: Chronicle) {
    this.#chronicle = chronicle
  }

  /** Something happened to a page. */
  touch(page: Page): void {
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

  #checkModel(page: Page, key: string, model: Model): void {
    const { queued, inFlight, confirmed } = model.status
    const open = page.ledgers.get(key)!.open.length
    const { name } = page.person
    if (queued + inFlight !== open) {
      throw new Violation('counted', `${name} at ${key}`, {
        expected: open,
        found: queued + inFlight,
      })
    }
    const rewrites = this.#chronicle.rewrites(key)
    const last = page.progress.get(key)
    const isBack = last !== undefined && confirmed < last.count
    const setbacks = (last?.setbacks ?? 0) + (isBack ? 1 : 0)
    if (isBack && setbacks > rewrites) {
      throw new Violation('never back', `${name} at ${key}`, {
        expected: last.count,
        found: confirmed,
      })
    }
    if (last?.count !== confirmed) page.progress.set(key, { count: confirmed, setbacks })
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
