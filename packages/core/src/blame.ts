import type { CheckedCommand } from './check.ts'
import type { Command } from './command.ts'
import { perhapsWrittenPaths, writtenPaths, type HistoryEntry } from './past.ts'
import { startsWith, type Path } from './path.ts'

/** Who wrote a field last, and when. */
export interface FieldChange extends Pick<HistoryEntry, 'to' | 'clientId' | 'userId' | 'at'> {
  /** What that user did, where a rule had this follow it. */
  readonly cause?: Command
}

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
  add({ to, clientId, userId, at, commands, notes = [] }: HistoryEntry): void {
    const change = { to, clientId, userId, at }
    const led = notes.filter(({ cause }) => cause !== undefined)
    const causes = new Map(led.map(({ index, cause }) => [index, cause]))
    for (let index = commands.length - 1; index >= 0 && !this.isComplete; index -= 1) {
      const cause = commands[causes.get(index) ?? -1]
      this.#addCommand(commands[index] as CheckedCommand, cause ? { ...change, cause } : change)
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
