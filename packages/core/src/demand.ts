// How data from outside is checked: each of these gives what it is named after, or
// throws, and `attempt` makes undefined of that.

/** A whole number from 0 on. */
export function toCount(value: unknown): number {
  demand(Number.isSafeInteger(value) && (value as number) >= 0)
  return value as number
}

/** A string. */
export function toText(value: unknown): string {
  demand(typeof value === 'string')
  return value
}

/** A list of what `toItem` gives. */
export function toList<T>(value: unknown, toItem: (item: unknown) => T): T[] {
  demand(Array.isArray(value))
  return value.map(toItem)
}

/** Throw unless it is so. */
export function demand(isRight: boolean): asserts isRight {
  if (!isRight) throw new TypeError('This has another form.')
}

/** What `check` gives; undefined if it throws. */
export function attempt<T>(check: () => T): T | undefined {
  try {
    return check()
  } catch {
    return undefined
  }
}
