import type { CheckedCommand } from './check.ts'
import type { AppliedFlush, Remap, Verdict } from './protocol.ts'

/** One applied flush as the history keeps it, for ever and unchanged. */
export interface LogEntry {
  /** The count before its first command; the count after it is `from + commands.length`. */
  readonly from: number
  /** The history hash after its last command. */
  readonly hash: string
  readonly clientId: string
  readonly sequence: number
  readonly userId: string | null
  /** Milliseconds since 1970 by the server's clock. Informs; nothing is decided by it. */
  readonly at: number
  /** As applied: replaying them needs no interceptor. Never empty. */
  readonly commands: readonly CheckedCommand[]
}

/**
 * The last flush of one client: what makes a repeated one harmless. Written in
 * the same step as the flush itself.
 */
export interface ClientRecord {
  readonly clientId: string
  /** Who first wrote under this id; nobody else may. */
  readonly userId: string | null
  readonly sequence: number
  /** Of the commands of that flush, to tell it from another with its number. */
  readonly digest: string
  readonly answer: {
    readonly verdicts: readonly Verdict[]
    readonly remaps: readonly Remap[]
  }
}

/** The count after an entry. */
export function endOf(entry: LogEntry): number {
  return entry.from + entry.commands.length
}

/** An entry as a message to whoever is behind; its author needs no commands. */
export function toAppliedFlush(entry: LogEntry, isForAuthor: boolean): AppliedFlush {
  const { from, hash, clientId, sequence, commands } = entry
  return isForAuthor
    ? { from, hash, clientId, sequence }
    : { from, hash, clientId, sequence, commands }
}
