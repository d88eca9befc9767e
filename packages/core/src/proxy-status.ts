import type { Command } from './command.ts'
import type { Remap } from './protocol.ts'
import type { Loss } from './replica.ts'

/** Where the commands of a proxy are. A new object whenever one of its fields changes. */
export interface ProxyStatus {
  /** Applied here, in no flush yet. */
  readonly queued: number
  /** In a flush that was not answered yet. */
  readonly inFlight: number
  /** How many commands the master vouched for. */
  readonly confirmed: number
  /** How many entries `rejections` has. */
  readonly rejected: number
  /**
   * How often the master had another past than the one it had vouched for, as
   * after a restored backup: what it confirmed before may be gone.
   */
  readonly historyChanges: number
}

/** A command that showed in the document, and then was refused or could not apply. */
export interface LostCommand extends Loss {
  readonly command: Command
}

/** What `endFlush` made of an answer. */
export type EndResult =
  | {
      readonly ok: true
      /** Nodes that now have another id than the one under which they were created. */
      readonly remaps: readonly Remap[]
    }
  /**
   * NO_FLUSH: the answer belongs to no flush in flight and was ignored.
   * ANSWER_INVALID: it could not be used; the flush is sent again, for a snapshot.
   */
  | { readonly ok: false; readonly code: 'NO_FLUSH' | 'ANSWER_INVALID' }
