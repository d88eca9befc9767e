import type { CheckedCommand } from './check.ts'
import type { Command } from './command.ts'
import type { EntryNote } from './history.ts'
import { startsWith, type Path } from './path.ts'

/** Which part of a history to read. */
export interface HistoryQuery {
  /** Only what began before this count: `before` of the page before. Without it, the latest. */
  readonly before?: number | undefined
  /** How many entries at most, from 1 to 200. Default 50. */
  readonly limit?: number | undefined
  /** Only commands that wrote at, above or below this path. */
  readonly path?: Path | undefined
}

/** One applied flush as a view of the history shows it. */
export interface HistoryEntry {
  /** The count before its first command. */
  readonly from: number
  /** The count after its last command: the version that it made. */
  readonly to: number
  readonly clientId: string
  /** Who it was by the word of the server; null where nobody was logged in. */
  readonly userId: string | null
  /** Milliseconds since 1970 by the server's clock. */
  readonly at: number
  /** As applied; where a path was asked for, those that wrote there, and those that they follow by a rule. */
  readonly commands: readonly Command[]
  /** What is known of some of `commands` besides; `index` is that in `commands`. */
  readonly notes?: readonly EntryNote[]
}

/** A part of a history, the newest first. */
export interface HistoryPage {
  /** May be empty though there is more: where a path was asked for, a page looks so far only. */
  readonly entries: readonly HistoryEntry[]
  /** Ask with this for what is older; left out where there is nothing. */
  readonly before?: number
  /** Older history was there, and is not held any more. */
  readonly isTrimmed?: true
}

/** Tell whether an applied command wrote at, above or below `path`. */
export function touches(command: CheckedCommand, path: Path): boolean {
  return [...writtenPaths(command), ...perhapsWrittenPaths(command)].some(
    (place) => startsWith(place, path) || startsWith(path, place),
  )
}

/** The places that an applied command wrote to for certain. */
export function writtenPaths(command: CheckedCommand): Path[] {
  const { path } = command
  switch (command.action) {
    case 'delete':
      return [path]
    case 'create':
      return below(path, [command.id])
    case 'update':
      return below(path, [...Object.keys(command.props ?? {}), ...(command.unset ?? [])])
  }
}

/** The props of a parent that may have been there already: an entry does not tell. */
export function perhapsWrittenPaths(command: CheckedCommand): Path[] {
  if (command.action !== 'create') return []
  return below(command.path, Object.keys(command.parentDefault ?? {}))
}

function below(path: Path, keys: readonly string[]): Path[] {
  return keys.map((key) => [...path, key])
}
