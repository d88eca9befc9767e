import type { CheckedCommand } from './check.ts'
import type { Rejection } from './command.ts'
import type { Change, DocumentTree } from './document.ts'
import { intercept, type Rules } from './intercept.ts'
import type { User } from './interceptor.ts'
import { withFreeId } from './remap.ts'

/** A command that follows another, by a rule. */
export interface FollowUp {
  readonly command: CheckedCommand
  /** Which it follows: 0 is the command that was given, 1 the first that follows it, and so on. */
  readonly cause: number
}

/** Why a command does not apply. */
export interface Refusal {
  readonly kind: string
  readonly rejection: Rejection
}

/** Why a rule refuses it. */
export interface Rejected {
  readonly kind: 'rejected'
  readonly rejection: Rejection
}

/** What a command applies to, and by which rules. */
export interface RuledTarget<U extends User, R extends Refusal> extends Rules<U> {
  readonly tree: DocumentTree
  /** Of this command alone: grows by what it does. */
  readonly changes: Change[]
  /** Apply one command that passed the rules, or say why not. */
  readonly apply: (command: CheckedCommand) => R | undefined
  /** It was sent as this already, so the rules say only what follows it. */
  readonly sent?: CheckedCommand
}

/** How many follow a command one from the other, and all together. */
const MAX_DEPTH = 8
const MAX_FOLLOW_UPS = 100

/**
 * Apply `command` as the rules leave it, and right after it what they want to follow it,
 * in order, each with what follows it in its turn. All of them, or, with nothing done, none.
 */
export function applyRuled<U extends User, R extends Refusal>(
  command: CheckedCommand,
  target: RuledTarget<U, R>,
):
  | { ok: true; command: CheckedCommand; followUps: readonly FollowUp[] }
  | { ok: false; refusal: R | Rejected } {
  const { tree, changes } = target
  const applied: FollowUp[] = []
  let refusal: R | Rejected | undefined
  try {
    refusal = applyOne(command, { cause: -1, depth: 0, rules: target }, target, applied)
  } catch (error) {
    tree.undo(changes)
    throw error
  }
  if (!refusal) return { ok: true, command: applied[0]!.command, followUps: applied.slice(1) }
  tree.undo(changes)
  const isOwn = applied.length === 0
  return { ok: false, refusal: isOwn ? refusal : followUpRejected(refusal.rejection) }
}

interface Turn<U extends User> {
  readonly cause: number
  readonly depth: number
  readonly rules: Rules<U>
}

function applyOne<U extends User, R extends Refusal>(
  command: CheckedCommand,
  { cause, depth, rules }: Turn<U>,
  target: RuledTarget<U, R>,
  applied: FollowUp[],
): R | Rejected | undefined {
  const passed = intercept(target.tree, command, rules)
  if (!passed.ok) return { kind: 'rejected', rejection: passed.rejection }
  const ruled = (depth === 0 && target.sent) || passed.command
  const refusal = target.apply(ruled)
  if (refusal) return refusal
  const index = applied.push({ command: ruled, cause }) - 1
  const turn = {
    cause: index,
    depth: depth + 1,
    rules: { ...rules, context: { ...rules.context, cause: ruled } },
  }
  for (const next of passed.follow) {
    if (depth === MAX_DEPTH || applied.length > MAX_FOLLOW_UPS) return endless(ruled)
    const free = withFreeId(target.tree, next, rules.createId)
    const fault = applyOne(free, turn, target, applied)
    if (fault) return fault
  }
  return undefined
}

function endless({ path }: CheckedCommand): Rejected {
  const message = `More than ${MAX_FOLLOW_UPS} commands, or ${MAX_DEPTH} one from the other.`
  return { kind: 'rejected', rejection: { code: 'INTERCEPTOR_INVALID', message, at: path } }
}

function followUpRejected({ code, message, at }: Rejection): Rejected {
  const why = { code: 'FOLLOW_UP_REJECTED', message: `What had to follow it: ${message} (${code})` }
  return { kind: 'rejected', rejection: at ? { ...why, at } : why }
}
