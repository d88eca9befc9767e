/** A mistake that somebody might make: a place in the sources, and what it becomes. */
export interface Mutant {
  readonly name: string
  /** Below `packages/`. */
  readonly file: string
  /** Stands there exactly once. */
  readonly find: string
  readonly replace: string
  /** Where it shows; the others show with a database that is played in memory. */
  readonly database?: 'postgres'
  /** Where to begin, since it took long from the first seed on. Default 1. */
  readonly from?: number
}
