import { FlushoutError } from './errors.ts'
import { isKey } from './json.ts'
import type { Loss } from './loss.ts'
import type { Flush, FlushGroup } from './protocol.ts'

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
}

/** What pending commands that belong together have in common. */
export interface PendingGroup {
  /** A serial of its own, before those of its commands. */
  readonly id: number
  readonly label?: string
  readonly atomic?: true
}

interface Grouped {
  readonly group: PendingGroup | undefined
}

interface Measured extends Grouped {
  readonly size: number
}

const MAX_LABEL = 200

/** A label as it is sent: cut to its limit, and the same on both sides of a network. */
function toLabel(label: string): string {
  return label.slice(0, MAX_LABEL).toWellFormed()
}

/** Make the group of a batch or a command; undefined where it needs none. */
export function createGroup(
  label: string | undefined,
  atomic: boolean | undefined,
  createId: () => number,
): PendingGroup | undefined {
  if (label === undefined && !atomic) return undefined
  return Object.freeze({
    id: createId(),
    ...(label !== undefined && { label: toLabel(label) }),
    ...(atomic && { atomic: true as const }),
  })
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
  groups.forEach(({ at, count, label, atomic }, index) => {
    const isRange = Number.isSafeInteger(at) && Number.isSafeInteger(count) && count > 0
    const isLabel = label === undefined || (isKey(label) && label.length <= MAX_LABEL)
    const isRight = isLabel && (atomic === undefined || atomic)
    if (!isRange || at < free || at + count > commands.length || !isRight) {
      const place = `At "/groups/${index}"`
      throw new FlushoutError('FLUSH_INVALID', `${place}: must be a range of commands, in order.`)
    }
    free = at + count
  })
}
