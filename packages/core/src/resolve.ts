import { checkCommand, type CheckedCommand, type CheckedUpdate } from './check.ts'
import type { Rejection, Update } from './command.ts'
import type { DocumentTree } from './document.ts'
import { findStale, readFields, type AskWritten } from './expects.ts'
import type { DocumentView, InterceptorContext, User } from './interceptor.ts'
import type { JsonObject } from './json.ts'

/** An update that found something else than it expects. */
export interface StaleUpdate<U extends User = User> {
  readonly document: DocumentView
  /** As its author gave it; `expects` tells what they saw. */
  readonly command: Update
  /** What there is of the fields that the command sets, removes or expects. */
  readonly found: JsonObject
  readonly context: InterceptorContext<U>
}

/**
 * Put together what two people did. Return what is to be done instead of the command, on
 * the node as it is now; `props: {}` leaves all as it is. Return nothing to leave it a conflict. Must be
 * synchronous, and must decide by its argument alone, as interceptors do.
 */
export type Resolver<U extends User = User> = (
  stale: StaleUpdate<U>,
) => void | { readonly props: JsonObject; readonly unset?: readonly string[] }

type Resolution =
  | { readonly ok: true; readonly command: CheckedCommand }
  | { readonly ok: false; readonly rejection: Rejection }

/** How a command is held against a document. */
interface Meeting<U extends User> {
  readonly resolver: Resolver<U> | undefined
  readonly askWritten: AskWritten
  readonly context: InterceptorContext<U>
  /** Hears what the resolver threw. */
  readonly onError?: (error: unknown) => void
}

/** What a resolver had before it. */
export interface Merged {
  readonly sent: CheckedUpdate
  readonly found: JsonObject
}

type Met =
  | { readonly ok: true; readonly command: CheckedCommand; readonly merged: Merged | undefined }
  | {
      readonly ok: false
      readonly refusal: {
        readonly kind: 'rejected' | 'conflict'
        readonly rejection: Rejection
        readonly found?: JsonObject
      }
    }

/**
 * Hold a command against what it expects. Gives the command itself, or, where something
 * else is found, what a resolver makes of both.
 */
export function meet<U extends User>(
  tree: DocumentTree,
  command: CheckedCommand,
  { resolver, askWritten, context, onError = () => {} }: Meeting<U>,
): Met {
  const rejection = findStale(tree, command, askWritten)
  if (!rejection || command.action !== 'update') return { ok: true, command, merged: undefined }
  const found = readFields(tree, command)
  const resolved = resolve(resolver, { document: tree, command, found, context }, onError)
  if (!resolved) return { ok: false, refusal: { kind: 'conflict', rejection, found } }
  if (resolved.ok) return { ...resolved, merged: { sent: command, found } }
  return { ok: false, refusal: { kind: 'rejected', rejection: resolved.rejection } }
}

/**
 * Ask `resolver` what to do instead of a command that expects something else; undefined
 * where it is a conflict. One that throws refuses the command; what it threw goes to
 * `onError` alone.
 */
function resolve<U extends User>(
  resolver: Resolver<U> | undefined,
  stale: StaleUpdate<U> & { readonly command: CheckedUpdate },
  onError: (error: unknown) => void,
): Resolution | undefined {
  const { path } = stale.command
  try {
    const answer: unknown = resolver?.(stale)
    if (answer === undefined) return undefined
    // Refused below; but what it rejects with must not go unhandled.
    if (answer instanceof Promise) answer.catch(onError)
    const { props, unset, ...others } = Object(answer) as { props?: unknown; unset?: unknown }
    const isKnown = typeof props === 'object' && Object.keys(others).length === 0
    const update = { action: 'update', path, props, ...(unset !== undefined && { unset }) }
    const checked = isKnown && checkCommand(update as Update, refuseId)
    if (checked && checked.ok) return checked
    const why = checked ? checked.rejection.message : 'it returns nothing or { props, unset }.'
    const message = `The answer of a resolver cannot be used: ${why}`
    return { ok: false, rejection: { code: 'INTERCEPTOR_INVALID', message, at: path } }
  } catch (error) {
    onError(error)
    const message = 'A rule for this command failed.'
    return { ok: false, rejection: { code: 'INTERCEPTOR_FAILED', message, at: path } }
  }
}

function refuseId(): never {
  throw new TypeError('An update has no id.')
}
