import { slotValue, type Branch, type Slot } from './branch.ts'
import { DocumentTree } from './document.ts'
import { measureEntry, measureJson, type JsonObject } from './json.ts'

/**
 * A document that knows its size at every moment, for the limits of a master:
 * each write costs O(size of the written nodes) more.
 */
export class MeasuredTree extends DocumentTree {
  #bytes: number

  /** Takes a deeply frozen document. */
  constructor(document: JsonObject) {
    super(document)
    this.#bytes = measureJson(document)
  }

  /** The size of the document as JSON, in characters. */
  get bytes(): number {
    return this.#bytes
  }

  protected override note(
    branch: Branch,
    key: string,
    before: Slot | undefined,
    after: Slot | undefined,
  ): void {
    this.#bytes += measureSlot(key, after) - measureSlot(key, before)
    super.note(branch, key, before, after)
  }
}

function measureSlot(key: string, slot: Slot | undefined): number {
  return slot === undefined ? 0 : measureEntry(key, slotValue(slot))
}
