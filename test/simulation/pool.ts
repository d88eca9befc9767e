import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Mutant } from './mutant.ts'
import { addTally, createTally, type Batch, type Tally } from './tally.ts'

export interface SimulateOptions {
  /** The first seed. */
  readonly from: number
  readonly count: number
  readonly postgresUrl?: string | undefined
  /** A defect to run with. */
  readonly mutant?: Mutant | undefined
  /** Go on after a run that failed. */
  readonly isExhaustive?: boolean
  /** Seeds that a process takes at once. */
  readonly batch?: number
  readonly onProgress?: (tally: Tally) => void
}

const RUNNER = fileURLToPath(new URL('batch-runner.ts', import.meta.url))

/** Run the seeds, in a process for each core, until one of them fails or all are done. */
export async function simulate(options: SimulateOptions): Promise<Tally> {
  const { from, count, postgresUrl, isExhaustive, batch = 100 } = options
  const total = createTally()
  let next = from
  const take = (): Batch | undefined => {
    if ((total.failure && !isExhaustive) || next >= from + count) return undefined
    const taken = {
      from: next,
      count: Math.min(batch, from + count - next),
      postgresUrl,
      isExhaustive,
    }
    next += taken.count
    return taken
  }
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      let work = take()
      if (!work) return
      const runner = startRunner(options.mutant)
      try {
        for (; work; work = take()) {
          addTally(total, await ask(runner, work))
          options.onProgress?.(total)
        }
      } finally {
        runner.kill()
      }
    }),
  )
  return total
}

function startRunner(mutant: Mutant | undefined): ChildProcess {
  return fork(RUNNER, [JSON.stringify(mutant ?? null)], {
    // The second is for `microtasks.ts`.
    execArgv: ['--conditions=@flushout/source', '--allow-natives-syntax'],
  })
}

async function ask(runner: ChildProcess, batch: Batch): Promise<Tally> {
  const over = new AbortController()
  const { signal } = over
  try {
    runner.send(batch)
    return await Promise.race([
      once(runner, 'message', { signal }).then(([tally]) => tally as Tally),
      once(runner, 'exit', { signal }).then(([code, killer]) => {
        const last = batch.from + batch.count - 1
        throw new Error(
          `The seeds ${batch.from} to ${last} ended their process: ${code ?? killer}.`,
        )
      }),
    ])
  } finally {
    over.abort()
  }
}
