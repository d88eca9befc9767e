import { isForbiddenKey, isKey } from './json.ts'

/**
 * The keys from the root of a document down to a node or value. `[]` is the
 * document itself. A path never leads into an array: arrays are values.
 */
export type Path = readonly string[]

/** The path of the whole document. */
export const ROOT: Path = Object.freeze([])

/** Tell whether `value` has the form of a path. */
export function isPath(value: unknown): value is Path {
  return Array.isArray(value) && value.every((key) => isKey(key) && !isForbiddenKey(key))
}

/** Tell whether `path` is `prefix` or lies below it. */
export function startsWith(path: Path, prefix: Path): boolean {
  if (path.length < prefix.length) return false
  // From the end, where most paths differ: a flush may compare each of its paths
  // with hundreds of others.
  for (let index = prefix.length - 1; index >= 0; index -= 1) {
    if (prefix[index] !== path[index]) return false
  }
  return true
}

/** The same keys in the same order. */
export function isSamePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((key, index) => key === b[index])
}

/** A path for people, as `"todos" › "a"`, long keys cut; the root has a name of its own. */
export function describePath(path: Path): string {
  if (path.length === 0) return 'the document'
  return path
    .map((key) => JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key))
    .join(' › ')
}
