// One tree, changed in place. A node is held in one of two forms:
//
//   plain    a deeply frozen object. A change copies it and what is above it up
//            to the next branch. Cheap as long as it is narrow.
//   branch   keys in a map, changed in place, at O(1) each. Plain objects are
//            made of it when somebody reads.
//
// The root is a branch. A plain node becomes one when a command is about to
// change something in it and it has more than NARROW keys; the nodes above it
// become branches too, since a plain object cannot hold a branch. So a list of
// 100,000 todos costs 100,000 frozen todos and one branch, and a change of one
// todo copies that todo alone.
//
// Each applied command yields its changes; taken back in reverse order they
// restore document, order of keys and identities in O(changes).
import {
  Branch,
  inheritKeys,
  isNode,
  listKeys,
  slotChild,
  slotValue,
  type Entry,
  type Slot,
} from './branch.ts'
import type { CheckedCommand, CheckedCreate, CheckedUpdate } from './check.ts'
import type { Rejection } from './command.ts'
import type { DocumentView } from './interceptor.ts'
import { describe, equalJson, isObject, type JsonObject, type JsonValue } from './json.ts'
import { describePath, ROOT, type Path } from './path.ts'
import { reconcile, Touched } from './reconcile.ts'

/** Above this many keys, copying a node costs more than keeping it as a branch. */
const NARROW = 32

const EMPTY: JsonObject = Object.freeze({})
const NO_KEYS: readonly string[] = Object.freeze([])

/** What one write did to one key of a branch; enough to take it back. */
export type Change =
  | { readonly kind: 'added' | 'removed'; readonly branch: Branch; readonly entry: Entry }
  | { readonly kind: 'set'; readonly branch: Branch; readonly entry: Entry; readonly was: Slot }

/** The document engine: reads in O(depth), writes in O(depth + size of the props). */
export class DocumentTree implements DocumentView {
  readonly #root: Branch
  // Only while `settle` runs: what the keys held before it.
  #touched: Touched | undefined

  /** Takes a deeply frozen document. */
  constructor(document: JsonObject) {
    this.#root = new Branch(document, undefined, '')
  }

  read(path: Path = ROOT): JsonValue | undefined {
    const slot = this.#find(path)
    return slot === undefined ? undefined : slotValue(slot)
  }

  keys(path: Path = ROOT): readonly string[] {
    const slot = this.#find(path)
    if (slot instanceof Branch) return slot.keys()
    return isNode(slot) ? listKeys(slot) : NO_KEYS
  }

  size(path: Path = ROOT): number {
    const slot = this.#find(path)
    return slot instanceof Branch ? slot.size : isNode(slot) ? listKeys(slot).length : 0
  }

  /** Tell whether there is anything at `path`. */
  has(path: Path): boolean {
    return this.#find(path) !== undefined
  }

  /** Tell whether there is an object at `path`. */
  hasNode(path: Path): boolean {
    const slot = this.#find(path)
    return slot instanceof Branch || isNode(slot)
  }

  /**
   * Apply a command and append what it did to `changes`; or say why it cannot
   * apply, with nothing done.
   */
  apply(command: CheckedCommand, changes: Change[]): Rejection | undefined {
    switch (command.action) {
      case 'create':
        return this.#create(command, changes)
      case 'update':
        return this.#update(command, changes)
      case 'delete':
        return this.#write(command.path.slice(0, -1), command.path.at(-1)!, undefined, changes)
    }
  }

  /**
   * Take `changes` back, last first, and leave the list empty. They must be the
   * latest ones of this document that were not taken back yet, but for changes at other
   * places, above and below none of which and not of the keys of the same nodes.
   */
  undo(changes: Change[]): void {
    for (let change = changes.pop(); change; change = changes.pop()) {
      const { branch, entry } = change
      if (change.kind === 'set') this.#assign(branch, entry, change.was)
      else if (change.kind === 'added') this.#unlink(branch, entry)
      else this.#link(branch, entry)
    }
  }

  /** Put another document in the place of this one. Equal parts keep their identity. */
  replace(document: JsonObject): void {
    this.#merge(this.#root, document)
  }

  /**
   * Run changes and undos, and give the paths of what is different afterwards.
   * A part that ends up equal keeps its identity and is not among them.
   */
  settle(run: () => void): Path[] {
    const touched = new Touched()
    this.#touched = touched
    try {
      run()
    } finally {
      this.#touched = undefined
    }
    return reconcile(touched)
  }

