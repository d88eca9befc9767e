import type { CheckedCommand } from './check.ts'
import type { Command } from './command.ts'
import type { JsonObject } from './json.ts'
import type { Path } from './path.ts'
import type { AppliedFlush, Remap, Verdict } from './protocol.ts'

/** What a history tells of a command beyond the command itself. */
export interface EntryNote {
  /** Which command of its entry, from 0. */
  readonly index: number
  /** What its author called it, or the batch that begins with it. */
  readonly label?: string
  /** They were to take effect together or not at all. */
  readonly atomic?: true
  /** What its author decided by, having seen the first `since` commands. */
  readonly reads?: { readonly since: number; readonly paths: readonly Path[] }
  /** How many commands `label` and `atomic` are for, from this one on; 1 where left out. */
  readonly count?: number
  /** The `index` of the command that it follows, by a rule. */
  readonly cause?: number
  /** With this last command of its entry the document is one of this schema version. */
  readonly schema?: number
  /** What its author ran, and how many commands that made, from this one on. */
  readonly run?: NamedRun
  /** The command is what a resolver made of a conflict. */
  readonly merged?: Merge
}

/** A named command that took effect. */
export interface NamedRun {
  readonly name: string
  readonly args?: JsonObject
  readonly count: number
}

/** The two sides that a resolver put together. */
export interface Merge {
  /** What the author wanted, with what they expected. */
  readonly sent: Command
  /** What was there instead; left out where it would be long: the version before has it. */
  readonly found?: JsonObject
  /** The count that the author had before them. */
  readonly base: number
}

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
  /** In order of `index`; most commands have none. */
  readonly notes?: readonly EntryNote[]
  /** Random; without it nobody can guess from the seal what was in an erased entry. */
  readonly salt: string
  /**
   * What the hash was made of in place of the contents. Only where some of them were
   * erased: then they are not any more what was sealed.
   */
  readonly seal?: string
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
  /** When that flush came, by the server's clock. */
  readonly at: number
  /** Of the commands of that flush, to tell it from another with its number. */
  readonly digest: string
  readonly answer: {
    readonly verdicts: readonly Verdict[]
    readonly remaps: readonly Remap[]
  }
}

/** What the hash of an entry is made of, but for the entries before it. */
type Chained = Omit<LogEntry, 'from' | 'hash'>

/** Stands for the contents of an entry in its hash. */
export function sealOf(
  { commands, notes = [], salt, seal }: Chained,
  digest: (text: string) => string,
): string {
  return seal ?? digest(salt + JSON.stringify([commands, notes]))
}

/** The history hash after an entry that follows on a history with the hash `previous`. */
export function chainHash(
  previous: string,
  entry: Chained,
  digest: (text: string) => string,
): string {
  const { clientId, sequence, userId, at } = entry
  return digest(previous + JSON.stringify([clientId, sequence, userId, at, sealOf(entry, digest)]))
}

/** The count after an entry. */
export function endOf(entry: LogEntry): number {
  return entry.from + entry.commands.length
}

/** An entry as a message to whoever is behind; its author needs no commands. */
export function toAppliedFlush(entry: LogEntry, isForAuthor: boolean): AppliedFlush {
  const { from, hash, clientId, sequence, commands } = entry
  if (isForAuthor) return { from, hash, clientId, sequence }
  const schema = schemaOf(entry)
  return { from, hash, clientId, sequence, commands, ...(schema !== undefined && { schema }) }
}

/** The schema version to which an entry, as far as it is given, brought the document, if to another. */
export function schemaOf({ commands, notes = [] }: LogEntry): number | undefined {
  const last = notes.findLast(({ schema }) => schema !== undefined)
  return last && last.index < commands.length ? last.schema : undefined
}
