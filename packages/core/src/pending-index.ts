// Finds the pending commands that a change meets, so that all others can stay where they
// are while it is put in below them. Two commands meet unless they can change places, and
// each be taken back alone. So they do where
//
//   one writes at, above or below what the other writes
//   both may change which keys a node has, since keys are in the order in which they came
//
// What a command did counts as much as what it says: a plain node is written as a whole.
import { changedPaths } from './changed-paths.ts'
import type { CheckedCommand, CheckedGiven } from './check.ts'
import type { Change, DocumentTree } from './document.ts'
import { endOfUnit, startOfUnit } from './group.ts'
import type { Path } from './path.ts'
import type { PendingCommand } from './receipt.ts'
import { branchPath } from './reconcile.ts'

/** Where a command meets others. */
interface Reach {
  readonly writes: readonly Path[]
  /** The nodes whose keys it may change. */
  readonly keysOf: readonly Path[]
}

/** A place of the document, and which commands of the queue reach it. */
interface Spot {
  readonly writes: number[]
  readonly keysOf: number[]
  readonly below: Map<string, Spot>
}

/** The commands of a queue by where they reach. Made of them when somebody asks. */
export class PendingIndex {
  readonly #tree: DocumentTree
  #root = createSpot()
  // How many of the queue are in it.
  #size = 0
  // Some have read what nobody else knows of.
  #isBlind = false
  // How much more may be looked at.
  #steps = 0

  constructor(tree: DocumentTree) {
    this.#tree = tree
  }

  /** To be called whenever the queue is another, but for what comes to its end. */
  forget(): void {
    this.#root = createSpot()
    this.#size = 0
    this.#isBlind = false
  }

  /**
   * Those of `queue`, in order, that `incoming` commands of others meet, and those behind
   * them that they meet in their turn. Undefined where it is no more work to take all for such.
   */
  findMet(
    incoming: readonly CheckedCommand[],
    queue: readonly PendingCommand[],
  ): ReadonlySet<PendingCommand> | undefined {
    if (incoming.length > queue.length) return undefined
    for (; this.#size < queue.length; this.#size += 1) this.#add(queue[this.#size]!)
    if (this.#isBlind) return undefined
    this.#steps = incoming.length + queue.length
    const met = new Set<number>()
    for (const command of incoming) {
      this.#find(reachOf(command, this.#tree.has(command.path)), -1, met)
    }
    // It grows on the way.
    for (const at of met) {
      if (met.size * 2 > queue.length || this.#steps < 0) return undefined
      for (let n = startOfUnit(queue, at); n < endOfUnit(queue, at); n += 1) met.add(n)
      this.#find(reachOfPending(queue[at]!), at, met)
    }
    // What was looked at last may not have been looked at to its end.
    if (this.#steps < 0) return undefined
    return new Set([...met].sort((a, b) => a - b).map((at) => queue[at]!))
  }

  #add(pending: PendingCommand): void {
    const { writes, keysOf } = reachOfPending(pending)
    this.#isBlind ||= pending.group?.reads !== undefined
    for (const path of writes) this.#make(path).writes.push(this.#size)
    for (const path of keysOf) this.#make(path).keysOf.push(this.#size)
  }

  #make(path: Path): Spot {
    let spot = this.#root
    for (const key of path) {
      let next = spot.below.get(key)
      if (!next) spot.below.set(key, (next = createSpot()))
      spot = next
    }
    return spot
  }

  /** Add to `met` those behind a place of the queue that reach where this does. */
  #find({ writes, keysOf }: Reach, place: number, met: Set<number>): void {
    const take = (reaching: readonly number[]) => {
      this.#steps -= reaching.length
      for (const at of reaching) if (at > place) met.add(at)
    }
    const takeBelow = (spot: Spot) => {
      if ((this.#steps -= 1) < 0) return
      take(spot.writes)
      spot.below.forEach(takeBelow)
    }
    for (const path of writes) {
      const spot = this.#go(path, (above) => take(above.writes))
      if (spot) takeBelow(spot)
    }
    for (const path of keysOf) take(this.#go(path)?.keysOf ?? [])
  }

  /** The spot at `path`, if there is one, after telling `pass` of those above it. */
  #go(path: Path, pass?: (spot: Spot) => void): Spot | undefined {
    let spot: Spot | undefined = this.#root
    for (const key of path) {
      pass?.(spot)
      spot = spot.below.get(key)
      if (!spot) return undefined
    }
    return spot
  }
}

function createSpot(): Spot {
  return { writes: [], keysOf: [], below: new Map() }
}

/** Where a command reaches by what it says. */
function reachOf(command: CheckedGiven, isParentThere: boolean): Reach {
  const { path } = command
  const writes = changedPaths(command, isParentThere)
  // What it expects, it has read.
  const isReader = command.action === 'update' && command.expects !== undefined
  if (isReader || writes.length === 0) return { writes: [path], keysOf: [path] }
  return { writes, keysOf: [writes[0]!.slice(0, -1)] }
}

/** Where a command reaches that has applied. */
function reachOfPending({ shown, changes }: PendingCommand): Reach {
  const places = changes.map(placeOf)
  const moving = changes.filter(({ kind }) => kind !== 'set')
  // The usual case: all of it is in one plain node.
  if (places.length === 1 && moving.length === 0 && places[0]!.length <= shown.path.length) {
    return { writes: places, keysOf: [] }
  }
  const { writes, keysOf } = reachOf(shown, true)
  const moved = moving.map(({ branch }) => branchPath(branch))
  return { writes: [...writes, ...places], keysOf: [...keysOf, ...moved] }
}

function placeOf({ branch, entry }: Change): Path {
  return [...branchPath(branch), entry.key]
}
