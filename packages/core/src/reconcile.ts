// After a rebase the document is often what it was. Readers compare by identity,
// so whatever is equal must be the very object that they hold already.
import { Branch, isNode, type Entry, type Slot } from './branch.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type { Path } from './path.ts'
import { share } from './share.ts'

/** What was written to while the document was on its way to its new state. */
export interface Touched {
  /** What the keys held before. */
  readonly slots: Map<Branch, Map<string, Slot | undefined>>
  /** Branches whose keys were put into another order. */
  readonly reordered: Set<Branch>
}

/**
 * Give equal parts the identity that they had, and name the paths of those that
 * are different. Cost: O(what was touched), and the width of a node that was
 * replaced as a whole.
 */
export function reconcile(touched: Touched): Path[] {
  const changed: Path[] = []
  for (const [branch, slots] of touched.slots) {
    // What came or went with a node above it is compared from there.
    if (!isKept(branch, touched)) continue
    const path = branchPath(branch)
    for (const [key, before] of slots) {
      compare({ branch, key, before, path: [...path, key] }, touched, changed)
    }
  }
  for (const branch of touched.reordered) {
    if (isKept(branch, touched)) changed.push(branchPath(branch))
  }
  return changed
}

interface Spot {
  readonly branch: Branch
  readonly key: string
  readonly before: Slot | undefined
  readonly path: Path
}

function compare({ branch, key, before, path }: Spot, touched: Touched, changed: Path[]): void {
  const entry: Entry | undefined = branch.get(key)
  if (entry?.slot === before) return
  if (entry && isPlain(before) && isPlain(entry.slot)) {
    const shared = share(before, entry.slot)
    if (shared !== entry.slot) {
      entry.slot = shared
      branch.touch(key)
    }
    if (shared === before) return
  } else if (entry?.slot instanceof Branch && isNode(before)) {
    return compareNodes(before, entry.slot, path, touched, changed)
  }
  changed.push(path)
}

/** Compare a node that is another branch now, key by key. */
function compareNodes(
  before: Branch | JsonObject,
  branch: Branch,
  path: Path,
  touched: Touched,
  changed: Path[],
): void {
  for (const key of branch.keys()) {
    const spot = { branch, key, before: heldBefore(before, key, touched), path: [...path, key] }
    compare(spot, touched, changed)
  }
  if (!branch.adopt(before)) changed.push(path)
}

function heldBefore(
  node: Branch | JsonObject,
  key: string,
  { slots }: Touched,
): Slot | undefined {
  if (!(node instanceof Branch)) return Object.hasOwn(node, key) ? node[key] : undefined
  const before = slots.get(node)
  return before?.has(key) ? before.get(key) : node.get(key)?.slot
}

/** Tell whether `branch` is in the document, and was in the same place before. */
function isKept(branch: Branch, { slots }: Touched): boolean {
  for (let at = branch; at.parent; at = at.parent) {
    if (at.parent.get(at.key)?.slot !== at) return false
    const before = slots.get(at.parent)
    // Opening a plain node for a write is no change, so it is not among these.
    if (before?.has(at.key) && before.get(at.key) !== at) return false
  }
  return true
}

function isPlain(slot: Slot | undefined): slot is JsonValue {
  return slot !== undefined && !(slot instanceof Branch)
}

function branchPath(branch: Branch): Path {
  const path: string[] = []
  for (let at = branch; at.parent; at = at.parent) path.push(at.key)
  return path.reverse()
}
