// Whether there is an order in which everything could have happened one after the other,
// with the same reads and the same document. What happens as a whole is a unit: an atomic
// group, or a command outside of one with what follows it by a rule. An edge leads from a
// unit to one that has to come after it:
//
//   a wrote what b writes, a before b in the history          a ──► b
//   a read what b writes, a before b in the history           a ──► b
//   a wrote what b reads, and b had seen it                   a ──► b
//   a wrote what b reads, and b had not seen it               b ──► a
//
// There is such an order exactly if no way along the edges leads back to where it began.
import type { LogEntry } from './history.ts'
import { perhapsWrittenPaths, writtenPaths } from './past.ts'
import type { Path } from './path.ts'

/** What happened as a whole. */
export interface Unit {
  readonly clientId: string
  /** The count before it. */
  readonly from: number
  readonly writes: readonly Path[]
  readonly reads: readonly Path[]
  /** Up to which count it had seen what others did; of its own client it had seen all. */
  readonly since: number
}

/** So many edges are followed for one flush; who needs more is refused. */
const MAX_STEPS = 200_000

/** The units of a history, in its order, by the places that they read and write. */
export class SerialOrder {
  readonly #units: Unit[] = []
  readonly #writers = new PlaceIndex()
  readonly #readers = new PlaceIndex()
  // Of what was before it nothing is known.
  readonly #floor: number
  #steps = 0

  constructor(floor: number) {
    this.#floor = floor
  }

  /** Add what came next. */
  add(units: readonly Unit[]): void {
    for (const unit of units) {
      const index = this.#units.push(unit) - 1
      for (const path of unit.writes) this.#writers.add(path, index)
      for (const path of unit.reads) this.#readers.add(path, index)
    }
  }

  /**
   * What `next` read that it would have to have seen as others wrote it meanwhile, if it
   * came next; undefined if there is an order all the same.
   */
  findConflict(next: Unit): Path | undefined {
    const before = this.#before(next)
    const seen = new Set<number>()
    return next.reads.find((path) =>
      this.#writers
        .at(path)
        .some((index) => this.#isMissed(next, index) && this.#leadsTo(before, index, seen)),
    )
  }

  /** The units that have to come before `next`. */
  #before(next: Unit): ReadonlySet<number> {
    const found = new Set<number>()
    for (const path of next.writes) {
      for (const index of this.#writers.at(path)) found.add(index)
      for (const index of this.#readers.at(path)) found.add(index)
    }
    for (const path of next.reads) {
      for (const index of this.#writers.at(path)) {
        if (!this.#isMissed(next, index)) found.add(index)
      }
    }
    return found
  }

  #leadsTo(targets: ReadonlySet<number>, start: number, seen: Set<number>): boolean {
    const open = seen.has(start) ? [] : [start]
    seen.add(start)
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (targets.has(index)) return true
      const { reads, since } = this.#units[index]!
      // It may have missed something that nobody knows of any more.
      if (reads.length > 0 && since < this.#floor) return true
      for (const next of this.#after(index)) {
        this.#steps += 1
        if (this.#steps > MAX_STEPS) return true
        if (seen.has(next)) continue
        seen.add(next)
        open.push(next)
      }
    }
    return false
  }

  /** The units that have to come after the one at `index`. */
  *#after(index: number): Iterable<number> {
    const unit = this.#units[index]!
    for (const path of unit.writes) {
      for (const other of this.#writers.at(path)) if (other > index) yield other
      for (const other of this.#readers.at(path)) {
        if (other > index && !this.#isMissed(this.#units[other]!, index)) yield other
      }
    }
    for (const path of unit.reads) {
      for (const other of this.#writers.at(path)) {
        if (other > index || (other < index && this.#isMissed(unit, other))) yield other
      }
    }
  }

  /** Whether `reader`, which came later in the history, had not seen the unit at `index`. */
  #isMissed({ clientId, since }: Unit, index: number): boolean {
    const unit = this.#units[index]!
    return unit.from >= since && unit.clientId !== clientId
  }
}

/** Finds units by the places that overlap with a path: it, those above and those below. */
class PlaceIndex {
  readonly #exact = new Map<string, number[]>()
  readonly #below = new Map<string, number[]>()

  add(path: Path, unit: number): void {
    const names = namesOf(path)
    push(this.#exact, names.pop()!, unit)
    for (const name of names) push(this.#below, name, unit)
  }

  at(path: Path): number[] {
    const names = namesOf(path)
    const below = this.#below.get(names.at(-1)!) ?? []
    return [...names.flatMap((name) => this.#exact.get(name) ?? []), ...below]
  }
}

function push(index: Map<string, number[]>, name: string, unit: number): void {
  const known = index.get(name)
  if (!known) index.set(name, [unit])
  else if (known.at(-1) !== unit) known.push(unit)
}

/** A name for the root, and for each place on the way down to `path`. */
function namesOf(path: Path): string[] {
  let name = ''
  return ['', ...path.map((key) => (name += `${JSON.stringify(key)}/`))]
}

/** The units of an entry, or of what will be one. */
export function toUnits({
  from,
  clientId,
  commands,
  notes = [],
}: Pick<LogEntry, 'from' | 'clientId' | 'commands' | 'notes'>): Unit[] {
  const units: Unit[] = []
  const told = new Map(notes.map((note) => [note.index, note]))
  for (let at = 0; at < commands.length;) {
    const { atomic, count = 1, reads, run } = told.get(at) ?? {}
    let end = at + (atomic ? count : (run?.count ?? 1))
    // What follows the last of a group is counted in it.
    while (told.get(end)?.cause !== undefined) end += 1
    const writes = commands
      .slice(at, end)
      .flatMap((command) => [...writtenPaths(command), ...perhapsWrittenPaths(command)])
    units.push({
      clientId,
      from: from + at,
      writes,
      reads: reads?.paths ?? [],
      since: reads?.since ?? 0,
    })
    at = end
  }
  return units
}
