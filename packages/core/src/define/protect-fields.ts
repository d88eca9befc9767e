// What a command would leave at the places that it touches is held against the lists of
// fields. A node that is there changes field by field: a command that puts another in its
// place could take away what it does not name, so it is refused.
import type { Command, Rejection } from '../command.ts'
import type { DocumentView, Interceptor } from '../interceptor.ts'
import { equalJson, isObject, type JsonObject, type JsonValue } from '../json.ts'
import { describePath, ROOT, type Path } from '../path.ts'
import { isOnTheWay } from './field-path.ts'
import { has, hasNode } from './is-there.ts'

/** What a command would leave at a place; undefined if nothing. */
interface Touch {
  readonly path: Path
  readonly value: JsonValue | undefined
}

/** Make the rule by which clients write to `fields` and nowhere else. */
export function allowOnly(fields: readonly Path[]): Interceptor {
  return protect('This may not be changed', (document, touch) =>
    findForbidden(fields, document, touch),
  )
}

/** Make the rule by which a field that is there stays as it is, as long as its node does. */
export function keep(fields: readonly Path[]): Interceptor {
  return protect('This was set once and stays', (document, touch) => {
    for (const field of fields) {
      const fixed = isOnTheWay(field, touch.path) && findFixed(field, document, touch)
      if (fixed) return fixed
    }
    return undefined
  })
}

function protect(
  words: string,
  find: (document: DocumentView, touch: Touch) => Path | undefined,
): Interceptor {
  return (document, command) => {
    for (const touch of touchesOf(document, command)) {
      const at = find(document, touch)
      if (at) return { reject: locked(words, at) }
    }
  }
}

function locked(words: string, at: Path): Rejection {
  return { code: 'FIELD_LOCKED', message: `${words}: ${describePath(at)}.`, at }
}

function findForbidden(
  fields: readonly Path[],
  document: DocumentView,
  { path, value }: Touch,
): Path | undefined {
  const near = fields.filter((field) => isOnTheWay(field, path))
  if (near.some((field) => field.length <= path.length)) return undefined
  const isNode = hasNode(document, path)
  if (value === undefined) {
    // An item may go, with all that is in it; a fixed part of the document may not.
    const isItem = near.some((field) => field[path.length - 1] === '*')
    return isNode ? (isItem ? undefined : path) : has(document, path) ? path : undefined
  }
  if (!isObject(value)) {
    return !isNode && equalJson(document.read(path), value) ? undefined : path
  }
  // A new node may be there if one of its fields may, but not in place of another.
  if (isNode || near.length === 0) return path
  for (const [key, below] of Object.entries(value)) {
    const fault = findForbidden(near, document, { path: [...path, key], value: below })
    if (fault) return fault
  }
  return undefined
}

/** `field` is at the place, or above or below it. */
function findFixed(field: Path, document: DocumentView, { path, value }: Touch): Path | undefined {
  if (field.length <= path.length) {
    const at = path.slice(0, field.length)
    const isSame = field.length === path.length && equalJson(document.read(at), value)
    return isSame || !has(document, at) ? undefined : at
  }
  if (!hasNode(document, path)) return undefined
  if (isObject(value)) return path
  const rest = field.slice(path.length)
  // The whole item goes, and its fields with it.
  if (field[path.length - 1] === '*' || rest.includes('*')) return undefined
  const at = [...path, ...rest]
  return has(document, at) ? at : undefined
}

function touchesOf(document: DocumentView, command: Command): readonly Touch[] {
  const { path = ROOT } = command
  switch (command.action) {
    case 'create': {
      const { id = '', props = {}, parentDefault } = command
      if (!parentDefault || hasNode(document, path)) return [{ path: [...path, id], value: props }]
      const parent: JsonObject = { ...parentDefault, [id]: props }
      return [{ path, value: parent }]
    }
    case 'update': {
      const { props = {}, unset = [] } = command
      return [
        ...Object.entries(props).map(([key, value]) => ({ path: [...path, key], value })),
        ...unset.map((key) => ({ path: [...path, key], value: undefined })),
      ]
    }
    case 'delete':
      return [{ path, value: undefined }]
  }
}
