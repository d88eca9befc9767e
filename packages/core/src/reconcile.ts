// After a rebase the document is often what it was. Readers compare by identity,
// so whatever is equal must be the very object that they hold already.
import {
  Branch,
  isNode,
  isSameList,
  listKeys,
  slotChild,
  type Entry,
  type Shown,
  type Slot,
} from './branch.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'
import type { Path } from './path.ts'
import { share } from './share.ts'

/** What is remembered of a branch that was written to, or that is above such a one. */
interface Trace {
  /** What readers had of it. */
  readonly shown: Shown
  /** What the keys held that were written to. */
  readonly slots: Map<string, Slot | undefined>
  /** The keys that were taken out, if only for a while, with those they stood behind. */
  readonly taken: Map<string, string | undefined>
  /** The keys may have been put into another order. */
  isReordered: boolean
}

/** Remembers what was written to, while a document is on its way to another state. */
export class Touched {
  readonly traces: Map<Branch, Trace> = new Map()

  /** To be called before each write, with what the key holds and what it will hold. */
  note(branch: Branch, key: string, before: Slot | undefined, after: Slot | undefined): void {
    const { slots, taken } = this.#trace(branch)
    if (!slots.has(key)) slots.set(key, before)
    if (after === undefined && !taken.has(key)) taken.set(key, branch.keyBefore(key))
  }

  /** To be called before the keys of a branch are put into another order. */
  add(branch: Branch): void {
    this.#trace(branch).isReordered = true
  }

  #trace(branch: Branch): Trace {
    let trace = this.traces.get(branch)
    if (!trace) {
      trace = { shown: branch.shown, slots: new Map(), taken: new Map(), isReordered: false }
      this.traces.set(branch, trace)
      if (branch.parent) this.#trace(branch.parent)
    }
    return trace
  }
}

/**
 * Give equal parts the identity that they had, and name the paths of those that
 * are different. Cost: O(what was touched), and the width of a node that was
 * replaced, whose order may be another, or that somebody read on the way.
 */
export function reconcile(touched: Touched): Path[] {
  const changed: Path[] = []
  // An interceptor may have read on the way; what it got is nobody's.
  for (const [branch, { shown }] of touched.traces) branch.adopt(shown)
  for (const [branch, trace] of touched.traces) {
    // What came or went with a node above it is compared from there.
    if (!isKept(branch, touched)) continue
    const path = branchPath(branch)
    let isSameSet = true
    for (const [key, before] of trace.slots) {
      if ((before === undefined) !== (branch.get(key) === undefined)) isSameSet = false
      compare({ branch, key, before, path: [...path, key] }, touched, changed)
    }
    if (!isSameSet || hasKeptOrder(branch, trace)) continue
    if (branch.keys() !== trace.shown.keys) changed.push(path)
  }
  return changed
}

/**
 * Tell whether the keys are surely in the order they had, given that they are the
 * same keys, without listing them. Keys come back at the end only, so if each
 * one that was taken out stands again where it was taken from, all do.
 */
function hasKeptOrder(branch: Branch, trace: Trace): boolean {
  if (trace.isReordered) return false
  for (const [key, before] of trace.taken) {
    if (branch.get(key) && branch.keyBefore(key) !== before) return false
  }
  return true
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
  if (entry && isPlain(entry.slot)) {
    const shared = shareSlot(before, entry.slot, touched)
    if (shared !== entry.slot) {
      entry.slot = shared
      branch.touch(key)
    }
    if (!(before instanceof Branch)) return nameDifferences(before, shared, path, changed)
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
  const shown = shownOf(before, touched)
  branch.adopt(shown)
  if (branch.keys() !== shown.keys) changed.push(path)
}

/** Name what differs as far down as it can be told, so that no neighbour is called. */
function nameDifferences(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  path: Path,
  changed: Path[],
): void {
  // What is equal is the same object by now.
  if (before === after) return
  if (!isObject(before) || !isObject(after) || isReordered(listKeys(before), listKeys(after))) {
    changed.push(path)
    return
  }
  for (const key of new Set([...listKeys(before), ...listKeys(after)])) {
    // Plain nodes hold plain values.
    const [was, is] = [before, after].map((node) => slotChild(node, key) as JsonValue | undefined)
    nameDifferences(was, is, [...path, key], changed)
  }
}

/** Tell whether two lists hold the same keys in another order. */
function isReordered(before: readonly string[], after: readonly string[]): boolean {
  if (before.length !== after.length || isSameList(before, after)) return false
  const known = new Set(before)
  return after.every((key) => known.has(key))
}

/** As `share`, for what may have been a branch. */
function shareSlot(before: Slot | undefined, next: JsonValue, touched: Touched): JsonValue {
  if (!(before instanceof Branch)) return share(before, next)
  if (!isObject(next)) return next
  const object: Record<string, JsonValue> = {}
  for (const key of listKeys(next)) {
    object[key] = shareSlot(heldBefore(before, key, touched), next[key]!, touched)
  }
  return share(shownOf(before, touched).value, Object.freeze(object))
}

function heldBefore(node: Branch | JsonObject, key: string, { traces }: Touched): Slot | undefined {
  const slots = node instanceof Branch ? traces.get(node)?.slots : undefined
  return slots?.has(key) ? slots.get(key) : slotChild(node, key)
}

function shownOf(node: Branch | JsonObject, { traces }: Touched): Shown {
  if (node instanceof Branch) return traces.get(node)?.shown ?? node.shown
  const keys = listKeys(node)
  return { keys, value: node, valueKeys: keys }
}

/** Tell whether `branch` is in the document, and was in the same place before. */
function isKept(branch: Branch, { traces }: Touched): boolean {
  for (let at = branch; at.parent; at = at.parent) {
    if (at.parent.get(at.key)?.slot !== at) return false
    const before = traces.get(at.parent)?.slots
    // Opening a plain node for a write is no change, so it is not among these.
    if (before?.has(at.key) && before.get(at.key) !== at) return false
  }
  return true
}

function isPlain(slot: Slot): slot is JsonValue {
  return !(slot instanceof Branch)
}

/** The path of the node that a branch is. */
export function branchPath(branch: Branch): Path {
  const path: string[] = []
  for (let at = branch; at.parent; at = at.parent) path.push(at.key)
  return path.reverse()
}
