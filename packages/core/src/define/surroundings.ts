import type { DocumentView } from '../interceptor.ts'
import type { JsonValue } from '../json.ts'
import type { Path } from '../path.ts'

/** A node of a copy that a command can be tried on. */
export type OpenNode = Record<string, JsonValue>

/** A document around one of its nodes: the way to it, and what is small beside the way. */
export interface Surroundings {
  readonly root: OpenNode
  /** The node that it is about. */
  readonly node: OpenNode
  /** Something was too large to be copied, so that another filling may give something else. */
  readonly isPartial: boolean
}

/**
 * What stands where a node or list is too large to be copied: nothing at all (`bare`), an
 * empty one (`filled`), or, as schemas like it best (`usual`), an empty one but for what is
 * one of many.
 */
export type Filling = 'usual' | 'bare' | 'filled'

/** Of a node with more keys only the way through it is shown. */
const MAX_KEYS = 256
/** A node with more keys is taken for a container, whose nodes do not know each other. */
const MAX_SIBLINGS = 32
/** So many values and nodes are copied in all. */
const BUDGET = 256
/** So many characters of a text count as much as a value. */
const CHARACTERS = 64

/**
 * Copy what is around `path`, the node there included, at a price that does not depend on
 * the size of the document. The node at `path` and those above it are always there.
 */
export function copyAround(
  document: DocumentView,
  path: Path,
  filling: Filling = 'usual',
): Surroundings {
  return new Copy(document, filling).around(path)
}

class Copy {
  readonly #document: DocumentView
  readonly #filling: Filling
  #left = BUDGET
  #isPartial = false

  constructor(document: DocumentView, filling: Filling) {
    this.#document = document
    this.#filling = filling
  }

  around(path: Path): Surroundings {
    const root: OpenNode = {}
    let node = root
    const nodes = [root, ...path.map((key) => (node = node[key] = {}))]
    // The node itself first, while there is room.
    for (let depth = path.length; depth >= 0; depth -= 1) {
      this.#fill(nodes[depth]!, path.slice(0, depth), path[depth])
    }
    return { root, node, isPartial: this.#isPartial }
  }

  /** Copy what the node at `path` holds, but for `except`. */
  #fill(node: OpenNode, path: Path, except?: string): void {
    const size = this.#document.size(path)
    if (size > MAX_KEYS) return
    const isContainer = size > MAX_SIBLINGS
    for (const key of this.#document.keys(path)) {
      if (key === except) continue
      const value = this.#copy([...path, key], isContainer)
      if (value !== undefined) node[key] = value
    }
  }

  #copy(path: Path, isInContainer: boolean): JsonValue | undefined {
    const size = this.#document.size(path)
    if (size === 0) return this.#take(this.#document.read(path), isInContainer)
    if (isInContainer || size > MAX_SIBLINGS || size >= this.#left) {
      return this.#standIn({}, isInContainer)
    }
    this.#left -= 1
    const node: OpenNode = {}
    this.#fill(node, path)
    return node
  }

  /** A value, or a node with nothing in it. */
  #take(value: JsonValue | undefined, isInContainer: boolean): JsonValue | undefined {
    const left = weigh(value, this.#left)
    if (left < 0) {
      return this.#standIn(Array.isArray(value) ? [] : '', isInContainer)
    }
    this.#left = left
    return value
  }

  #standIn(empty: JsonValue, isInContainer: boolean): JsonValue | undefined {
    this.#isPartial = true
    if (this.#filling === 'bare' || (isInContainer && this.#filling === 'usual')) return undefined
    return empty
  }
}

/** Take off `left` what `value` weighs; below 0 as soon as it is too much. */
function weigh(value: JsonValue | undefined, left: number): number {
  if (typeof value === 'string') return left - 1 - value.length / CHARACTERS
  let rest = left - 1
  if (typeof value !== 'object' || value === null) return rest
  // Inside lists objects are values, too.
  const items = Array.isArray(value) ? value : Object.values(value)
  for (const item of items) {
    if (rest < 0) break
    rest = weigh(item, rest)
  }
  return rest
}
