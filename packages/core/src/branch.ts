import { isObject, type JsonObject, type JsonValue } from './json.ts'

/**
 * What a key of a document holds: a frozen JSON value, or, where a node is wide
 * or has a wide one below it, a `Branch`.
 */
export type Slot = JsonValue | Branch

/** A key of a branch, linked to its neighbours in document order. */
export interface Entry {
  readonly key: string
  slot: Slot
  /** The slot was found to be a narrow plain node, and no key was added to it since. */
  isNarrow: boolean
  // After an entry is taken out, these still point to where it stood. Changes of the keys
  // of a branch are undone strictly backwards, so the neighbours are the same again by then
  // and the entry goes back to its place in O(1).
  before: Entry
  after: Entry
}

/** The objects that readers of a node hold. */
export interface Shown {
  readonly keys: readonly string[] | undefined
  readonly value: JsonObject | undefined
  /** The keys of `value`. */
  readonly valueKeys: readonly string[] | undefined
}

/**
 * A node that is changed in place: O(1) for each key, however many there are.
 * Plain objects are made from it on demand and kept until something changes.
 */
export class Branch {
  readonly parent: Branch | undefined
  /** The key under which the parent holds this branch; '' for the root. */
  readonly key: string
  readonly #entries: Map<string, Entry> = new Map()
  // Both ends of the list, so that linking needs no special cases.
  readonly #end: Entry
  // Some key looked like an array index: objects list those first, sorted.
  #mayHaveIndexes = false
  #keys: readonly string[] | undefined
  #value: JsonObject | undefined
  // What was handed out last. It lets the next object start as a copy, or be the
  // very same if nothing differs.
  #shown: Shown
  // The keys written since `#shown.value`.
  readonly #stale: string[] = []
  #isAllStale = false

