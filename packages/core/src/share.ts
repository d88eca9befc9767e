import { inheritKeys, isSameList } from './branch.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'

/**
 * Give `next` with every part that equals the same part of `previous` replaced
 * by it, so that readers who compare by identity see just what changed. Both
 * must be frozen. Cost: O(size of `next`).
 */
export function share(previous: JsonValue | undefined, next: JsonValue): JsonValue {
  if (previous === next) return next
  if (isObject(previous) && isObject(next)) return shareObject(previous, next)
  if (Array.isArray(previous) && Array.isArray(next)) return shareArray(previous, next)
  return next
}

function shareObject(previous: JsonObject, next: JsonObject): JsonObject {
  const keys = Object.keys(next)
  const hasSameKeys = isSameList(keys, Object.keys(previous))
  let isEqual = hasSameKeys
  const object: Record<string, JsonValue> = {}
  for (const key of keys) {
    const before = Object.hasOwn(previous, key) ? previous[key] : undefined
    object[key] = share(before, next[key]!)
    if (object[key] !== before) isEqual = false
  }
  if (isEqual) return previous
  if (hasSameKeys) inheritKeys(object, previous)
  return Object.freeze(object)
}

function shareArray(
  previous: readonly JsonValue[],
  next: readonly JsonValue[],
): readonly JsonValue[] {
  const list = next.map((item, index) => share(previous[index], item))
  return isSameList(list, previous) ? previous : Object.freeze(list)
}
