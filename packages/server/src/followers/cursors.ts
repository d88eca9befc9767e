/** A point of a history: how far a follower is in a model, or where the model ends. */
export interface Cursor {
  readonly commandCount: number
  /** The history hash there. */
  readonly hash: string
}

/** A model and how far a follower is in it, as of one moment. */
export interface FollowedModel {
  readonly key: string
  /** Undefined if there is no such model (any more). */
  readonly head: Cursor | undefined
  /** All up to there was given to the follower; undefined if nothing was yet. */
  readonly cursor: Cursor | undefined
}

/** What a store keeps of one follower, and what outlives its processes. */
export interface Cursors {
  /**
   * Be the one process that follows under this name for the next `forMs` milliseconds
   * by the clock of the store, or go on being it; 0 gives it back. False while
   * it is another.
   */
  claim(holder: string, forMs: number): Promise<boolean>
  /**
   * The first models whose keys fit the pattern, come after `after`, and do not end where
   * the follower is, at most `limit`, in the order of their keys. A model that is gone
   * is one of them until its cursor is.
   */
  behind(range: {
    readonly pattern: string
    readonly after: string
    readonly limit: number
  }): Promise<readonly FollowedModel[]>
  /** One model. */
  read(key: string): Promise<FollowedModel>
  /**
   * Move a cursor, or take it away where `to` is undefined. False, and nothing is
   * changed, if it is not at `from`.
   */
  move(key: string, from: Cursor | undefined, to: Cursor | undefined): Promise<boolean>
}

/** Tell whether two cursors are the same point of the same history, or both are none. */
export function equalCursors(a: Cursor | undefined, b: Cursor | undefined): boolean {
  return a?.commandCount === b?.commandCount && a?.hash === b?.hash
}
