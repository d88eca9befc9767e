// Answers come from the network and may be anything: a proxy's error page, an
// older message, half a message. Whatever passes here can be worked with.
import { checkCommand, type CheckedCommand } from './check.ts'
import type { Rejection } from './command.ts'
import { copyJson, type JsonObject } from './json.ts'
import { isPath } from './path.ts'
import type { FlushAnswer, PullAnswer, Remap, Snapshot } from './protocol.ts'

/** An applied flush whose commands are checked; undefined in the answer to the flush itself. */
export interface CheckedUpdateEntry {
  readonly from: number
  readonly hash: string
  readonly clientId: string
  readonly sequence: number
  readonly commands: readonly CheckedCommand[] | undefined
}

export type CheckedSync =
  | { readonly kind: 'none' }
  | { readonly kind: 'updates'; readonly updates: readonly CheckedUpdateEntry[] }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }

export type CheckedVerdict =
  | { readonly index: number; readonly kind: 'amended'; readonly command: CheckedCommand }
  | { readonly index: number; readonly kind: 'rejected' | 'dropped'; readonly rejection: Rejection }

/** A `PullAnswer` that has the right form and is deeply frozen where it is kept. */
export interface CheckedPull {
  readonly commandCount: number
  readonly hash: string
  readonly sync: CheckedSync
}

/** A `FlushAnswer` of the right form. */
export interface CheckedAnswer extends CheckedPull {
  readonly sequence: number
  readonly verdicts: ReadonlyMap<number, CheckedVerdict>
  readonly remaps: readonly Remap[]
}

/** Check what claims to be a `FlushAnswer`; undefined if it is none. Never throws. */
export function checkFlushAnswer(answer: unknown, commands: number): CheckedAnswer | undefined {
  const pull = checkPullAnswer(answer)
  const { sequence, outcome, verdicts, remaps } = Object(answer) as FlushAnswer
  if (!pull || !isCount(sequence) || !['applied', 'repeated'].includes(outcome)) return undefined
  if (!Array.isArray(verdicts) || !Array.isArray(remaps) || !remaps.every(isRemap)) return undefined
  const checked = verdicts.map((verdict) => checkVerdict(verdict, commands))
  if (checked.includes(undefined)) return undefined
  const byIndex = new Map((checked as CheckedVerdict[]).map((verdict) => [verdict.index, verdict]))
  return { ...pull, sequence, verdicts: byIndex, remaps }
}

/** Check what claims to be a `PullAnswer`; undefined if it is none. Never throws. */
export function checkPullAnswer(answer: unknown): CheckedPull | undefined {
  const { commandCount, hash, sync } = Object(answer) as PullAnswer
  if (!isCount(commandCount) || typeof hash !== 'string') return undefined
  const checked = checkSync(sync)
  return checked && { commandCount, hash, sync: checked }
}

/** Check what claims to be a `Snapshot`; undefined if it is none. The copy is deeply frozen. */
export function checkSnapshot(snapshot: unknown): Snapshot | undefined {
  const { commandCount, hash, document } = Object(snapshot) as Snapshot
  if (!isCount(commandCount) || typeof hash !== 'string') return undefined
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return undefined
  const copy = copyJson(document)
  return copy.ok ? { commandCount, hash, document: copy.value as JsonObject } : undefined
}

function checkSync(sync: unknown): CheckedSync | undefined {
  const { kind, updates, snapshot } = Object(sync) as Record<string, unknown>
  if (kind === 'none') return { kind }
  if (kind === 'snapshot') {
    const checked = checkSnapshot(snapshot)
    return checked && { kind, snapshot: checked }
  }
  if (kind !== 'updates' || !Array.isArray(updates)) return undefined
  const checked = updates.map(checkUpdateEntry)
  return checked.includes(undefined) ? undefined : { kind, updates: checked as CheckedUpdateEntry[] }
}

function checkUpdateEntry(update: unknown): CheckedUpdateEntry | undefined {
  const { from, hash, clientId, sequence, commands } = Object(update) as CheckedUpdateEntry
  if (!isCount(from) || !isCount(sequence)) return undefined
  if (typeof hash !== 'string' || typeof clientId !== 'string') return undefined
  if (commands === undefined) return { from, hash, clientId, sequence, commands }
  if (!Array.isArray(commands)) return undefined
  const checked = commands.map(checkApplied)
  if (checked.includes(undefined)) return undefined
  return { from, hash, clientId, sequence, commands: checked as CheckedCommand[] }
}

function checkVerdict(verdict: unknown, commands: number): CheckedVerdict | undefined {
  const { index, kind, command, rejection } = Object(verdict) as Record<string, unknown>
  if (!isCount(index) || index >= commands) return undefined
  if (kind === 'amended') {
    const checked = checkApplied(command)
    return checked && { index, kind, command: checked }
  }
  const { code, message } = Object(rejection) as Rejection
  if ((kind !== 'rejected' && kind !== 'dropped') || typeof code !== 'string') return undefined
  if (typeof message !== 'string') return undefined
  return { index, kind, rejection: rejection as Rejection }
}

/** A command of the history always has its id. */
function checkApplied(command: unknown): CheckedCommand | undefined {
  const { action, id } = Object(command) as { action?: unknown; id?: unknown }
  if (action === 'create' && typeof id !== 'string') return undefined
  const checked = checkCommand(command as CheckedCommand, () => '')
  return checked.ok ? checked.command : undefined
}

function isRemap(remap: unknown): remap is Remap {
  const { from, to } = Object(remap) as Remap
  return isPath(from) && isPath(to) && from.length > 0 && from.length === to.length
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
