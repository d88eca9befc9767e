/** What separates the segments of a key, stands for any segment, and escapes both. */
const ESCAPED = /[%:*]/g

/**
 * Make a model key of names that may hold anything: `:` joins them, and what has
 * a meaning in keys and patterns is escaped. `createKey('team', 'a:b')` is
 * `team:a%3Ab`, one segment for each name.
 */
export function createKey(...names: readonly string[]): string {
  return names
    .map((name) => name.replace(ESCAPED, encodeURIComponent).replaceAll('*', '%2A'))
    .join(':')
}

/** The names that a key was made of: the reverse of `createKey`. */
export function parseKey(key: string): string[] {
  return key.split(':').map((segment) => segment.replace(/%(25|3A|2A)/g, decodeURIComponent))
}

/**
 * Make a test for model keys: `team:*:tasks` fits `team:353:tasks`. `*` stands
 * for exactly one segment that is not empty; within a segment it is a character
 * like any other.
 */
export function compileKeyPattern(pattern: string): (key: string) => boolean {
  const segments = pattern.split(':')
  return (key) => {
    const parts = key.split(':')
    return (
      parts.length === segments.length &&
      segments.every((segment, index) => {
        const part = parts[index]!
        return part !== '' && (segment === '*' || segment === part)
      })
    )
  }
}
