import { difference, type JsonObject, type JsonValue, type Path } from '@flushout/core'

/** One place where two documents differ; what is not there is undefined. */
export interface DocumentChange {
  readonly path: Path
  readonly before: JsonValue | undefined
  readonly after: JsonValue | undefined
}

/** Tell where `after` is another than `before`, each place as far down as it goes. */
export function documentDiff(before: JsonObject, after: JsonObject): DocumentChange[] {
  const changes = difference(before, after).flatMap((command): Path[] => {
    const { path = [] } = command
    if (command.action === 'delete') return [path]
    if (command.action === 'create') return [[...path, command.id!]]
    const keys = [...Object.keys(command.props ?? {}), ...(command.unset ?? [])]
    return keys.map((key) => [...path, key])
  })
  return changes.map((path) => ({ path, before: at(before, path), after: at(after, path) }))
}

function at(document: JsonObject, path: Path): JsonValue | undefined {
  let value: JsonValue | undefined = document
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as JsonObject)[key]
  }
  return value
}
