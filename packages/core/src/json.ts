/** A value that JSON can carry without loss. */
export type JsonValue = string | number | boolean | null | JsonArray | JsonObject

/** A list of JSON values. Lists are values: a command replaces them whole. */
export type JsonArray = readonly JsonValue[]

/** A JSON object. In a document every object is a node that commands can address. */
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/**
 * How deep a document may nest, the root counted as level 0. Fixed and not an
 * option: both sides must agree on what they refuse.
 */
export const MAX_DEPTH = 64

/** Tell whether `key` may not appear in a path, an id or an object. */
export function isForbiddenKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype'
}

/** Tell whether `key` is a string that every side reads the same. */
export function isKey(key: unknown): key is string {
  // A lone surrogate does not survive UTF-8, so the two sides would differ.
  return typeof key === 'string' && key.isWellFormed()
}

/** Tell whether `value` is a JSON object, which a document holds as a node. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What `value` is, in words and short. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

/** Why a value cannot go into a document, and where in it the fault is. */
export interface JsonFault {
  readonly code: 'KEY_FORBIDDEN' | 'TOO_DEEP' | 'VALUE_INVALID'
  /** Keys and indexes from the checked value down to the fault. */
  readonly at: readonly string[]
  /** What was found there, in words. */
  readonly found: string
}

// How much the copy under way takes so far, see `measureJson`, and where in the
// value it is. Module variables because they would be two more arguments on the
// hottest path otherwise.
let copied = 0
let trail: (string | number)[] = []

/** Thrown inside this file only; `copyJson` turns it into its result. */
class Fault {
  readonly code: JsonFault['code']
  readonly found: string

  constructor(code: JsonFault['code'], found: string) {
    this.code = code
    this.found = found
  }
}

/**
 * Copy `value` into a deeply frozen JSON value, or say what JSON cannot carry
 * in it. The copy shares nothing with the original, so that a caller who goes
 * on changing it changes nothing here. `depth` is the level at which the copy
 * will hang in its document, `size` what `measureJson` says of it. Cost: O(size
 * of the value).
 */
export function copyJson(
  value: unknown,
  depth = 0,
): { ok: true; value: JsonValue; size: number } | { ok: false; fault: JsonFault } {
  try {
    copied = 0
    trail = []
    return { ok: true, value: copy(value, depth), size: copied }
  } catch (error) {
    // Only a getter or a proxy object can throw anything else.
    const { code, found } =
      error instanceof Fault ? error : new Fault('VALUE_INVALID', 'something that cannot be read')
    return { ok: false, fault: { code, at: trail.map(String), found } }
  }
}

function copy(value: unknown, depth: number): JsonValue {
  switch (typeof value) {
    case 'string':
      if (!isKey(value)) throw new Fault('VALUE_INVALID', 'a lone surrogate')
      copied += value.length + 2
      return value
    case 'number':
      if (!Number.isFinite(value)) throw new Fault('VALUE_INVALID', String(value))
      copied += NUMBER_SIZE
      // JSON writes -0 as 0; adding 0 makes it so on this side as well.
      return value + 0
    case 'boolean':
      copied += 5
      return value
    case 'object':
      if (value !== null) return copyContainer(value, depth)
      copied += 4
      return null
    default:
      throw new Fault('VALUE_INVALID', describe(value))
  }
}

function copyContainer(value: object, depth: number): JsonValue {
  // The cap also ends cycles.
  if (depth > MAX_DEPTH) throw new Fault('TOO_DEEP', `more than ${MAX_DEPTH} levels`)
  copied += 2
  if (Array.isArray(value)) {
    const list: JsonValue[] = []
    // By index, because a hole must be seen as undefined and refused.
    for (let index = 0; index < value.length; index += 1) {
      copied += 1
      trail.push(index)
      list.push(copy(value[index], depth + 1))
      trail.pop()
    }
    return Object.freeze(list)
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new Fault('VALUE_INVALID', `an instance of ${value.constructor?.name ?? 'a class'}`)
  }
  const object: Record<string, JsonValue> = {}
  for (const key of Object.keys(value)) {
    if (isForbiddenKey(key)) throw new Fault('KEY_FORBIDDEN', `the key "${key}"`)
    if (!isKey(key)) throw new Fault('VALUE_INVALID', 'a lone surrogate in a key')
    copied += key.length + 4
    trail.push(key)
    object[key] = copy((value as Record<string, unknown>)[key], depth + 1)
    trail.pop()
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw new Fault('VALUE_INVALID', 'a symbol as key')
  }
  return Object.freeze(object)
}

/** Tell whether two JSON values are equal, the order of keys included. */
export function equalJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => equalJson(item, b[index]))
    )
  }
  if (Array.isArray(b)) return false
  const keys = Object.keys(a)
  const otherKeys = Object.keys(b)
  return (
    keys.length === otherKeys.length &&
    keys.every(
      (key, index) =>
        key === otherKeys[index] && equalJson((a as JsonObject)[key], (b as JsonObject)[key]),
    )
  )
}

/** Equal as data, in whatever order keys came. */
export function isSameJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a)
    const isSame = (key: string) => Object.hasOwn(b, key) && isSameJson(a[key], b[key])
    return keys.length === Object.keys(b).length && keys.every(isSame)
  }
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
  return a.every((item: JsonValue, index) => isSameJson(item, b[index] as JsonValue))
}

// Numbers count as many characters as most of them have: writing each one out to
// count its digits would cost more than all the rest.
const NUMBER_SIZE = 8

/**
 * About how many characters `value` takes as JSON: escapes are not counted, all
 * numbers count the same. A measure for limits, not for buffers. Cost: O(size of
 * the value).
 */
export function measureJson(value: JsonValue): number {
  switch (typeof value) {
    case 'string':
      return value.length + 2
    case 'number':
      return NUMBER_SIZE
    case 'boolean':
      return 5
    default:
      return value === null ? 4 : measureContainer(value)
  }
}

function measureContainer(value: JsonArray | JsonObject): number {
  if (Array.isArray(value)) {
    return value.reduce((sum: number, item: JsonValue) => sum + measureJson(item) + 1, 2)
  }
  let size = 2
  for (const key in value as JsonObject) size += measureEntry(key, (value as JsonObject)[key]!)
  return size
}

/** How many characters `"key":value,` takes, by the rule of `measureJson`. */
export function measureEntry(key: string, value: JsonValue): number {
  return key.length + 4 + measureJson(value)
}
