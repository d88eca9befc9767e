import { endOf, type LogEntry } from './history.ts'
import { measureJson, type JsonValue } from './json.ts'

/** What an entry takes besides its commands, about. */
const ENTRY_BYTES = 120

/**
 * The latest part of a model's history, without a gap up to its head: what lets
 * a master answer with updates, and tell whether a client shares its past.
 */
export class RecentHistory {
  #entries: LogEntry[] = []
  readonly #sizes = new WeakMap<LogEntry, number>()
  #bytes = 0
  // The count before the first entry, and the hash there.
  #floor: { readonly count: number; readonly hash: string }

  /** Start with nothing known but the hash at `count`. */
  constructor(count: number, hash: string) {
    this.#floor = { count, hash }
  }

  /** The count after the last entry. */
  get count(): number {
    const last = this.#entries.at(-1)
    return last ? endOf(last) : this.#floor.count
  }

  /** The history hash at `count`. */
  get hash(): string {
    return this.#entries.at(-1)?.hash ?? this.#floor.hash
  }

  /** The oldest count from which the entries are known. */
  get floor(): number {
    return this.#floor.count
  }

  /** About how many characters of JSON the entries take. */
  get bytes(): number {
    return this.#bytes
  }

  /** Add the entry that begins at `count`. */
  push(entry: LogEntry): void {
    this.#measure(entry)
    this.#entries.push(entry)
  }

  /** Take the last entry away again. */
  pop(): void {
    this.#bytes -= this.#sizes.get(this.#entries.pop()!)!
  }

  /** Reach further back: `entries` must end at `floor`, and follow on a count with `hash`. */
  prepend(entries: readonly LogEntry[], hash: string): void {
    for (const entry of entries) this.#measure(entry)
    this.#entries = [...entries, ...this.#entries]
    this.#floor = { count: this.#entries[0]!.from, hash }
  }

  /** Forget the oldest entries if all take more than `limit` characters. */
  trim(limit: number): void {
    if (this.#bytes <= limit) return
    let forgotten = 0
    // Down to three quarters at once, so that it is not done for every flush.
    while (forgotten < this.#entries.length && this.#bytes > limit * 0.75) {
      const entry = this.#entries[forgotten]!
      this.#bytes -= this.#sizes.get(entry)!
      this.#floor = { count: endOf(entry), hash: entry.hash }
      forgotten += 1
    }
    this.#entries.splice(0, forgotten)
  }

  /** The hash at `count`; undefined where no entry begins or ends there. */
  hashAt(count: number): string | undefined {
    if (count === this.count) return this.hash
    if (count === this.#floor.count) return this.#floor.hash
    const index = this.#indexOf(count)
    return index === undefined ? undefined : this.#entries[index - 1]!.hash
  }

  /** All entries after `count`; undefined where they are not known or none begins there. */
  since(count: number): readonly LogEntry[] | undefined {
    const index = this.#indexOf(count)
    return index === undefined ? undefined : this.#entries.slice(index)
  }

  /** The entries that end after `count`; undefined where not all of them are known. */
  after(count: number): readonly LogEntry[] | undefined {
    if (count < this.floor) return undefined
    return this.#entries.slice(this.#entries.findLastIndex((entry) => endOf(entry) <= count) + 1)
  }

  /** About how many characters of JSON some of the entries take. */
  measure(entries: readonly LogEntry[]): number {
    return entries.reduce((sum, entry) => sum + this.#sizes.get(entry)!, 0)
  }

  #measure(entry: LogEntry): void {
    const { commands, notes = [] } = entry
    const size = measureJson([commands, notes] as unknown as JsonValue) + ENTRY_BYTES
    this.#sizes.set(entry, size)
    this.#bytes += size
  }

  /** The index of the entry that begins at `count`. */
  #indexOf(count: number): number | undefined {
    let low = 0
    let high = this.#entries.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const { from } = this.#entries[middle]!
      if (from === count) return middle
      if (from < count) low = middle + 1
      else high = middle - 1
    }
    return undefined
  }
}
