type Container = Record<string, unknown> | unknown[]

/**
 * `next`, with `previous` or its parts in the place of what equals them. Looks
 * into lists and plain objects, but not into frozen ones: those come from a
 * document, which keeps the identity of what is equal by itself.
 */
export function keepEqual(previous: unknown, next: unknown): unknown {
  if (Object.is(previous, next) || !isContainer(previous) || !isContainer(next)) return next
  if (Object.isFrozen(next) || Array.isArray(previous) !== Array.isArray(next)) return next
  const before = previous as Record<string, unknown>
  const entries = Object.entries(next).map(
    ([key, value]) => [key, keepEqual(before[key], value)] as const,
  )
  const isEqual =
    entries.length === Object.keys(before).length &&
    entries.every(([key, value]) => Object.hasOwn(before, key) && Object.is(value, before[key]))
  if (isEqual) return previous
  return Array.isArray(next) ? entries.map(([, value]) => value) : Object.fromEntries(entries)
}

function isContainer(value: unknown): value is Container {
  if (typeof value !== 'object' || value === null) return false
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}
