// What was just parsed from JSON is nobody else's: it need not be copied to be kept.
import { attempt, demand, toCount, toText } from './demand.ts'
import {
  isForbiddenKey,
  isKey,
  isObject,
  MAX_DEPTH,
  measureJson,
  type JsonArray,
  type JsonObject,
  type JsonValue,
} from './json.ts'
import type { Snapshot } from './protocol.ts'

/** A snapshot that is checked and deeply frozen, with what `measureJson` says of its document. */
export interface Adopted {
  readonly snapshot: Snapshot
  readonly size: number
}

/**
 * Check a snapshot whose document `JSON.parse` made and nobody else holds, and freeze that
 * where it is; undefined if it is none. Refuses what `checkSnapshot` refuses, without the
 * copy, which takes longer than parsing.
 */
export function adoptSnapshot(snapshot: Snapshot): Adopted | undefined {
  return attempt(() => {
    const { commandCount, hash, document, schema } = Object(snapshot) as Snapshot
    toCount(commandCount)
    toText(hash)
    if (schema !== undefined) toCount(schema)
    demand(isObject(document))
    return { snapshot, size: adopt(document, 0) }
  })
}

// Each gives the size of what it checked and froze, or throws.

function adopt(value: JsonValue, depth: number): number {
  if (typeof value === 'object' && value !== null) {
    demand(depth <= MAX_DEPTH)
    const size = Array.isArray(value)
      ? adoptItems(value, depth)
      : adoptProps(value as JsonObject, depth)
    Object.freeze(value)
    return size
  }
  // Strings with lone surrogates, and numbers beyond all bounds, as `1e999`.
  demand(typeof value === 'string' ? isKey(value) : typeof value !== 'number' || isFinite(value))
  return measureJson(value)
}

function adoptProps(object: JsonObject, depth: number): number {
  let size = 2
  for (const key in object) {
    demand(!isForbiddenKey(key) && isKey(key))
    const value = object[key]!
    // Parsed from `-0`, which is 0 everywhere else.
    if (Object.is(value, -0)) (object as Record<string, JsonValue>)[key] = 0
    size += key.length + 4 + adopt(value, depth + 1)
  }
  return size
}

function adoptItems(list: JsonArray, depth: number): number {
  let size = 2
  for (const [index, value] of list.entries()) {
    if (Object.is(value, -0)) (list as JsonValue[])[index] = 0
    size += 1 + adopt(value, depth + 1)
  }
  return size
}
