// How much is done in a second, by how many at a time, and what that costs: for work that is
// waited for. As with times, the contenders take turns, round by round.
import { median, percentile } from './measure.ts'

/** Some who work at a time, each on one thing after the other, as fast as they are answered. */
export interface Crowd {
  readonly name: string
  readonly workers: number
  /** One piece of work of one of them. */
  readonly work: (worker: number) => Promise<unknown>
}

/** What grows while work is done: bytes, time of a processor, a count. */
export interface Meters {
  readonly [name: string]: () => number | Promise<number>
}

/** What a round showed. */
export interface Round {
  readonly perSecond: number
  /** Of each piece of work in milliseconds, shortest first. */
  readonly times: readonly number[]
  /** By how much each meter grew for a piece of work. */
  readonly spent: Readonly<Record<string, number>>
}

/** What a crowd did, as medians of its rounds; `max` is the slowest of all. */
export interface Rate {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly spent: Readonly<Record<string, number>>
}

export interface RateOptions {
  readonly signal: AbortSignal
  /** Those that count; one more comes before, to warm everything up. */
  readonly rounds?: number
  readonly roundMs?: number
  readonly meters?: Meters
}

/** Let the crowds work in turn. */
export async function compareRates(
  crowds: readonly Crowd[],
  { signal, rounds = 5, roundMs = 1000, meters = {} }: RateOptions,
): Promise<Map<string, Rate>> {
  const results = new Map(crowds.map(({ name }) => [name, [] as Round[]]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const crowd of crowds) {
      signal.throwIfAborted()
      const result = await drive(crowd, roundMs, meters)
      if (round > 0) results.get(crowd.name)!.push(result)
    }
  }
  return new Map([...results].map(([name, list]) => [name, summarize(list)]))
}

/** Let a crowd work for a while. */
export async function drive(
  { workers, work }: Crowd,
  forMs: number,
  meters: Meters = {},
): Promise<Round> {
  const times: number[] = []
  const before = await readMeters(meters)
  const start = performance.now()
  const end = start + forMs
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      while (performance.now() < end) {
        const at = performance.now()
        await work(worker)
        times.push(performance.now() - at)
      }
    }),
  )
  const perSecond = (times.length * 1000) / (performance.now() - start)
  const after = await readMeters(meters)
  const spent = Object.keys(meters).map((name) => [
    name,
    (after[name]! - before[name]!) / times.length,
  ])
  return {
    perSecond,
    times: times.sort((a, b) => a - b),
    spent: Object.fromEntries(spent) as Record<string, number>,
  }
}

export function summarize(rounds: readonly Round[]): Rate {
  const over = (read: (round: Round) => number) => median(rounds.map(read))
  const names = Object.keys(rounds[0]!.spent)
  return {
    perSecond: over(({ perSecond }) => perSecond),
    p50: over(({ times }) => percentile(times, 50)),
    p99: over(({ times }) => percentile(times, 99)),
    max: Math.max(...rounds.map(({ times }) => times.at(-1)!)),
    spent: Object.fromEntries(names.map((name) => [name, over(({ spent }) => spent[name]!)])),
  }
}

async function readMeters(meters: Meters): Promise<Record<string, number>> {
  const read = Object.entries(meters).map(async ([name, meter]) => [name, await meter()] as const)
  return Object.fromEntries(await Promise.all(read))
}
