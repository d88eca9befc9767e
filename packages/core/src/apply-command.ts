import { applyRuled, type FollowUp, type RuledTarget } from './apply-ruled.ts'
import { applyRun, isRun } from './apply-run.ts'
import { checkGiven, type CheckedCommand, type CheckedRun } from './check.ts'
import type { Rejection } from './command.ts'
import type { Change } from './document.ts'
import { findStale, readFields, withoutExpects, type AskWritten } from './expects.ts'
import type { EntryNote, LogEntry } from './history.ts'
import type { Interceptor, InterceptorContext, User } from './interceptor.ts'
import { measureJson, type JsonObject, type JsonValue } from './json.ts'
import type { MeasuredTree } from './measured-tree.ts'
import { checkParents } from './orphan.ts'
import type { NamedCommands } from './named.ts'
import type { Path } from './path.ts'
import type { Flush, GroupReads, Remap, Verdict } from './protocol.ts'
import type { Past } from './read-check.ts'
import { remapCommand, withFreeId } from './remap.ts'
import { meet, type Merged, type Resolver } from './resolve.ts'
import type { Translate } from './versions.ts'
import { Writings } from './writings.ts'

/** Who sends a flush and when: made once for each, so that doing it again gives the same. */
export interface FlushContext<U extends User = User> {
  readonly user: U | undefined
  /** Milliseconds since 1970. */
  readonly now: number
  /** Where the random numbers of interceptors come from. */
  readonly seed: string
  /** Commands, by their index, that are refused whatever the document is. */
  readonly objections?: ReadonlyMap<number, Rejection>
}

/** What a flush is applied to, and by which rules. */
export interface FlushTarget<U extends User> {
  readonly tree: MeasuredTree
  /** Grows by what the flush does to the tree. */
  readonly changes: Change[]
  readonly createId: () => string
  readonly interceptors?: readonly Interceptor<U>[]
  readonly commands?: NamedCommands
  /** What to do with updates that found something else than they expect. */
  readonly resolve?: Resolver<U>
  /** The history after a count; undefined where it does not reach back that far. */
  readonly entriesAfter: (count: number) => readonly LogEntry[] | undefined
  /** All of the history that can be had, if it has this point; else undefined. */
  readonly pastOf: (point: GroupReads) => Past | undefined
  /** How to read the commands, where they are of an older schema version. */
  readonly translate?: Translate | undefined
  readonly maxDocumentBytes?: number
  readonly onInterceptorError?: (error: unknown) => void
}

/** What has come of the commands of a flush so far. */
export interface Growing {
  /** Those that took effect, as applied. */
  readonly commands: CheckedCommand[]
  readonly notes: EntryNote[]
  readonly verdicts: Verdict[]
  readonly remaps: Remap[]
  /** The nodes whose create was refused, as the client calls them. */
  readonly refused: Path[]
  /** How many more characters may be told as found. */
  room: number
  /** Where others wrote. */
  readonly writings: Writings
  readonly objections: FlushContext['objections']
}

type Result =
  | {
      readonly ok: true
      readonly command: CheckedCommand
      readonly followUps: readonly FollowUp[]
      readonly merged: Merged | undefined
    }
  | { readonly ok: false; readonly refusal: Refusal }

interface Refusal {
  readonly kind: 'rejected' | 'dropped' | 'conflict'
  readonly rejection: Rejection
  /** Where it is a conflict. */
  readonly found?: JsonObject
}

const MAX_DOCUMENT_BYTES = 1024 * 1024

/** Apply the command at `index`, with what follows it, and note what came of that. */
export function applyAt<U extends User>(
  index: number,
  flush: Flush,
  context: InterceptorContext<U>,
  target: FlushTarget<U>,
  growing: Growing,
): void {
  const { commands, notes, verdicts, remaps, refused } = growing
  const checked = checkGiven(flush.commands[index]!, target.createId)
  if (!checked.ok) {
    verdicts.push({ index, kind: 'rejected', rejection: checked.rejection })
    return
  }
  const sent = checked.command
  const scene = { flush, context, target, writings: growing.writings }
  if (isRun(sent)) return runAt(index, sent, scene, growing)
  const named = remapCommand(sent, remaps)
  const orphaned = checkParents(sent.path, refused)
  const objection = growing.objections?.get(index)
  const result: Result = orphaned
    ? { ok: false, refusal: { kind: 'dropped', rejection: orphaned } }
    : objection
      ? { ok: false, refusal: { kind: 'rejected', rejection: objection } }
      : applyOne(named, scene)
  if (!result.ok) {
    const { found, ...refusal } = result.refusal
    verdicts.push({ index, ...refusal, ...(found && takeRoom(growing, found)) })
    if (sent.action === 'create') refused.push([...sent.path, sent.id])
    return
  }
  const command = withoutExpects(result.command)
  const first = commands.push(command) - 1
  if (result.merged) {
    const { sent: given, found } = result.merged
    const base = given.expects?.since ?? flush.from
    notes.push({ index: first, merged: { sent: given, ...takeRoom(growing, found), base } })
  }
  const followUps = addFollowUps(result.followUps, first, growing)
  const led = followUps.length > 0 && { followUps }
  if (result.command !== sent) verdicts.push({ index, kind: 'amended', command, ...led })
  else if (led) verdicts.push({ index, kind: 'applied', ...led })
  if (command.action !== 'create' || sent.action !== 'create' || command.id === sent.id) return
  remaps.push({
    // As its author calls the place, who may know another version of it.
    from: Object.freeze([...named.path, sent.id]),
    to: Object.freeze([...named.path, command.id]),
  })
}

