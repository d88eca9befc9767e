import type { Rejection } from './command.ts'
import { FlushoutError } from './errors.ts'
import { isKey, MAX_DEPTH } from './json.ts'
import type { Loss } from './loss.ts'
import { describePath, isPath, startsWith, type Path } from './path.ts'
import type { Flush, FlushGroup, GroupReads, Position } from './protocol.ts'

/** How a batch is given. */
export interface BatchOptions {
  /**
   * What a person would call all of it, for the history; the first 200 characters. In a
   * batch with a label, that one counts.
   */
  readonly label?: string
  /**
   * All of it takes effect or nothing, here and on the master: if one command is refused,
   * the others are dropped with GROUP_REJECTED. It has to fit into one flush. A batch in
   * it belongs to it.
   */
  readonly atomic?: boolean
  /**
   * The paths that were read to decide what to do; makes it atomic. It is a conflict if
   * there is no order in which it and what others did could have happened one after the
   * other, as when another wrote what it read, and read what it writes. At most 100.
   */
  readonly reads?: readonly Path[]
}

/** What pending commands that belong together have in common. */
export interface PendingGroup {
  /** A serial of its own, before those of its commands. */
  readonly id: number
  readonly label?: string
  readonly atomic?: true
  readonly reads?: GroupReads
}

interface Grouped {
  readonly group: PendingGroup | undefined
}

interface Measured extends Grouped {
  readonly size: number
}

const MAX_LABEL = 200
const MAX_READS = 100

/** A label as it is sent: cut to its limit, and the same on both sides of a network. */
function toLabel(label: string): string {
  return label.slice(0, MAX_LABEL).toWellFormed()
}

/** Make the group of a batch or a command, which may still grow; undefined where it needs none. */
export function createGroup(
  label: string | undefined,
  atomic: boolean | undefined,
  createId: () => number,
  reads?: GroupReads,
): PendingGroup | undefined {
  if (label === undefined && !atomic && !reads) return undefined
  return {
    id: createId(),
    ...(label !== undefined && { label: toLabel(label) }),
    ...((atomic || reads) && { atomic: true as const }),
    ...(reads && { reads }),
  }
}

/** What a batch that is given now read. Throws OPTIONS_INVALID for what are no paths. */
export function toReads(paths: readonly Path[], { from, hash }: Position): GroupReads {
  if (!isReadable(paths)) {
    const message = `\`reads\` of a batch is a list of at most ${MAX_READS} paths.`
    throw new FlushoutError('OPTIONS_INVALID', message)
  }
  return { since: from, hash, paths: paths.map((path) => Object.freeze([...path])) }
}

function isReadable(paths: unknown): paths is readonly Path[] {
  if (!Array.isArray(paths) || paths.length > MAX_READS) return false
  return paths.every((path) => isPath(path) && path.length <= MAX_DEPTH)
}

/** Tell whether what was claimed to be read has its form. */
export function isReads(reads: unknown): reads is GroupReads {
  const { since, hash, paths } = Object(reads) as GroupReads
  return Number.isSafeInteger(since) && since >= 0 && typeof hash === 'string' && isReadable(paths)
}

/** Tell that something which a group decided by is not so. */
export function readsOutdated(at: Path): Rejection {
  const message = `${describePath(at)} is not as it was when this was decided.`
  return { code: 'CONFLICT', message, at: Object.freeze(at) }
}

/** Tell whether one path is the other, or above it. */
export function overlap(a: Path, b: Path): boolean {
  return startsWith(a, b) || startsWith(b, a)
}

/** Why the others of an atomic group do not take effect either. */
export function groupRejected(): Loss {
  const message = 'A command that it had to take effect together with did not.'
  return { kind: 'dropped', rejection: { code: 'GROUP_REJECTED', message } }
}

/** About how many characters the commands from `at` to `end` take in a flush. */
export function measureUnit(commands: readonly Measured[], at: number, end: number): number {
  let size = 0
  for (let index = at; index < end; index += 1) {
    const { size: own, group } = commands[index]!
    const isFirst = group && commands[index - 1]?.group?.id !== group.id
    size += own + (isFirst ? JSON.stringify(group).length + 20 : 0)
  }
  return size
}

/** How far the commands go that take effect together with the one at `at`. */
export function endOfUnit(commands: readonly Grouped[], at: number): number {
  return commands[at]!.group?.atomic ? endOfGroup(commands, at) : at + 1
}

/** Where the commands begin that take effect together with the one at `at`. */
export function startOfUnit(commands: readonly Grouped[], at: number): number {
  const group = commands[at]?.group
  let start = at
  if (!group?.atomic) return start
  while (commands[start - 1]?.group?.id === group.id) start -= 1
  return start
}

/** How far the commands go that belong with the one at `at`. */
function endOfGroup(commands: readonly Grouped[], at: number): number {
  const { group } = commands[at]!
  let end = at + 1
  if (!group) return end
  while (commands[end]?.group?.id === group.id) end += 1
  return end
}

/** The groups of commands that are sent together. */
export function toFlushGroups(commands: readonly Grouped[]): FlushGroup[] {
  const groups: FlushGroup[] = []
  for (let at = 0, end = 0; at < commands.length; at = end) {
    const { group } = commands[at]!
    end = endOfGroup(commands, at)
    if (!group) continue
    const { id: _, ...rest } = group
    groups.push(Object.freeze({ at, count: end - at, ...rest }))
  }
  return groups
}

/** Throw FLUSH_INVALID unless the groups of `flush` are ranges of its commands, in order. */
export function checkGroups({ groups = [], commands }: Flush): void {
  let free = 0
  groups.forEach(({ at, count, label, atomic, reads }, index) => {
    const isRange = Number.isSafeInteger(at) && Number.isSafeInteger(count) && count > 0
    const isLabel = label === undefined || (isKey(label) && label.length <= MAX_LABEL)
    const isRead = reads === undefined || (atomic === true && isReads(reads))
    const isRight = isLabel && isRead && (atomic === undefined || atomic)
    if (!isRange || at < free || at + count > commands.length || !isRight) {
      const place = `At "/groups/${index}"`
      throw new FlushoutError('FLUSH_INVALID', `${place}: must be a range of commands, in order.`)
    }
    free = at + count
  })
}
