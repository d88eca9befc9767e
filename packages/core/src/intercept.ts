import type { CheckedCommand } from './check.ts'
import type { Rejection } from './command.ts'
import type { DocumentView, Interceptor, InterceptorContext, User } from './interceptor.ts'
import { copyJson, equalJson, type JsonObject } from './json.ts'

/**
 * Run `interceptors` one after the other over `command`: each sees what the one
 * before it made of it. Gives the very same command if none changed it. One
 * that throws refuses the command; what it threw goes to `onError` alone, since
 * it may hold what no client should read.
 */
export function intercept<U extends User>(
  interceptors: readonly Interceptor<U>[],
  document: DocumentView,
  command: CheckedCommand,
  context: InterceptorContext<U>,
  onError: (error: unknown) => void,
): { ok: true; command: CheckedCommand } | { ok: false; rejection: Rejection } {
  let current = command
  for (const interceptor of interceptors) {
    try {
      const answer: unknown = interceptor(document, current, context)
      if (answer === undefined) continue
      // Refused below; but what it rejects with must not go unhandled.
      if (answer instanceof Promise) answer.catch(onError)
      const result = follow(answer, current)
      if (!result.ok) return result
      current = result.command
    } catch (error) {
      onError(error)
      return refuse('INTERCEPTOR_FAILED', 'A rule for this command failed.', current)
    }
  }
  return { ok: true, command: current }
}

function follow(
  answer: unknown,
  command: CheckedCommand,
): { ok: true; command: CheckedCommand } | { ok: false; rejection: Rejection } {
  const { props, reject, ...others } = Object(answer) as Record<string, unknown>
  if (typeof answer !== 'object' || Object.keys(others).length > 0 || (!props && !reject)) {
    return invalid('an interceptor returns nothing, { props } or { reject }', command)
  }
  if (reject) {
    const { code = 'REJECTED', message } = Object(reject) as { code?: unknown; message?: unknown }
    if (typeof message !== 'string' || typeof code !== 'string') {
      return invalid('{ reject } holds a message and at most a code', command)
    }
    return refuse(code, message, command)
  }
  if (command.action === 'delete') return invalid('a delete has no props', command)
  const depth = command.path.length + (command.action === 'create' ? 1 : 0)
  const copy = copyJson(props, depth)
  if (!copy.ok || typeof props !== 'object' || Array.isArray(props)) {
    return invalid('the props are not an object of exact JSON', command)
  }
  if (equalJson(copy.value, command.props)) return { ok: true, command }
  return { ok: true, command: withProps(command, copy.value as JsonObject) }
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

function refuse(code: string, message: string, command: CheckedCommand) {
  const at = command.action === 'create' ? [...command.path, command.id] : command.path
  return { ok: false, rejection: { code, message, at } } as const
}
