// How a document gets to another version: not by being another one from some moment on,
// which nobody could replay who has not the functions of the application, but by
// commands like all others. So histories tell all of it, whatever becomes of the functions.
import { checkCommand, type CheckedCommand } from './check.ts'
import type { Command } from './command.ts'
import { difference } from './difference.ts'
import { copyJson, equalJson, type JsonObject } from './json.ts'
import type { ModelVersions } from './versions.ts'

/** More commands than this say nothing that the new values would not. */
const MAX_COMMANDS = 500

/**
 * By which commands `document`, of version `from`, becomes what `versions` make of it; one at
 * least, so that the history has a place where it happened.
 */
export function changesTo(
  document: JsonObject,
  versions: ModelVersions,
  from: number,
): readonly CheckedCommand[] {
  const copy = copyJson(versions.migrate(document, from))
  if (!copy.ok) throw new Error(`The migrated document holds ${copy.fault.found}.`)
  const after = copy.value as JsonObject
  const fine = difference(document, after)
  const whole = replaceFields(document, after)
  const isLong = fine.length > MAX_COMMANDS || sizeOf(fine) > sizeOf([whole])
  const commands = isLong || fine.length === 0 ? [whole] : fine
  return commands.map(check)
}

/** Each field of the document that is another, as a whole. */
function replaceFields(before: JsonObject, after: JsonObject): Command {
  const fields = Object.entries(after).filter(
    ([key, value]) => !Object.hasOwn(before, key) || !equalJson(before[key], value),
  )
  const unset = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  return {
    action: 'update',
    path: [],
    ...(fields.length > 0 && { props: Object.fromEntries(fields) }),
    ...(unset.length > 0 && { unset }),
  }
}

function check(command: Command): CheckedCommand {
  const checked = checkCommand(command, () => '')
  if (!checked.ok)
    throw new Error(`The migrated document cannot be stored: ${checked.rejection.message}`)
  return checked.command
}

function sizeOf(commands: readonly Command[]): number {
  return JSON.stringify(commands).length
}
