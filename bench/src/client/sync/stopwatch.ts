import { median } from '../../harness/measure.ts'

/** Work that cannot be repeated without other work in between, so it is timed piece by piece. */
export interface Work {
  readonly name: string
  /** Do it once, with `time` around what counts. */
  readonly once: (time: Stopwatch) => void
}

/** Runs `part`, and adds the microseconds it takes to what is called `name`. */
type Stopwatch = <T>(part: () => T, name?: string) => T

/** The medians of what was timed, by name: that of the work where none was given. */
export type Medians = ReadonlyMap<string, number>

// Until the compiler has settled.
const WARM_UPS = 4

/** Let each do its work for a while, in turns. */
export function compareParts(
  works: readonly Work[],
  { rounds = 12, roundMs = 25 }: { rounds?: number; roundMs?: number } = {},
): Medians {
  const samples = new Map<string, number[]>()
  for (let round = -WARM_UPS; round < rounds; round += 1) {
    for (const { name, once } of works) {
      const until = performance.now() + roundMs
      do {
        once((part, partName = name) => {
          const start = performance.now()
          const result = part()
          const took = (performance.now() - start) * 1000
          const known = samples.get(partName)
          if (round < 0) return result
          if (known) known.push(took)
          else samples.set(partName, [took])
          return result
        })
      } while (performance.now() < until)
    }
  }
  return new Map([...samples].map(([name, list]) => [name, median(list)]))
}
