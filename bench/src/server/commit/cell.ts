// One scheme under one load, measured round by round.
import { median, percentile } from '../../harness/measure.ts'
import type { MeasuredPostgres } from '../postgres.ts'
import type { Scheme } from './scheme.ts'
import type { Spread } from './spread.ts'

const ROUNDS = 3
const ROUND_MS = 800
const WARM_UP_MS = 400

/** One scheme under one load, and what became of each round. */
export class Cell {
  readonly scheme: Scheme
  readonly writers: number
  readonly spread: Spread
  readonly #samples: Sample[] = []

  constructor(scheme: Scheme, writers: number, spread: Spread) {
    this.scheme = scheme
    this.writers = writers
    this.spread = spread
  }

  async warmUp(): Promise<void> {
    await this.scheme.run(this.writers, WARM_UP_MS, this.spread)
  }

  async measure(postgres: MeasuredPostgres): Promise<void> {
    const before = await readUsed(this.scheme, postgres)
    const { times, perSecond, tries } = await this.scheme.run(this.writers, ROUND_MS, this.spread)
    const after = await readUsed(this.scheme, postgres)
    const flushes = times.length
    this.#samples.push({
      perSecond,
      p50: percentile(times, 50),
      p99: percentile(times, 99),
      slowest: percentile(times, 100),
      triesEach: tries / flushes,
      cpuUsEach: (after.cpuUs - before.cpuUs) / flushes,
      walBytesEach: (after.walBytes - before.walBytes) / flushes,
    })
  }

  /** The median of the rounds; undefined where it cannot be known on this machine. */
  value(of: keyof Sample): number | undefined {
    const value = median(this.#samples.map((sample) => sample[of]))
    return Number.isNaN(value) ? undefined : value
  }

  get perSecond(): number {
    return this.value('perSecond')!
  }
}

/** What one round gave. */
export interface Sample {
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly slowest: number
  /** For one flush. */
  readonly triesEach: number
  readonly cpuUsEach: number
  readonly walBytesEach: number
}

/** Measure all in turn, round by round. */
export async function measureInTurn(
  cells: readonly Cell[],
  postgres: MeasuredPostgres,
  signal: AbortSignal,
): Promise<void> {
  for (const cell of cells) {
    signal.throwIfAborted()
    await cell.warmUp()
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const cell of cells) {
      signal.throwIfAborted()
      await cell.measure(postgres)
    }
  }
}

/** What was used so far, by the scheme and Postgres. */
async function readUsed(scheme: Scheme, postgres: MeasuredPostgres) {
  const ofScheme = (await scheme.readCpu()) ?? Number.NaN
  return { walBytes: await postgres.readWal(), cpuUs: ofScheme + postgres.readCpu() }
}
