import type { CheckedCommand } from './check.ts'
import type { LogEntry } from './history.ts'
import type { Path } from './path.ts'

/** A flush of somebody, as far as it tells what was written by whom. */
type Writing = Pick<LogEntry, 'from' | 'clientId' | 'commands'>

/** A place of a document, with the counts after the last command that wrote there. */
interface Place {
  /** The place itself, or all of what is above it. */
  at: number
  /** It, or something below it. */
  within: number
  readonly below: Map<string, Place>
}

/**
 * Where others than one client wrote. Made of a history as far back as somebody asks, and
 * each part of it once: a flush may ask for each of its commands.
 */
export class Writings {
  readonly #clientId: string
  readonly #entriesAfter: (count: number) => readonly Writing[] | undefined
  readonly #root = createPlace()
  // What ends after it is known.
  #from = Infinity

  /** `entriesAfter` gives the entries that end after a count, undefined where they are not all known. */
  constructor(clientId: string, entriesAfter: (count: number) => readonly Writing[] | undefined) {
    this.#clientId = clientId
    this.#entriesAfter = entriesAfter
  }

  /**
   * Tell whether somebody wrote at, above or below `path` after the first `since` commands;
   * undefined where the history does not reach back that far.
   */
  has(path: Path, since: number): boolean | undefined {
    if (!this.#reach(since)) return undefined
    let place = this.#root
    for (const key of path) {
      if (place.at > since) return true
      const next = place.below.get(key)
      if (!next) return false
      place = next
    }
    return place.within > since
  }

  #reach(since: number): boolean {
    if (since >= this.#from) return true
    const entries = this.#entriesAfter(since)
    if (!entries) return false
    for (const { from, clientId, commands } of entries) {
      if (from >= this.#from || clientId === this.#clientId) continue
      commands.forEach((command, index) => this.#add(command, from + index + 1))
    }
    this.#from = since
    return true
  }

  #add(command: CheckedCommand, count: number): void {
    const isDelete = command.action === 'delete'
    const keys = isDelete ? [command.path.at(-1)!] : keysOf(command)
    if (keys.length === 0) return
    let place = this.#root
    place.within = Math.max(place.within, count)
    for (const key of isDelete ? command.path.slice(0, -1) : command.path) {
      place = enter(place, key, count)
    }
    for (const key of keys) {
      const written = enter(place, key, count)
      written.at = Math.max(written.at, count)
    }
  }
}

/** What a create or update writes of its node; of a parent, what it may have made. */
function keysOf(command: CheckedCommand & { action: 'create' | 'update' }): readonly string[] {
  if (command.action === 'create') {
    return [command.id, ...Object.keys(command.parentDefault ?? {})]
  }
  return [...Object.keys(command.props ?? {}), ...(command.unset ?? [])]
}

function enter({ below }: Place, key: string, count: number): Place {
  let place = below.get(key)
  if (!place) {
    place = createPlace()
    below.set(key, place)
  }
  place.within = Math.max(place.within, count)
  return place
}

function createPlace(): Place {
  return { at: 0, within: 0, below: new Map() }
}
