import type { Environment } from '../environment.ts'
import type { Log } from '../log.ts'
import type { ModelStore } from '../store.ts'
import type { Beginning, FollowerChange } from './read-change.ts'

export interface FollowModelsOptions {
  /** Brought up to date first, and left open at the end. */
  readonly store: ModelStore
  /**
   * Under which the store keeps how far it is in each model. Of several processes that
   * follow under one name one is told, and the others stand by.
   */
  readonly name: string
  /** Keys, or patterns such as `team:353:member:*:tasks`. */
  readonly patterns: readonly string[]
  /**
   * Hears of each model in order, of several at a time. What it was told counts as
   * handled when it has returned, or what it returned has resolved. If it throws or
   * rejects, or the process dies, it is told the same again, perhaps with more behind.
   */
  readonly onChange: (change: FollowerChange) => void | Promise<void>
  /**
   * Where to begin in a model: with the `oldest` document from which the history leads
   * on, to be told all that is still held, or with the `latest`. Default `oldest`.
   */
  readonly begin?: Beginning
  /** Of how many models `onChange` may be told at a time. Default 4. */
  readonly atOnce?: number
  /**
   * How often the store is asked what happened, should it have been told to nobody.
   * Default 2,000 ms.
   */
  readonly pollMs?: number
  /**
   * After how long another process under this name takes over from one that is gone
   * without a word. Default 15,000 ms.
   */
  readonly leaseMs?: number
  readonly log?: Log
  /** Clock, randomness and timers, for tests. */
  readonly environment?: Environment
}

/** Follows models until it is closed. */
export interface ModelFollower {
  /**
   * Resolves when all that happened before the call was handled, here or by another
   * process under this name. Not while `onChange` fails. Rejects when the follower is
   * closed before.
   */
  caughtUp(): Promise<void>
  /** Be told nothing any more. Resolves when what was told is handled; leaves the store open. */
  close(): Promise<void>
}
