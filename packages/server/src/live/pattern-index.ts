interface Branch<Value> {
  readonly next: Map<string, Branch<Value>>
  readonly values: Set<Value>
}

function createBranch<Value>(): Branch<Value> {
  return { next: new Map(), values: new Set() }
}

/**
 * Finds whose patterns fit a key, as `compileKeyPattern` has it. What that takes
 * grows with the segments of the key, not with how many patterns there are.
 */
export class PatternIndex<Value> {
  readonly #root: Branch<Value> = createBranch()

  add(pattern: string, value: Value): void {
    let branch = this.#root
    for (const segment of pattern.split(':')) {
      const next = branch.next.get(segment) ?? createBranch<Value>()
      branch.next.set(segment, next)
      branch = next
    }
    branch.values.add(value)
  }

  delete(pattern: string, value: Value): void {
    prune(this.#root, pattern.split(':'), value)
  }

  /** All values whose pattern fits. */
  *match(key: string): Iterable<Value> {
    const segments = key.split(':')
    if (segments.includes('')) return
    let branches = [this.#root]
    for (const segment of segments) {
      const names = segment === '*' ? [segment] : [segment, '*']
      branches = branches.flatMap(({ next }) => names.flatMap((name) => next.get(name) ?? []))
    }
    for (const { values } of branches) yield* values
  }

  /** All values. */
  *[Symbol.iterator](): Iterator<Value> {
    yield* all(this.#root)
  }
}

function* all<Value>({ next, values }: Branch<Value>): Iterable<Value> {
  yield* values
  for (const branch of next.values()) yield* all(branch)
}

/** Take a value away, and what leads to it alone. */
function prune<Value>(branch: Branch<Value>, segments: readonly string[], value: Value): void {
  const [first, ...rest] = segments
  if (first === undefined) {
    branch.values.delete(value)
    return
  }
  const next = branch.next.get(first)
  if (!next) return
  prune(next, rest, value)
  if (next.next.size === 0 && next.values.size === 0) branch.next.delete(first)
}
