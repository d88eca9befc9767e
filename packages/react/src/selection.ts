import type { Model } from '@flushout/client'
import { keepEqual } from './keep-equal.ts'

/** What one component selects from a model. */
export class Selection<Doc extends object> {
  readonly #model: Model<Doc>
  // On screen. An inline selector is another one at each render; what it gives
  // is compared with this, so that an equal result does not look new.
  #shown: unknown

  constructor(model: Model<Doc>) {
    this.#model = model
  }

  /** Tell what is on screen now. */
  show(value: unknown): void {
    this.#shown = value
  }

  /** Make a function that gives what `selector` selects, and runs it once for each document. */
  readWith(selector: (document: Doc) => unknown): () => unknown {
    let last: { readonly document: Doc | undefined; readonly selected: unknown } | undefined
    return () => {
      const document = this.#model.read()
      if (!last || last.document !== document) {
        const before = last ? last.selected : this.#shown
        last = { document, selected: keepEqual(before, selector(document as Doc)) }
      }
      return last.selected
    }
  }
}
