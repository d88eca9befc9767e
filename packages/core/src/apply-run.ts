import {
  applyRuled,
  type FollowUp,
  type Refusal,
  type Rejected,
  type RuledTarget,
} from './apply-ruled.ts'
import type { CheckedCommand, CheckedGiven, CheckedRun } from './check.ts'
import type { Rejection } from './command.ts'
import { checkAll, type Rules } from './intercept.ts'
import type { DocumentView, User } from './interceptor.ts'
import type { JsonObject } from './json.ts'
import { isPath, ROOT } from './path.ts'
import { withFreeId } from './remap.ts'

/** So many plain commands a named one may make: as many as a flush may hold. */
const MAX_MADE = 500
const NO_ARGS: JsonObject = Object.freeze({})

/** Tell whether it is the name of a command and not a command itself. */
export function isRun(command: CheckedGiven): command is CheckedRun {
  return command.action === 'run'
}

/**
 * Make plain commands of `run` on the document as it is, and apply each by the rules, as if
 * somebody had given it: all of them, or, with nothing done, none. The `cause` of those that
 * it made is -1.
 */
export function applyRun<U extends User, R extends Refusal>(
  run: CheckedRun,
  target: RuledTarget<U, R>,
): { ok: true; followUps: readonly FollowUp[] } | { ok: false; refusal: R | Rejected } {
  const made = make(run, target.tree, target)
  if (!made.ok) return { ok: false, refusal: { kind: 'rejected', rejection: made.rejection } }
  const followUps: FollowUp[] = []
  for (const next of made.commands) {
    // Takes all of `changes` back when it fails, so those before it, too.
    const result = applyRuled(withFreeId(target.tree, next, target.createId), target)
    if (!result.ok) return result
    const first = followUps.push({ command: result.command, cause: -1 }) - 1
    for (const { command, cause } of result.followUps) {
      followUps.push({ command, cause: first + cause })
    }
  }
  return { ok: true, followUps }
}

type Made =
  | { readonly ok: true; readonly commands: readonly CheckedCommand[] }
  | { readonly ok: false; readonly rejection: Rejection }

function make<U extends User>(
  { name, args = NO_ARGS }: CheckedRun,
  document: DocumentView,
  { commands = {}, context, createId, onError = () => {} }: Rules<U>,
): Made {
  if (!Object.hasOwn(commands, name)) {
    return refuse('COMMAND_UNKNOWN', `No command ${JSON.stringify(name)} is known here.`)
  }
  try {
    const made: unknown = commands[name]!.make(document.read(ROOT) as JsonObject, args, context)
    if (!Array.isArray(made)) return heed(Object(made).reject)
    if (made.length > MAX_MADE) {
      const message = `It makes ${made.length} commands; ${MAX_MADE} are allowed.`
      return refuse('COMMAND_TOO_LARGE', message)
    }
    const checked = checkAll(made, createId)
    if (checked) return { ok: true, commands: checked }
    return refuse('COMMAND_FAILED', `What "${name}" makes has not the form of commands.`)
  } catch (error) {
    onError(error)
    return refuse('COMMAND_FAILED', `The command "${name}" failed.`)
  }
}

function heed(reject: unknown): Made {
  const { code = 'REJECTED', message, at = ROOT } = Object(reject) as Record<string, unknown>
  if (typeof message !== 'string' || typeof code !== 'string' || !isPath(at)) {
    return refuse('COMMAND_FAILED', '{ reject } holds a message and at most a code and a path.')
  }
  return { ok: false, rejection: { code, message, at } }
}

function refuse(code: string, message: string): Made {
  return { ok: false, rejection: { code, message, at: ROOT } }
}
