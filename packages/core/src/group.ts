import { FlushoutError } from './errors.ts'
import { isKey } from './json.ts'
import type { Flush, FlushGroup } from './protocol.ts'

/** How a batch is given. */
export interface BatchOptions {
  /**
   * What a person would call all of it, for the history; the first 200 characters. In a
   * batch with a label, that one counts.
   */
  readonly label?: string
}

/** What pending commands that belong together have in common. */
export interface PendingGroup {
  /** The same for each of its commands, and no other of its session: at most the serial of its first. */
  readonly id: number
  readonly label?: string
}

interface Grouped {
  readonly group: PendingGroup | undefined
}

const MAX_LABEL = 200

/** A label as it is sent: cut to its limit, and the same on both sides of a network. */
export function toLabel(label: string): string {
  return label.slice(0, MAX_LABEL).toWellFormed()
}

/** About how many characters a group takes in a flush, besides its commands. */
export function measureGroup(group: PendingGroup): number {
  return JSON.stringify(group).length + 20
}

/** How far the commands go that belong with the one at `at`. */
export function endOfGroup(commands: readonly Grouped[], at: number): number {
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
  groups.forEach(({ at, count, label }, index) => {
    const isRange = Number.isSafeInteger(at) && Number.isSafeInteger(count) && count > 0
    const isLabel = label === undefined || (isKey(label) && label.length <= MAX_LABEL)
    if (!isRange || at < free || at + count > commands.length || !isLabel) {
      const place = `At "/groups/${index}"`
      throw new FlushoutError('FLUSH_INVALID', `${place}: must be a range of commands, in order.`)
    }
    free = at + count
  })
}
