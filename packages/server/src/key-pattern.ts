/**
 * Make a test for model keys: `todos:*` fits `todos:groceries`. Keys are
 * segments with `:` between them; `*` stands for exactly one.
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
