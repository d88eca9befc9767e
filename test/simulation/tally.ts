import { ALL_FAULTS } from './faults.ts'

/** Some runs, one after the other. */
export interface Batch {
  readonly from: number
  readonly count: number
  /** Where Postgres is; without it the database is played in memory. */
  readonly postgresUrl?: string | undefined
  /** Go on after a run that failed. */
  readonly isExhaustive?: boolean | undefined
}

/** What some runs came to. Plain data, so that it goes from one process to another. */
export interface Tally {
  runs: number
  events: number
  edits: number
  /** Runs that were made twice, and gave the same trace. */
  repeated: number
  /** From the end of the faults until all was in step, at most, by the clock of the run. */
  slowestMs: number
  readonly faults: Record<string, number>
  failure: Failure | undefined
  /** The seeds of all runs that did not hold. */
  readonly failed: number[]
  /** What happened in the last run. */
  trace: readonly string[]
}

/** The first run that did not hold. */
export interface Failure {
  readonly seed: number
  readonly message: string
  readonly trace: readonly string[]
}

export function createTally(): Tally {
  const faults = Object.fromEntries(ALL_FAULTS.map((fault) => [fault, 0]))
  return {
    runs: 0,
    events: 0,
    edits: 0,
    repeated: 0,
    slowestMs: 0,
    faults,
    failure: undefined,
    failed: [],
    trace: [],
  }
}

/** Add `other` to `tally`; of two failures the one with the lower seed stays. */
export function addTally(tally: Tally, other: Tally): void {
  for (const field of ['runs', 'events', 'edits', 'repeated'] as const) tally[field] += other[field]
  tally.slowestMs = Math.max(tally.slowestMs, other.slowestMs)
  tally.trace = other.trace
  for (const fault of ALL_FAULTS) tally.faults[fault]! += other.faults[fault]!
  const { failure } = other
  tally.failed.push(...other.failed)
  if (failure && failure.seed < (tally.failure?.seed ?? Number.POSITIVE_INFINITY)) {
    tally.failure = failure
  }
}
