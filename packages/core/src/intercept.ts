import { checkCommand, type CheckedCommand } from './check.ts'
import type { Command, Rejection } from './command.ts'
import type { DocumentView, Interceptor, InterceptorContext, User } from './interceptor.ts'
import { copyJson, equalJson, type JsonObject } from './json.ts'
import type { NamedCommands } from './named.ts'
import { isPath, type Path } from './path.ts'

/** The rules that a command has to pass. */
export interface Rules<U extends User> {
  readonly interceptors: readonly Interceptor<U>[]
  readonly commands?: NamedCommands | undefined
  readonly context: InterceptorContext<U>
  /** Gives the ids of what follows a command. */
  readonly createId: () => string
  /** Hears what an interceptor threw. */
  readonly onError?: (error: unknown) => void
}

/** A command as the rules leave it, and what they want to follow it. */
interface Passed {
  readonly ok: true
  readonly command: CheckedCommand
  readonly follow: readonly CheckedCommand[]
}

interface Refused {
  readonly ok: false
  readonly rejection: Rejection
}

const NOTHING: readonly CheckedCommand[] = Object.freeze([])

/**
 * Run the interceptors one after the other over `command`: each sees what the one
 * before it made of it. Gives the very same command if none changed it. One
 * that throws refuses the command; what it threw goes to `onError` alone, since
 * it may hold what no client should read.
 */
export function intercept<U extends User>(
  document: DocumentView,
  command: CheckedCommand,
  { interceptors, context, createId, onError = () => {} }: Rules<U>,
): Passed | Refused {
  let current = command
  const follow: CheckedCommand[] = []
  for (const interceptor of interceptors) {
    try {
      const answer: unknown = interceptor(document, current, context)
      if (answer === undefined) continue
      // Refused below; but what it rejects with must not go unhandled.
      if (answer instanceof Promise) answer.catch(onError)
      const result = heed(answer, current, createId)
      if (!result.ok) return result
      current = result.command
      for (const next of result.follow) follow.push(next)
    } catch (error) {
      onError(error)
      return refuse('INTERCEPTOR_FAILED', 'A rule for this command failed.', current)
    }
  }
  return { ok: true, command: current, follow }
}

function heed(answer: unknown, command: CheckedCommand, createId: () => string): Passed | Refused {
  const { props, reject, follow, ...others } = Object(answer) as Record<string, unknown>
  const isEmpty = !props && !reject && !follow
  if (typeof answer !== 'object' || Object.keys(others).length > 0 || isEmpty) {
    return invalid('an interceptor returns nothing, { props }, { follow } or { reject }', command)
  }
  if (reject) {
    const { code = 'REJECTED', message, at } = Object(reject) as Record<string, unknown>
    const isAt = at === undefined || isPath(at)
    if (typeof message !== 'string' || typeof code !== 'string' || !isAt) {
      return invalid('{ reject } holds a message and at most a code and a path', command)
    }
    return refuse(code, message, command, at)
  }
  const amended = props ? amend(command, props) : command
  if ('ok' in amended || !follow) return 'ok' in amended ? amended : pass(amended, NOTHING)
  const commands = checkAll(follow, createId)
  return commands ? pass(amended, commands) : invalid('{ follow } is no list of commands', command)
}

function pass(command: CheckedCommand, follow: readonly CheckedCommand[]): Passed {
  return { ok: true, command, follow }
}

function amend(command: CheckedCommand, props: unknown): CheckedCommand | Refused {
  if (command.action === 'delete') return invalid('a delete has no props', command)
  const depth = command.path.length + (command.action === 'create' ? 1 : 0)
  const copy = copyJson(props, depth)
  if (!copy.ok || typeof props !== 'object' || Array.isArray(props)) {
    return invalid('the props are not an object of exact JSON', command)
  }
  if (equalJson(copy.value, command.props)) return command
  return withProps(command, copy.value as JsonObject)
}

/** Commands of an application, copied and frozen; undefined if one of them is none. */
export function checkAll(commands: unknown, createId: () => string): CheckedCommand[] | undefined {
  if (!Array.isArray(commands)) return undefined
  const checked: CheckedCommand[] = []
  for (const command of commands as Command[]) {
    const result = checkCommand(command, createId)
    if (!result.ok) return undefined
    checked.push(result.command)
  }
  return checked
}

function withProps(command: CheckedCommand & { action: 'create' | 'update' }, props: JsonObject) {
  if (command.action === 'update' && command.unset?.some((key) => Object.hasOwn(props, key))) {
    // What the interceptor sets it wants set.
    const unset = Object.freeze(command.unset.filter((key) => !Object.hasOwn(props, key)))
    return Object.freeze({ ...command, props, unset })
  }
  return Object.freeze({ ...command, props })
}

function invalid(why: string, command: CheckedCommand) {
  return refuse('INTERCEPTOR_INVALID', `An interceptor's answer cannot be used: ${why}.`, command)
}

function refuse(code: string, message: string, command: CheckedCommand, fault?: Path) {
  const at = fault ?? (command.action === 'create' ? [...command.path, command.id] : command.path)
  return { ok: false, rejection: { code, message, at } } as const
}