  /** Give `branch` the content of `object`, writing only what differs. */
  #merge(branch: Branch, object: JsonObject): void {
    const keys = listKeys(object)
    for (const key of branch.keys()) if (!Object.hasOwn(object, key)) this.#take(branch, key, [])
    for (const key of keys) {
      const slot = branch.get(key)?.slot
      const value = object[key]!
      if (slot instanceof Branch && isObject(value)) this.#merge(slot, value)
      else this.#put(branch, key, value, [])
    }
    this.#touched?.add(branch)
    branch.reorder(keys)
  }

  #find(path: Path): Slot | undefined {
    let slot: Slot | undefined = this.#root
    for (const key of path) {
      slot = slotChild(slot, key)
      if (slot === undefined) return undefined
    }
    return slot
  }

  #create(command: CheckedCreate, changes: Change[]): Rejection | undefined {
    const { path, id, props = EMPTY, parentDefault } = command
    const isParentMade = parentDefault && path.length > 0 && !this.has(path)
    const full = [...path, id]
    if (isParentMade ? Object.hasOwn(parentDefault, id) : this.has(full)) {
      return { code: 'ID_INVALID', message: `The id ${JSON.stringify(id)} is taken.`, at: full }
    }
    if (!isParentMade) return this.#write(path, id, props, changes)
    // The parent arrives with the child in it, so that nothing is half done.
    const parent = Object.freeze({ ...parentDefault, [id]: props })
    return this.#write(path.slice(0, -1), path.at(-1)!, parent, changes)
  }

  /** Set one key of the node at `path`, or remove it if there is no value for it. */
  #write(
    path: Path,
    key: string,
    value: JsonValue | undefined,
    changes: Change[],
  ): Rejection | undefined {
    const place = this.#open(path)
    if ('code' in place) return place
    if (!place.entry) {
      if (value === undefined) this.#take(place.branch, key, changes)
      else this.#put(place.branch, key, value, changes)
    } else if (value === undefined) this.#rewrite(place, path, EMPTY, [key], changes)
    else this.#rewrite(place, path, { [key]: value }, NO_KEYS, changes)
    return undefined
  }

  #update({ path, props = EMPTY, unset = NO_KEYS }: CheckedUpdate, changes: Change[]) {
    const place = this.#open(path)
    if ('code' in place) return place
    if (place.entry) {
      this.#rewrite(place, path, props, unset, changes)
      return undefined
    }
    for (const key of unset) this.#take(place.branch, key, changes)
    for (const key in props) this.#put(place.branch, key, props[key]!, changes)
    return undefined
  }

  /**
   * Find the deepest branch on the way to the node at `path`, after making
   * branches of the wide nodes on it; or say which segment leads to no node.
   */
  #open(path: Path): Place | Rejection {
    let branch = this.#root
    let depth = 0
    let entry: Entry | undefined
    for (; depth < path.length; depth += 1) {
      entry = branch.get(path[depth]!)
      if (!(entry?.slot instanceof Branch)) break
      branch = entry.slot
    }
    if (depth === path.length) return { branch, entry: undefined, depth }
    // The usual case: a todo in a list, seen before.
    if (entry?.isNarrow && depth === path.length - 1) return { branch, entry, depth }
    let wide = depth
    let slot = entry?.slot
    for (let index = depth; ;) {
      if (!isNode(slot)) return notANode(slot, path.slice(0, index + 1))
      if (isWide(slot as JsonObject)) wide = index + 1
      index += 1
      if (index === path.length) break
      slot = slotChild(slot, path[index]!)
    }
    if (wide === depth) {
      if (depth === path.length - 1) entry!.isNarrow = true
      return { branch, entry, depth }
    }
    for (; depth < wide; depth += 1) {
      const at: Entry = branch.get(path[depth]!)!
      // Not a change: readers see the same objects, so nothing is noted.
      const opened: Branch = new Branch(at.slot as JsonObject, branch, at.key)
      at.slot = opened
      branch = opened
    }
    return { branch, entry: depth < path.length ? branch.get(path[depth]!) : undefined, depth }
  }

  /** Change the plain node at `path`, which lies below `place`, copying what is above it. */
  #rewrite(
    { branch, entry, depth }: Place,
    path: Path,
    props: JsonObject,
    unset: readonly string[],
    changes: Change[],
  ): void {
    if (!entry) return
    const was = entry.slot as JsonObject
    const now = rewrite(was, path, depth + 1, props, unset)
    if (now === was) return
    const { isNarrow } = entry
    this.#assign(branch, entry, now)
    entry.isNarrow = isNarrow && (depth + 1 < path.length || hasAll(was, props))
    changes.push({ kind: 'set', branch, entry, was })
  }

  #put(branch: Branch, key: string, value: JsonValue, changes: Change[]): void {
    const entry = branch.get(key)
    if (!entry) {
      const added = branch.createEntry(key, value)
      this.#link(branch, added)
      changes.push({ kind: 'added', branch, entry: added })
      return
    }
    const was = entry.slot
    if (holds(was, value)) return
    this.#assign(branch, entry, value)
    changes.push({ kind: 'set', branch, entry, was })
  }

  #take(branch: Branch, key: string, changes: Change[]): void {
    const entry = branch.get(key)
    if (!entry) return
    this.#unlink(branch, entry)
    changes.push({ kind: 'removed', branch, entry })
  }

  #link(branch: Branch, entry: Entry): void {
    this.note(branch, entry.key, undefined, entry.slot)
    branch.link(entry)
  }

  #unlink(branch: Branch, entry: Entry): void {
    this.note(branch, entry.key, entry.slot, undefined)
    branch.unlink(entry)
  }

  #assign(branch: Branch, entry: Entry, slot: Slot): void {
    this.note(branch, entry.key, entry.slot, slot)
    entry.slot = slot
    entry.isNarrow = false
    branch.touch(entry.key)
  }

  /** Called before every write, with what the key holds and what it will hold. */
  protected note(
    branch: Branch,
    key: string,
    before: Slot | undefined,
    after: Slot | undefined,
  ): void {
    this.#touched?.note(branch, key, before, after)
  }
}

