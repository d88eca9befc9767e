import {
  applyAt,
  takeRoom,
  type FlushContext,
  type FlushTarget,
  type Growing,
} from './apply-command.ts'
import { isRun } from './apply-run.ts'
import { checkGiven, type CheckedCommand } from './check.ts'
import { readFields } from './expects.ts'
import { groupRejected, readsOutdated } from './group.ts'
import type { EntryNote } from './history.ts'
import type { InterceptorContext, User } from './interceptor.ts'
import type { Path } from './path.ts'
import type { Flush, FlushGroup, Remap, Verdict } from './protocol.ts'
import { ReadCheck } from './read-check.ts'
import { createRandom } from './random.ts'
import { nodeOf } from './remap.ts'
import { Writings } from './writings.ts'

/** What came of the commands of a flush. */
export interface FlushResult {
  /** Those that took effect, as applied. */
  readonly commands: readonly CheckedCommand[]
  /** What the history tells of them besides. */
  readonly notes: readonly EntryNote[]
  readonly verdicts: readonly Verdict[]
  readonly remaps: readonly Remap[]
}

/** Characters of all that is told of a flush as found. A command may name the whole document. */
const MAX_FOUND = 65_536

/**
 * Apply the commands of a flush in order. One that is refused does not stop the
 * others, but what builds on a refused create goes with it. If a function of
 * the target throws, nothing has changed.
 */
export function applyFlush<U extends User>(
  flush: Flush,
  { user, now, seed, objections }: FlushContext<U>,
  target: FlushTarget<U>,
): FlushResult {
  const context: InterceptorContext<U> = { side: 'master', user, now, random: createRandom(seed) }
  const growing: Growing = {
    commands: [],
    notes: [],
    verdicts: [],
    remaps: [],
    refused: [],
    room: MAX_FOUND,
    writings: new Writings(flush.clientId, target.entriesAfter),
    objections,
  }
  const check = new ReadCheck(target.pastOf)
  try {
    let index = 0
    for (const group of flush.groups ?? []) {
      for (; index < group.at; index += 1) applyAt(index, flush, context, target, growing)
      const start = mark(growing, target)
      const end = group.at + group.count
      for (; index < end && !(group.atomic && isRefused(growing, start)); index += 1) {
        applyAt(index, flush, context, target, growing)
      }
      const isLost = isRefused(growing, start)
      const outdated = isLost
        ? undefined
        : check.findOutdated(group, flush, start.commands, growing)
      if (outdated || (group.atomic && isLost)) {
        const failed = takeBack(start, growing, target)
        reject(group, flush, outdated ? { outdated } : { failed }, growing, target)
      } else note(group, start, growing)
      index = end
    }
    for (; index < flush.commands.length; index += 1) {
      applyAt(index, flush, context, target, growing)
    }
    return growing
  } catch (error) {
    target.tree.undo(target.changes)
    throw error
  }
}

/** Note what is known of a group whose commands are those from `start` on. */
function note(
  { label, atomic, reads }: FlushGroup,
  start: Mark,
  { commands, notes }: Growing,
): void {
  const count = commands.length - start.commands
  if (count === 0 || (label === undefined && !atomic)) return
  addNote(notes, {
    index: start.commands,
    ...(label !== undefined && { label }),
    ...(atomic && { atomic }),
    ...(reads && { reads: { since: reads.since, paths: reads.paths } }),
    ...(count > 1 && { count }),
  })
}

/** What is told of one command is one note. */
function addNote(notes: EntryNote[], told: EntryNote): void {
  const at = notes.findIndex(({ index }) => index >= told.index)
  if (at < 0) notes.push(told)
  else if (notes[at]!.index === told.index) notes[at] = { ...notes[at], ...told }
  else notes.splice(at, 0, told)
}

/** How long everything was before a group. */
type Mark = Record<'changes' | 'commands' | 'notes' | 'verdicts' | 'remaps' | 'refused', number>

function mark<U extends User>(growing: Growing, { changes }: FlushTarget<U>): Mark {
  const { commands, notes, verdicts, remaps, refused } = growing
  return {
    changes: changes.length,
    commands: commands.length,
    notes: notes.length,
    verdicts: verdicts.length,
    remaps: remaps.length,
    refused: refused.length,
  }
}

/** Whether the last command of a group, which begins at `start`, was refused. */
function isRefused({ verdicts }: Growing, start: Mark): boolean {
  if (verdicts.length === start.verdicts) return false
  const { kind } = verdicts.at(-1)!
  return kind !== 'applied' && kind !== 'amended'
}

/** Take back all since `start`, and give the last verdict of it. */
function takeBack<U extends User>(
  start: Mark,
  { commands, notes, verdicts, remaps, refused }: Growing,
  { tree, changes }: FlushTarget<U>,
): Verdict | undefined {
  tree.undo(changes.splice(start.changes))
  commands.length = start.commands
  notes.length = start.notes
  remaps.length = start.remaps
  refused.length = start.refused
  return verdicts.splice(start.verdicts).at(-1)
}

/** Say why an atomic group took no effect: by the verdict of the command that failed, or what was read at `outdated`. */
function reject<U extends User>(
  { at, count }: FlushGroup,
  flush: Flush,
  {
    failed,
    outdated,
  }: { readonly failed?: Verdict | undefined; readonly outdated?: Path | undefined },
  growing: Growing,
  { tree, createId }: FlushTarget<U>,
): void {
  for (let index = at; index < at + count; index += 1) {
    const sent = checkGiven(flush.commands[index]!, createId)
    if (outdated && index === at) {
      const found =
        sent.ok && !isRun(sent.command) ? takeRoom(growing, readFields(tree, sent.command)) : {}
      const rejection = readsOutdated(outdated)
      growing.verdicts.push({ index, kind: 'conflict', rejection, ...found })
    } else if (index === failed?.index) growing.verdicts.push(failed)
    else growing.verdicts.push({ index, ...groupRejected() })
    if (sent.ok && sent.command.action === 'create') growing.refused.push(nodeOf(sent.command))
  }
}
