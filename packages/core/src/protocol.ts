import type { Command, GivenCommand, Rejection } from './command.ts'
import type { JsonObject } from './json.ts'
import type { Path } from './path.ts'

/** The version of the messages below. docs/protocol.md describes them. */
export const PROTOCOL = 1

/**
 * A document, the number of commands that built it, and the hash of the history
 * up to there. Two snapshots of one model with equal `commandCount` and `hash`
 * hold equal documents, the order of keys included.
 */
export interface Snapshot<Doc = JsonObject> {
  readonly commandCount: number
  /** `''` where nobody keeps a history yet, as in a document made on the spot. */
  readonly hash: string
  readonly document: Doc
  /** The schema version of the document; 1 where left out. */
  readonly schema?: number
}

/** A point of a model's history: how far somebody is, and by which history. */
export interface Position {
  readonly from: number
  /** The history hash at `from`; `''` claims no past. */
  readonly hash: string
}

/** A range of the commands of a flush that belong together. No two overlap. */
export interface FlushGroup {
  /** The index of its first command. */
  readonly at: number
  /** How many commands belong to it. */
  readonly count: number
  /** What a person would call it, at most 200 characters; kept in the history. */
  readonly label?: string
  /** All of it takes effect, or nothing. */
  readonly atomic?: true
  /** What its author decided by; only of an atomic group. */
  readonly reads?: GroupReads
}

/** What was read to decide on a group. */
export interface GroupReads {
  /** How far the client was confirmed then, and the history hash there. */
  readonly since: number
  readonly hash: string
  /** At most 100; all at, above and below a path was read. */
  readonly paths: readonly Path[]
}

/**
 * A numbered batch of commands of one client for one model. Its identity is
 * `(clientId, sequence)`: the same flush sent twice takes effect once. Frozen
 * once sent, because the master may have applied it whatever the network says.
 */
export interface Flush extends Position {
  readonly protocol: typeof PROTOCOL
  readonly clientId: string
  /** 1 for the first flush of a client, then one more each; 0 for one without commands. */
  readonly sequence: number
  /** The count up to which the client holds what the master vouched for. */
  readonly from: number
  /** The history hash at `from`; `''` claims no past and asks for a snapshot. */
  readonly hash: string
  /** Empty to ask for news only. */
  readonly commands: readonly GivenCommand[]
  /** In order of `at`; most commands are in none. */
  readonly groups?: readonly FlushGroup[]
  /** The schema version that the commands are written for; 1 where left out. */
  readonly schema?: number
  /**
   * The schema version that the sender knows, where it sends commands of an older one. As
   * with `from`, it may be another when the flush is sent again.
   */
  readonly readerSchema?: number
}

/** What became of one command of a flush, where it was not applied as sent and alone. */
export type Verdict =
  /**
   * Applied as sent, and `followUps` right after it, by a rule. A named command is nothing
   * but them: what it made.
   */
  | { readonly index: number; readonly kind: 'applied'; readonly followUps: readonly Command[] }
  /** Applied, but as `command`. */
  | {
      readonly index: number
      readonly kind: 'amended'
      readonly command: Command
      readonly followUps?: readonly Command[]
    }
  /** Refused by a rule. */
  | { readonly index: number; readonly kind: 'rejected'; readonly rejection: Rejection }
  /** Could not take effect any more, because what it builds on is gone. */
  | { readonly index: number; readonly kind: 'dropped'; readonly rejection: Rejection }
  /**
   * Somebody else was first, in what the command expects. `found` is what is there: the
   * fields of the command and of what it expects. Left out where it would be long: the
   * document has it.
   */
  | {
      readonly index: number
      readonly kind: 'conflict'
      readonly rejection: Rejection
      readonly found?: JsonObject
    }

/** A node that the master had to rename: `from` is what the client called it. */
export interface Remap {
  readonly from: Path
  readonly to: Path
}

/** One flush as the master applied it: an entry of the history, as others see it. */
export interface AppliedFlush {
  /** The count before its first command. */
  readonly from: number
  /** The history hash after its last command. */
  readonly hash: string
  readonly clientId: string
  readonly sequence: number
  /**
   * Left out in the answer to the flush itself: its author has the commands, and
   * `verdicts` and `remaps` tell where they differ.
   */
  readonly commands?: readonly Command[]
  /** Where it brought the document to another schema version: to which. */
  readonly schema?: number
}

/** What brings a proxy from the count that it named to the master's. */
export type Sync =
  /** Nothing but the client's own commands happened. */
  | { readonly kind: 'none' }
  /** Without a gap from the client's count to the answer's. */
  | { readonly kind: 'updates'; readonly updates: readonly AppliedFlush[] }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }

/** The master's answer to a flush. */
export interface FlushAnswer {
  /** That of the flush it answers, as is `sequence`. */
  readonly clientId: string
  readonly sequence: number
  /** `repeated`: the flush had been applied before, and this is its first outcome again. */
  readonly outcome: 'applied' | 'repeated'
  readonly commandCount: number
  readonly hash: string
  /**
   * In order of `index`; commands without one were applied as sent, and nothing followed
   * them. Of a named one that says that there was nothing to do.
   */
  readonly verdicts: readonly Verdict[]
  readonly remaps: readonly Remap[]
  readonly sync: Sync
}

/** The master's answer to a client that asks for news. */
export interface PullAnswer {
  readonly commandCount: number
  readonly hash: string
  readonly sync: Sync
}
