import type { DocumentView } from '../interceptor.ts'
import { isObject } from '../json.ts'
import type { Path } from '../path.ts'

/** Tell whether there is a node at `path`, without reading a wide one. */
export function hasNode(document: DocumentView, path: Path): boolean {
  return document.size(path) > 0 || isObject(document.read(path))
}

/** Tell whether there is anything at `path`, without reading a wide node. */
export function has(document: DocumentView, path: Path): boolean {
  return document.size(path) > 0 || document.read(path) !== undefined
}
