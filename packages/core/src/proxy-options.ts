import type { Interceptor, User } from './interceptor.ts'
import type { LogRecord } from './confirmed-log.ts'
import type { ProxyMemory } from './memory.ts'
import type { NamedCommands } from './named.ts'
import type { PendingSession } from './others.ts'
import type { Resolver } from './resolve.ts'
import type { SettledCommand } from './receipt.ts'
import type { ModelVersions } from './versions.ts'

export interface ProxyOptions<U extends User = User> {
  /** Gives ids for new nodes and for this proxy as a client; see `createIdFactory`. */
  readonly createId: () => string
  /** Milliseconds since 1970, for interceptors. */
  readonly now: () => number
  /** Refuse or amend commands here already. The master runs its own. */
  readonly interceptors?: readonly Interceptor<U>[]
  /** What can be run by its name. The master runs its own. */
  readonly commands?: NamedCommands
  /**
   * What to show where an update finds something else than it expects; what counts is
   * what the master makes of it. Give both the same. Without it, such an update is
   * refused on the spot, and does not show when that turns out later.
   */
  readonly resolve?: Resolver<U>
  /**
   * Which version this side knows; that of the master may be later. Without it, the first.
   * Commands of a `memory` of an older version go as they are, and show as they are now.
   */
  readonly versions?: ModelVersions
  /** Who works here, for interceptors. */
  readonly user?: U
  /** At most so many commands in a flush. Default 500. */
  readonly maxFlushCommands?: number
  /** At most so many characters of JSON in a flush, and in one command. Default 250,000. */
  readonly maxFlushBytes?: number
  /**
   * Go on as the proxy that gave this memory. Throws OPTIONS_INVALID if it is none. What
   * was in flight is sent again unchanged; what cannot apply any more is told as lost.
   */
  readonly memory?: ProxyMemory
  /**
   * What was confirmed since the snapshot. Where it does not continue it, the rest is
   * left out, and the next exchange asks for a snapshot.
   */
  readonly records?: readonly LogRecord[]
  /**
   * What other sessions wait for; see `showOthers`. Give an empty list where it is not
   * known yet: then what does not apply here is left to the master.
   */
  readonly others?: readonly PendingSession[]
  /**
   * Somebody stores `memory` and says so by `persisted`. Without it, `durable` of a
   * receipt is false at once.
   */
  readonly isPersisted?: boolean
  /**
   * Hears what became of each command, once, in the order in which that was known, when
   * the document shows it. One that was refused on the spot is among them.
   */
  readonly onVerdict?: (settled: SettledCommand) => void
  /** Collect what is confirmed, for `takeConfirmed`. */
  readonly keepsConfirmed?: boolean
}
