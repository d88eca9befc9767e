import { slotValue, type Branch, type Slot } from './branch.ts'
import { DocumentTree } from './document.ts'
import { isObject, measureEntry, measureJson, type JsonObject, type JsonValue } from './json.ts'

/**
 * A document that knows its size at every moment, for the limits of a master:
 * each write costs O(what it replaces and what it brings) more.
 */
export class MeasuredTree extends DocumentTree {
  #bytes: number

  /** Takes a deeply frozen document, and its size where that is known. */
  constructor(document: JsonObject, size: number = measureJson(document)) {
    super(document)
    this.#bytes = size
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
    this.#bytes += measureChange(key, before, after)
    super.note(branch, key, before, after)
  }
}

function measureChange(key: string, before: Slot | undefined, after: Slot | undefined): number {
  if (before === undefined) return after === undefined ? 0 : measureEntry(key, slotValue(after))
  if (after === undefined) return -measureEntry(key, slotValue(before))
  return measureDifference(slotValue(before), slotValue(after))
}

/**
 * How much larger `after` is than `before`. What they share is not looked at: a
 * write far down copies the nodes above it and leaves all others as they are.
 */
function measureDifference(before: JsonValue, after: JsonValue): number {
  if (before === after) return 0
  if (!isObject(before) || !isObject(after)) return measureJson(after) - measureJson(before)
  let size = 0
  for (const key in after) {
    const value = after[key]!
    size += Object.hasOwn(before, key)
      ? measureDifference(before[key]!, value)
      : measureEntry(key, value)
  }
  for (const key in before) {
    if (!Object.hasOwn(after, key)) size -= measureEntry(key, before[key]!)
  }
  return size
}
