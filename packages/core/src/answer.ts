// Answers come from the network and may be anything: a proxy's error page, an
// older message, half a message. Whatever passes here can be worked with.
import { checkCommand, checkGiven, type CheckedCommand, type CheckedGiven } from './check.ts'
import type { Rejection, Run } from './command.ts'
import { attempt, demand, toCount, toList, toText } from './demand.ts'
import { copyJson, isObject, type JsonObject } from './json.ts'
import { isPath } from './path.ts'
import type { FlushAnswer, PullAnswer, Remap, Snapshot } from './protocol.ts'

/** An applied flush whose commands are checked; undefined in the answer to the flush itself. */
export interface CheckedUpdateEntry {
  readonly from: number
  readonly hash: string
  readonly clientId: string
  readonly sequence: number
  readonly commands: readonly CheckedCommand[] | undefined
  readonly schema: number | undefined
}

type CheckedSync =
  | { readonly kind: 'none' }
  | { readonly kind: 'updates'; readonly updates: readonly CheckedUpdateEntry[] }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }

type CheckedVerdict =
  | {
      readonly index: number
      readonly kind: 'applied'
      readonly followUps: readonly CheckedCommand[]
    }
  | {
      readonly index: number
      readonly kind: 'amended'
      readonly command: CheckedCommand
      readonly followUps?: readonly CheckedCommand[]
    }
  | { readonly index: number; readonly kind: 'rejected' | 'dropped'; readonly rejection: Rejection }
  | {
      readonly index: number
      readonly kind: 'conflict'
      readonly rejection: Rejection
      readonly found: JsonObject | undefined
    }

/** A `PullAnswer` that has the right form and is deeply frozen where it is kept. */
export interface CheckedPull {
  readonly commandCount: number
  readonly hash: string
  readonly sync: CheckedSync
}

/** A `FlushAnswer` of the right form. */
export interface CheckedAnswer extends CheckedPull {
  readonly clientId: string
  readonly sequence: number
  readonly verdicts: ReadonlyMap<number, CheckedVerdict>
  readonly remaps: readonly Remap[]
}

/** Check what claims to be a `FlushAnswer`; undefined if it is none. Never throws. */
export function checkFlushAnswer(answer: unknown, commands: number): CheckedAnswer | undefined {
  return attempt(() => {
    const { clientId, sequence, outcome, verdicts, remaps } = Object(answer) as FlushAnswer
    demand(outcome === 'applied' || outcome === 'repeated')
    const checked = toList(verdicts, (verdict) => toVerdict(verdict, commands))
    return {
      ...toPull(answer),
      clientId: toText(clientId),
      sequence: toCount(sequence),
      verdicts: new Map(checked.map((verdict) => [verdict.index, verdict])),
      remaps: toList(remaps, toRemap),
    }
  })
}

/** Check what claims to be a `PullAnswer`; undefined if it is none. Never throws. */
export function checkPullAnswer(answer: unknown): CheckedPull | undefined {
  return attempt(() => toPull(answer))
}

/** Check what claims to be a `Snapshot`; undefined if it is none. The copy is deeply frozen. */
export function checkSnapshot(snapshot: unknown): Snapshot | undefined {
  return attempt(() => toSnapshot(snapshot))
}

/** Check what claims to be a `LogRecord`; undefined if it is none. Never throws. */
export function checkRecord(record: unknown): CheckedUpdateEntry | undefined {
  return attempt(() => toUpdate(record))
}

/** Check what claims to be a command of a history, which has its id; undefined if it is none. Never throws. */
export function checkApplied(command: unknown): CheckedCommand | undefined {
  return attempt(() => toApplied(command))
}

/** The same for what was sent, or waits to be: it may be named. */
export function checkSent(command: unknown): CheckedGiven | undefined {
  const isNamed = Object(command).action === 'run'
  const checked = isNamed ? checkGiven(command as Run, () => '') : undefined
  if (checked) return checked.ok ? checked.command : undefined
  return checkApplied(command)
}

// Each of the functions below gives what it is named after, or throws.

function toPull(answer: unknown): CheckedPull {
  const { commandCount, hash, sync } = Object(answer) as PullAnswer
  return { commandCount: toCount(commandCount), hash: toText(hash), sync: toSync(sync) }
}

function toSnapshot(snapshot: unknown): Snapshot {
  const { commandCount, hash, document, schema } = Object(snapshot) as Snapshot
  return {
    commandCount: toCount(commandCount),
    hash: toText(hash),
    document: toObject(document),
    ...(schema !== undefined && { schema: toCount(schema) }),
  }
}

/** A deeply frozen copy. */
function toObject(value: unknown): JsonObject {
  demand(isObject(value as JsonObject))
  const copy = copyJson(value)
  demand(copy.ok)
  return copy.value as JsonObject
}

function toSync(sync: unknown): CheckedSync {
  const { kind, updates, snapshot } = Object(sync) as Record<string, unknown>
  if (kind === 'none') return { kind }
  if (kind === 'snapshot') return { kind, snapshot: toSnapshot(snapshot) }
  demand(kind === 'updates')
  return { kind, updates: toList(updates, toUpdate) }
}

function toUpdate(update: unknown): CheckedUpdateEntry {
  const { from, hash, clientId, sequence, commands, schema } = Object(update) as CheckedUpdateEntry
  return {
    from: toCount(from),
    hash: toText(hash),
    clientId: toText(clientId),
    sequence: toCount(sequence),
    commands: commands === undefined ? undefined : toList(commands, toApplied),
    schema: schema === undefined ? undefined : toCount(schema),
  }
}

function toVerdict(verdict: unknown, commands: number): CheckedVerdict {
  const fields = Object(verdict) as Record<string, unknown>
  const { kind, command, rejection, followUps, found } = fields
  const index = toCount(fields['index'])
  demand(index < commands)
  const led = followUps === undefined ? undefined : { followUps: toList(followUps, toApplied) }
  if (kind === 'applied' && led) return { index, kind, ...led }
  if (kind === 'amended') return { index, kind, command: toApplied(command), ...led }
  demand(kind === 'rejected' || kind === 'dropped' || kind === 'conflict')
  const { code, message } = Object(rejection) as Rejection
  toText(code)
  toText(message)
  const why = rejection as Rejection
  if (kind !== 'conflict') return { index, kind, rejection: why }
  return { index, kind, rejection: why, found: found === undefined ? undefined : toObject(found) }
}

/** A command of the history always has its id. */
function toApplied(command: unknown): CheckedCommand {
  const { action, id } = Object(command) as { action?: unknown; id?: unknown }
  if (action === 'create') toText(id)
  const checked = checkCommand(command as CheckedCommand, () => '')
  demand(checked.ok)
  return checked.command
}

function toRemap(remap: unknown): Remap {
  const { from, to } = Object(remap) as Remap
  demand(isPath(from) && isPath(to) && from.length > 0 && from.length === to.length)
  return { from, to }
}
