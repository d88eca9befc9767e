import type { Command } from './command.ts'
import { equalJson, isObject, type JsonObject, type JsonValue } from './json.ts'
import type { Path } from './path.ts'

/**
 * Tell by which commands `before` becomes `after`, but for the order of keys: as few as
 * there are, and each no higher up than it has to be, so that what others do beside it
 * stays.
 */
export function difference(before: JsonObject, after: JsonObject, path: Path = []): Command[] {
  const commands: Command[] = []
  const props: Record<string, JsonValue> = {}
  const unset: string[] = []
  for (const [key, was] of Object.entries(before)) {
    if (Object.hasOwn(after, key)) continue
    if (isObject(was)) commands.push({ action: 'delete', path: [...path, key] })
    else unset.push(key)
  }
  for (const [key, value] of Object.entries(after)) {
    const was = Object.hasOwn(before, key) ? before[key] : undefined
    if (isObject(value) && isObject(was)) {
      for (const command of difference(was, value, [...path, key])) commands.push(command)
    }
    // A key may be empty, an id may not.
    else if (isObject(value) && was === undefined && key !== '') {
      commands.push({ action: 'create', path, id: key, props: value })
    } else if (was === undefined || !equalJson(was, value)) props[key] = value
  }
  const isSame = Object.keys(props).length === 0
  if (isSame && unset.length === 0) return commands
  const update = { action: 'update' as const, path, ...(!isSame && { props }) }
  return [...commands, unset.length > 0 ? { ...update, unset } : update]
}
