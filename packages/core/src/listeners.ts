import type { Path } from './path.ts'

type Listener = () => void

/** The listeners of one node of the document, and the way to those below it. */
interface Spot {
  readonly listeners: Set<Listener>
  // Most have none: rows listen at the ends.
  below: Map<string, Spot> | undefined
}

/**
 * Listeners by path, in a trie: finding whom a change concerns costs its depth
 * and the number found, however many thousand others listen.
 */
export class Listeners {
  readonly #root: Spot = createSpot()
  #count = 0

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** Call `listener` after changes at, above or below `path`, until the returned function is called. */
  add(path: Path, listener: Listener): () => void {
    // A function of its own, so that one listener may be given twice.
    const own = () => listener()
    let spot = this.#root
    for (const key of path) {
      spot.below ??= new Map()
      let next = spot.below.get(key)
      if (!next) {
        next = createSpot()
        spot.below.set(key, next)
      }
      spot = next
    }
    spot.listeners.add(own)
    this.#count += 1
    return () => {
      if (!spot.listeners.delete(own)) return
      this.#count -= 1
      prune(this.#root, path, 0)
    }
  }

  /**
   * Call those whom a change at one of `paths` concerns, each once. All are called
   * before what the first bad one threw is thrown on.
   */
  call(paths: readonly Path[]): void {
    const found: Listener[] = []
    for (const path of paths) this.#findOne(path, found)
    let failure: { readonly error: unknown } | undefined
    // One path meets nobody twice.
    for (const listener of paths.length > 1 ? new Set(found) : found) {
      try {
        listener()
      } catch (error) {
        failure ??= { error }
      }
    }
    if (failure) throw failure.error
  }

  #findOne(path: Path, found: Listener[]): void {
    let spot: Spot | undefined = this.#root
    for (const key of path) {
      for (const listener of spot.listeners) found.push(listener)
      spot = spot.below?.get(key)
      if (!spot) return
    }
    findBelow(spot, found)
  }
}

function createSpot(): Spot {
  return { listeners: new Set(), below: undefined }
}

function findBelow(spot: Spot, found: Listener[]): void {
  for (const listener of spot.listeners) found.push(listener)
  if (spot.below) for (const next of spot.below.values()) findBelow(next, found)
}

/** Take away spots on `path` that nobody listens at or below. */
function prune(spot: Spot, path: Path, index: number): boolean {
  const key = path[index]
  const next = key === undefined ? undefined : spot.below?.get(key)
  if (next && prune(next, path, index + 1)) spot.below!.delete(key!)
  return spot.listeners.size === 0 && !spot.below?.size
}
