import { checkCommand, type CheckedCommand } from './check.ts'
import { overlap } from './group.ts'
import type { EntryNote, LogEntry } from './history.ts'
import { writtenPaths } from './past.ts'
import { ROOT, type Path } from './path.ts'
import type { Flush, FlushGroup, GroupReads, Verdict } from './protocol.ts'
import { SerialOrder, toUnits } from './serial-order.ts'

/** The history up to now, from some count on. */
export interface Past {
  readonly from: number
  readonly to: number
  readonly entries: readonly LogEntry[]
}

/** What came of a flush so far. */
interface SoFar {
  readonly commands: readonly CheckedCommand[]
  readonly notes: readonly EntryNote[]
  readonly verdicts: readonly Verdict[]
}

/** Tells for the groups of one flush, in their order, whether what they read is still so. */
export class ReadCheck {
  readonly #pastOf: (reads: GroupReads) => Past | undefined
  #order: SerialOrder | undefined
  // So many commands of the flush are in it.
  #added = 0

  constructor(pastOf: (reads: GroupReads) => Past | undefined) {
    this.#pastOf = pastOf
  }

  /**
   * What a group, whose commands are those of `soFar` from `start` on, has read that rules
   * it out; undefined if it may be.
   */
  findOutdated(
    { at, reads }: FlushGroup,
    { clientId, commands: sent }: Flush,
    start: number,
    soFar: SoFar,
  ): Path | undefined {
    if (!reads) return undefined
    const { since, paths } = reads
    const past = this.#pastOf(reads)
    // Nobody can vouch for what was read then.
    if (!past) return paths[0] ?? ROOT
    const altered = soFar.verdicts.flatMap((verdict) =>
      verdict.index < at ? alteredBy(verdict, sent) : [],
    )
    const misled = paths.find((path) => altered.some((other) => overlap(path, other)))
    if (misled) return misled
    const order = this.#extend(past, clientId, start, soFar)
    const from = past.to + start
    const units = toUnits({ from, clientId, commands: soFar.commands.slice(start) })
    const writes = units.flatMap((unit) => unit.writes)
    return order.findConflict({ clientId, from, writes, reads: paths, since })
  }

  /** The order up to the first `start` commands of the flush. */
  #extend(past: Past, clientId: string, start: number, { commands, notes }: SoFar): SerialOrder {
    const order = this.#order ?? new SerialOrder(past.from)
    if (!this.#order) for (const entry of past.entries) order.add(toUnits(entry))
    this.#order = order
    const first = this.#added
    const told = notes
      .filter(({ index }) => index >= first)
      .map((note) => ({ ...note, index: note.index - first }))
    const added = commands.slice(first, start)
    order.add(toUnits({ from: past.to + first, clientId, commands: added, notes: told }))
    this.#added = start
    return order
  }
}

/** Where a command of the flush did something else than its author saw. */
function alteredBy(verdict: Verdict, sent: Flush['commands']): readonly Path[] {
  const given = sent[verdict.index]!
  // What its author saw of a named one is not told.
  if (given.action === 'run') return [ROOT]
  if (verdict.kind === 'applied') return []
  const checked = checkCommand(given, () => '')
  const seen = checked.ok ? writtenPaths(checked.command) : []
  const { command } = verdict.kind === 'amended' ? verdict : {}
  return command ? [...seen, ...writtenPaths(command as CheckedCommand)] : seen
}
