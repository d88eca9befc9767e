import type { CheckedCommand, CheckedGiven } from './check.ts'
import type { Rejection } from './command.ts'
import type { DocumentTree } from './document.ts'
import { isSameJson, type JsonObject, type JsonValue } from './json.ts'
import { describePath, type Path } from './path.ts'
import type { Loss } from './loss.ts'

/**
 * Tells whether others wrote at, above or below `path` since a count; true too where
 * that is to be taken for granted.
 */
export type AskWritten = (path: Path, since: number) => boolean

/** Why `command` finds something else than it expects, if it does. */
export function findStale(
  tree: DocumentTree,
  command: CheckedGiven,
  hasWritten: AskWritten,
): Rejection | undefined {
  // A node that is gone is no conflict: nothing can be put together with it.
  if (command.action !== 'update' || !command.expects || !tree.hasNode(command.path)) {
    return undefined
  }
  const { path } = command
  const { props = {}, unset = [], since } = command.expects
  const read = (key: string) => tree.read([...path, key])
  const other =
    Object.keys(props).find((key) => !isSameJson(read(key), props[key])) ??
    unset.find((key) => read(key) !== undefined)
  if (other !== undefined) return refuse([...path, other])
  return since !== undefined && hasWritten(path, since) ? refuse(path) : undefined
}

/** What there is of the fields that an update sets or removes and of those that it expects. */
export function readFields(tree: DocumentTree, command: CheckedGiven): JsonObject {
  const found: Record<string, JsonValue> = {}
  if (command.action === 'update') {
    for (const { props = {}, unset = [] } of [command, command.expects ?? {}]) {
      for (const key of [...Object.keys(props), ...unset]) {
        const value = tree.read([...command.path, key])
        if (value !== undefined) found[key] = value
      }
    }
  }
  return Object.freeze(found)
}

/** Why a command does not apply, as far as that was told. */
interface Refusal {
  readonly kind: Loss['kind']
  readonly rejection: Rejection
  readonly found?: JsonObject | undefined
}

/** The loss of a command; what it found is read where it was not told. */
export function toLoss(
  tree: DocumentTree,
  command: CheckedGiven,
  { kind, rejection, found = readFields(tree, command) }: Refusal,
): Loss {
  if (kind !== 'conflict') return { kind, rejection }
  const given = (command.action !== 'delete' && command.action !== 'run' && command.props) || {}
  return { kind, rejection, given, found }
}

/** The command without what it expects, once that was found to be so. */
export function withoutExpects(command: CheckedCommand): CheckedCommand {
  if (command.action !== 'update' || !command.expects) return command
  const { expects: _, ...rest } = command
  return Object.freeze(rest)
}

function refuse(at: Path): Rejection {
  const message = `${describePath(at)} is not as it was when this was written.`
  return { code: 'CONFLICT', message, at: Object.freeze(at) }
}
