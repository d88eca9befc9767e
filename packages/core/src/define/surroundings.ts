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
  /** Something was too large to be in it. */
  readonly isPartial: boolean
}

/** A node with more keys is left out, and of one on the way only the way itself is shown. */
const MAX_KEYS = 256
/** A node with more keys is taken for a container, whose nodes do not know each other. */
const MAX_SIBLINGS = 32
/** So many values and nodes are copied in all. */
const BUDGET = 256

/**
 * Copy what is around `path`, the node there included, at a price that does not depend on
 * the size of the document. What is too large is empty, or `isBare`: not there at all. The
 * node at `path` and those above it are always there.
 */
export function copyAround(document: DocumentView, path: Path, isBare = false): Surroundings {
  return new Copy(document, isBare).around(path)
}

class Copy {
  readonly #document: DocumentView
  readonly #isBare: boolean
  #left = BUDGET
  #isPartial = false

  constructor(document: DocumentView, isBare: boolean) {
    this.#document = document
    this.#isBare = isBare
  }

  around(path: Path): Surroundings {
    const root: OpenNode = {}
    let node = root
    // The node itself first, while there is room.
    const nodes = [root, ...path.map((key) => (node = node[key] = {}))]
    for (let depth = path.length; depth >= 0; depth -= 1) {
      this.#fill(nodes[depth]!, path.slice(0, depth), path[depth])
    }
    return { root, node, isPartial: this.#isPartial }
  }

  /** Copy what the node at `path` holds, but for `except`. */
  #fill(node: OpenNode, path: Path, except?: string): void {
    const size = this.#document.size(path)
    if (size > MAX_KEYS) {
      this.#isPartial = true
      return
    }
    const isContainer = size > MAX_SIBLINGS
    for (const key of this.#document.keys(path)) {
      if (key === except) continue
      const value = this.#copy([...path, key], isContainer)
      if (value !== undefined) node[key] = value
    }
  }

  #copy(path: Path, isInContainer: boolean): JsonValue | undefined {
    const size = this.#document.size(path)
    // Nothing to copy: a value, or an empty node.
    const value = size === 0 ? this.#document.read(path) : undefined
    const weight = Array.isArray(value) ? 1 + value.length : 1 + size
    const isTooLarge = weight > this.#left || (size > 0 && (isInContainer || size > MAX_SIBLINGS))
    if (isTooLarge) {
      this.#isPartial = true
      if (this.#isBare) return undefined
      return Array.isArray(value) ? [] : {}
    }
    this.#left -= 1
    if (value !== undefined) {
      this.#left -= weight - 1
      return value
    }
    const node: OpenNode = {}
    this.#fill(node, path)
    return node
  }
}