/** Run a named command here: what it makes is what takes effect, and nothing else of it. */
function runAt<U extends User>(
  index: number,
  run: CheckedRun,
  scene: Scene<U>,
  growing: Growing,
): void {
  const { commands, notes, verdicts } = growing
  const changes: Change[] = []
  const objection = growing.objections?.get(index)
  const result = objection
    ? ({ ok: false, refusal: { kind: 'rejected', rejection: objection } } as const)
    : applyRun<U, Refusal>(run, toRuled(scene, changes))
  for (const change of changes) scene.target.changes.push(change)
  if (!result.ok) {
    const { kind, rejection } = result.refusal
    verdicts.push({ index, kind, rejection })
    return
  }
  if (result.followUps.length === 0) return
  const { name, args } = run
  const told = { name, ...(args && { args }), count: result.followUps.length }
  notes.push({ index: commands.length, run: told })
  const followUps = addFollowUps(result.followUps, commands.length, growing)
  verdicts.push({ index, kind: 'applied', followUps })
}

/** Add what follows the command at `first`, with notes of what each follows. */
function addFollowUps(
  followUps: readonly FollowUp[],
  first: number,
  { commands, notes }: Growing,
): readonly CheckedCommand[] {
  return followUps.map(({ command, cause }) => {
    const applied = withoutExpects(command)
    const index = commands.push(applied) - 1
    if (cause >= 0) notes.push({ index, cause: first + cause })
    return applied
  })
}

/** `found` as a field, if it can be told. */
export function takeRoom(growing: Growing, found: JsonObject): { readonly found?: JsonObject } {
  const size = measureJson(found)
  if (size > growing.room) return {}
  growing.room -= size
  return { found }
}

/** In what a command is applied. */
interface Scene<U extends User> {
  readonly flush: Flush
  readonly context: InterceptorContext<U>
  readonly target: FlushTarget<U>
  readonly writings: Writings
}

function applyOne<U extends User>(command: CheckedCommand, scene: Scene<U>): Result {
  const { context, target } = scene
  const { tree, createId, onInterceptorError: onError = () => {} } = target
  const askWritten = askOf(scene)
  const translated = target.translate?.(command) ?? { ok: true, command }
  if (!translated.ok) {
    const { kind, rejection } = translated
    return { ok: false, refusal: { kind, rejection } }
  }
  const given = withFreeId(tree, translated.command, createId)
  const met = meet(tree, given, { resolver: target.resolve, askWritten, context, onError })
  if (!met.ok) return met
  const changes: Change[] = []
  const result = applyRuled<U, Refusal>(met.command, toRuled(scene, changes))
  for (const change of changes) target.changes.push(change)
  return result.ok ? { ...result, merged: met.merged } : result
}

function askOf<U extends User>({ flush, writings }: Scene<U>): AskWritten {
  return (path, since) => {
    // Who claims no past, or a part of it that they did not hold, names a count of another one.
    const isClaimed = flush.hash !== '' && since <= flush.from
    return !isClaimed || writings.has(path, since) !== false
  }
}

/** What a command of the flush applies to; `changes` are those of this command alone. */
function toRuled<U extends User>(scene: Scene<U>, changes: Change[]): RuledTarget<U, Refusal> {
  const { context, target } = scene
  const { tree, createId, interceptors = [], commands, onInterceptorError = () => {} } = target
  const askWritten = askOf(scene)
  return {
    tree,
    changes,
    context,
    createId,
    interceptors,
    commands,
    onError: onInterceptorError,
    apply: (ruled) => {
      const tooLarge = checkSize(ruled, target)
      if (tooLarge) return { kind: 'rejected', rejection: tooLarge }
      // Of what follows it, too.
      const stale = findStale(tree, ruled, askWritten)
      if (stale) return { kind: 'conflict', rejection: stale, found: readFields(tree, ruled) }
      const rejection = tree.apply(ruled, changes)
      // The form was right, so the document is not what the client saw.
      return rejection && { kind: 'dropped', rejection }
    },
  }
}

function checkSize<U extends User>(
  command: CheckedCommand,
  { tree, maxDocumentBytes = MAX_DOCUMENT_BYTES }: FlushTarget<U>,
): Rejection | undefined {
  if (command.action === 'delete') return undefined
  // An update may replace as much as it brings, but that is not worth a look
  // at the document: who is this near to the limit must delete first.
  const size = tree.bytes + measureJson(command as unknown as JsonValue)
  if (size <= maxDocumentBytes) return undefined
  const message = `The document would take ${size} characters; ${maxDocumentBytes} are allowed.`
  return { code: 'DOCUMENT_TOO_LARGE', message, at: command.path }
}
