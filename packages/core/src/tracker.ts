import type { Command, GivenCommand } from './command.ts'
import type { Receipt } from './receipt.ts'

/** A command that was accepted, as long as it may still become another one. */
export interface TrackedCommand extends Receipt {
  /** As it applied here the last time. */
  readonly command: GivenCommand
  /** What followed it here the last time, by a rule; of a named command what it made. */
  readonly followUps: readonly Command[]
  /** What its author, or the definition that names it, calls it. */
  readonly label: string | undefined
  /** As in `ProxyMemory`. */
  readonly serial: number
  /** It does not show before the master has confirmed it. */
  readonly waits: boolean
}

/** Follows what is done in a proxy, so that it can be taken back. */
export interface CommandTracker {
  /**
   * A command of this proxy is about to apply, and the document is as it finds it. Called
   * again whenever it applies to another document: after news of others, and when it is
   * confirmed. It is the same object as `command` of what was given or one of its
   * `followUps`, or as those of its outcome.
   */
  before(command: Command): void
  /** A command was accepted, at `now`. Those of one batch come with the same `group`. */
  given(tracked: TrackedCommand, group: object | undefined, now: number): void
}