/** The deepest branch on a path. */
interface Place {
  readonly branch: Branch
  /** Of the plain node through which the path goes on; undefined where it ends at the branch. */
  readonly entry: Entry | undefined
  /** How many keys of the path lead to the branch. */
  readonly depth: number
}

function isWide(node: JsonObject): boolean {
  let count = 0
  // Stops early, where Object.keys would list a hundred thousand.
  for (const _ in node) if (++count > NARROW) return true
  return false
}

function holds(slot: Slot, value: JsonValue): boolean {
  // The width first: making the object of a branch costs as much as it is wide.
  if (!(slot instanceof Branch)) return equalJson(slot, value)
  return isObject(value) && listKeys(value).length === slot.size && equalJson(slot.value(), value)
}

/** A copy of `node` in which the node at the end of `path`, from `index` on, is changed. */
function rewrite(
  node: JsonObject,
  path: Path,
  index: number,
  props: JsonObject,
  unset: readonly string[],
): JsonObject {
  if (index === path.length) return assign(node, props, unset)
  const key = path[index]!
  const was = node[key] as JsonObject
  const now = rewrite(was, path, index + 1, props, unset)
  if (now === was) return node
  const copy = { ...node, [key]: now }
  inheritKeys(copy, node)
  return Object.freeze(copy)
}

function assign(node: JsonObject, props: JsonObject, unset: readonly string[]): JsonObject {
  let hasChanged = false
  let hasSameKeys = true
  for (const key in props) {
    if (Object.hasOwn(node, key)) {
      if (equalJson(node[key], props[key])) continue
    } else hasSameKeys = false
    hasChanged = true
  }
  if (unset.some((key) => Object.hasOwn(node, key))) {
    hasChanged = true
    hasSameKeys = false
  }
  if (!hasChanged) return node
  const copy: Record<string, JsonValue> = { ...node, ...props }
  for (const key of unset) delete copy[key]
  if (hasSameKeys) inheritKeys(copy, node)
  return Object.freeze(copy)
}

function hasAll(node: JsonObject, props: JsonObject): boolean {
  for (const key in props) if (!Object.hasOwn(node, key)) return false
  return true
}

function notANode(slot: Slot | undefined, at: Path): Rejection {
  const where = describePath(at)
  if (slot === undefined) {
    return { code: 'PATH_NOT_FOUND', message: `There is no ${where} in the document.`, at }
  }
  const message = `${where} is ${describe(slot)}; commands reach into objects only.`
  return { code: 'NOT_A_NODE', message, at }
}
