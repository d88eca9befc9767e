// Shared machines are noisy, so nothing here gives a time that means something
// alone: the contenders take turns, round by round, and the ratio of their
// medians is the result.

/** One way to do the work: a function that does it `times` times. */
export interface Contender {
  readonly name: string
  readonly run: (times: number) => void | Promise<void>
  /** Done before each round, untimed. */
  readonly prepare?: () => void
  /** How often a round repeats the work; found out by itself when left out. */
  readonly times?: number
}

/** The median time of each contender for one piece of work, in microseconds. */
export async function compare(
  contenders: readonly Contender[],
  { rounds = 15, roundMs = 20 }: { rounds?: number; roundMs?: number } = {},
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const contender of contenders) counts.set(contender.name, await warmUp(contender, roundMs))
  const samples = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of contenders) {
      const times = counts.get(contender.name)!
      samples.get(contender.name)!.push((await time(contender, times)) / times)
    }
  }
  return new Map([...samples].map(([name, list]) => [name, median(list)]))
}

/** Run until the compiler has settled, and find out how often fills a round. */
async function warmUp(contender: Contender, roundMs: number): Promise<number> {
  if (contender.times) {
    const until = performance.now() + roundMs * 10
    while (performance.now() < until) await time(contender, contender.times)
    return contender.times
  }
  let times = 1
  // The better of two, so that one pause of the collector is not taken for work.
  while (Math.min(await time(contender, times), await time(contender, times)) < roundMs * 1000) {
    times *= 2
  }
  return times
}

async function time({ run, prepare }: Contender, times: number): Promise<number> {
  prepare?.()
  const start = performance.now()
  await run(times)
  return (performance.now() - start) * 1000
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

/** The value that so many percent do not exceed, of values in order; 100 is the largest. */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN
}
