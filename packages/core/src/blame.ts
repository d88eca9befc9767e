import type { CheckedCommand } from './check.ts'
import { perhapsWrittenPaths, writtenPaths, type HistoryEntry } from './past.ts'
import { startsWith, type Path } from './path.ts'

/** Who wrote a field last, and when. */
export type FieldChange = Pick<HistoryEntry, 'to' | 'clientId' | 'userId' | 'at'>

/** What is known of the fields of one node, from entries that are given the newest first. */
export class Blame {
  readonly #path: Path
  readonly #fields = new Map<string, FieldChange>()
  // Whether they made what is below is not told; if nobody did before, they did.
  readonly #perhaps = new Map<string, FieldChange>()
  #whole: FieldChange | undefined

  constructor(path: Path) {
    this.#path = path
  }

  /** Whether older entries can add nothing: the node as a whole was written. */
  get isComplete(): boolean {
    return this.#whole !== undefined
  }

  /** Take in the next older entry. */
  add({ to, clientId, userId, at, commands }: HistoryEntry): void {
    const change = { to, clientId, userId, at }
    for (const command of commands.toReversed() as CheckedCommand[]) {
      if (this.isComplete) return
      this.#addCommand(command, change)
    }
  }

  /**
   * The last change of each field that was found, and of those of `keys` that came with
   * the node itself. Fields that were there from the start have none.
   */
  of(keys: readonly string[]): Record<string, FieldChange> {
    const found = new Map(this.#fields)
    for (const key of keys) {
      const change = found.get(key) ?? this.#whole ?? this.#perhaps.get(key)
      if (change) found.set(key, change)
    }
    return Object.fromEntries(found)
  }

  #addCommand(command: CheckedCommand, change: FieldChange): void {
    for (const place of writtenPaths(command)) {
      const field = place.at(this.#path.length)
      if (field !== undefined && startsWith(place, this.#path)) {
        if (!this.#fields.has(field)) this.#fields.set(field, change)
      } else if (startsWith(this.#path, place)) this.#whole = change
    }
    for (const place of perhapsWrittenPaths(command)) {
      if (startsWith(place, this.#path) && place.length === this.#path.length + 1) {
        this.#perhaps.set(place.at(-1)!, change)
      }
    }
  }
}