  constructor(object: JsonObject, parent: Branch | undefined, key: string) {
    this.parent = parent
    this.key = key
    const end = { key: '', slot: null, isNarrow: false } as unknown as Entry
    end.before = end
    end.after = end
    this.#end = end
    this.#keys = listKeys(object)
    this.#value = object
    this.#shown = { keys: this.#keys, value: object, valueKeys: this.#keys }
    for (const name of this.#keys) this.#insert(this.createEntry(name, object[name]!))
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  /** The key that `key` stands behind; undefined for the first. */
  keyBefore(key: string): string | undefined {
    const before = this.#entries.get(key)?.before
    return before === this.#end ? undefined : before?.key
  }

  /** An entry for the place after all others; `link` puts it there. */
  createEntry(key: string, slot: Slot): Entry {
    return { key, slot, isNarrow: false, before: this.#end.before, after: this.#end }
  }

  /** Put an entry (back) between the neighbours that it names. */
  link(entry: Entry): void {
    this.#insert(entry)
    this.#keys = undefined
    this.touch(entry.key)
  }

  unlink(entry: Entry): void {
    entry.before.after = entry.after
    entry.after.before = entry.before
    this.#entries.delete(entry.key)
    this.#keys = undefined
    this.touch(entry.key)
  }

  /** Put the entries into the order of `keys`, which must name them all. */
  reorder(keys: readonly string[]): void {
    if (isSameList(this.keys(), keys)) return
    const end = this.#end
    end.before = end
    end.after = end
    for (const key of keys) {
      const entry = this.#entries.get(key)!
      entry.before = end.before
      entry.after = end
      end.before.after = entry
      end.before = entry
    }
    this.#keys = undefined
    this.touch(keys[0]!)
  }

  /** What readers last got of this branch. */
  get shown(): Shown {
    return this.#shown
  }

  /** Go on from what readers got: they get the same objects again if the content is equal. */
  adopt(shown: Shown): void {
    if (shown.keys === this.#shown.keys && shown.value === this.#shown.value) return
    this.#shown = shown
    this.#keys = undefined
    for (const key of this.#entries.keys()) this.touch(key)
  }

  #insert(entry: Entry): void {
    entry.before.after = entry
    entry.after.before = entry
    this.#entries.set(entry.key, entry)
    this.#mayHaveIndexes ||= looksLikeIndex(entry.key)
  }

  /** Note that the content below `key` changed: here and all the way up. */
  touch(key: string): void {
    let branch: Branch | undefined = this
    let name = key
    while (branch) {
      if (branch.#shown.value) branch.#noteStale(name)
      branch.#value = undefined
      name = branch.key
      branch = branch.parent
    }
  }

  // A list and not a set: keys come once or twice, and a set costs more than the
  // write itself. Beyond one for each key it is no use any more.
  #noteStale(key: string): void {
    if (this.#stale.length < this.#entries.size) this.#stale.push(key)
    else this.#isAllStale = true
  }

  /** The keys in order, frozen; the same list as before while they are equal. */
  keys(): readonly string[] {
    if (this.#keys) return this.#keys
    let keys: string[] = []
    for (let entry = this.#end.after; entry !== this.#end; entry = entry.after) keys.push(entry.key)
    if (this.#mayHaveIndexes) keys = Object.keys(Object.fromEntries(keys.map((key) => [key, null])))
    const last = this.#shown.keys
    this.#keys = last && isSameList(last, keys) ? last : Object.freeze(keys)
    this.#shown = { ...this.#shown, keys: this.#keys }
    return this.#keys
  }

  /**
   * The whole node as a frozen plain object, the same as before while its
   * content is equal. O(1) if nothing changed, else one copy.
   */
  value(): JsonObject {
    if (this.#value) return this.#value
    const keys = this.keys()
    const { value: last, valueKeys } = this.#shown
    const isSame = last !== undefined && keys === valueKeys && this.#isStill(last, keys)
    this.#value = isSame ? last : this.#build()
    this.#shown = { keys, value: this.#value, valueKeys: keys }
    this.#stale.length = 0
    this.#isAllStale = false
    return this.#value
  }

  /** Tell whether nothing of what was written since `last` made a difference. */
  #isStill(last: JsonObject, keys: readonly string[]): boolean {
    for (const key of this.#isAllStale ? keys : this.#stale) {
      const entry = this.#entries.get(key)
      // Where there is none, it was added and removed again since.
      if (entry && slotValue(entry.slot) !== last[key]) return false
    }
    return true
  }

  // Key by key: engines take several times as long to spread an object that is wide.
  #build(): JsonObject {
    const object: Record<string, JsonValue> = {}
    for (let entry = this.#end.after; entry !== this.#end; entry = entry.after) {
      object[entry.key] = slotValue(entry.slot)
    }
    return Object.freeze(object)
  }
}

/** What readers see of a slot. */
export function slotValue(slot: Slot): JsonValue {
  return slot instanceof Branch ? slot.value() : slot
}

/** What the node in `slot` holds under `key`; undefined where there is no such thing. */
export function slotChild(slot: Slot | undefined, key: string): Slot | undefined {
  if (slot instanceof Branch) return slot.get(key)?.slot
  return isObject(slot) && Object.hasOwn(slot, key) ? slot[key] : undefined
}

/** Tell whether a slot holds a node. */
export function isNode(slot: Slot | undefined): slot is JsonObject | Branch {
  return slot instanceof Branch || isObject(slot)
}

const keyLists = new WeakMap<JsonObject, readonly string[]>()

/** `Object.keys`, frozen, and the same list each time it is asked of one object. */
export function listKeys(object: JsonObject): readonly string[] {
  let keys = keyLists.get(object)
  if (!keys) {
    keys = Object.freeze(Object.keys(object))
    keyLists.set(object, keys)
  }
  return keys
}

/** Let `next` answer `listKeys` as `previous` does; its keys must be equal. */
export function inheritKeys(next: JsonObject, previous: JsonObject): void {
  const keys = keyLists.get(previous)
  if (keys) keyLists.set(next, keys)
}

/** Tell whether two lists hold the same, in the same order. */
export function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

/** Tell whether objects may list `key` before others, in numeric order. */
function looksLikeIndex(key: string): boolean {
  return key.length <= 10 && /^\d+$/.test(key)
}
