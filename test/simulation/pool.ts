import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Mutant } from './mutants.ts'
import { addTally, createTally, type Batch, type Tally } from './run.ts'

export interface SimulateOptions {
  /** The first seed. */
  readonly from: number
  readonly count: number
  readonly postgresUrl?: string | undefined
  /** A defect to run with. */
  readonly mutant?: Mutant | undefined
  /** Go on after a run that failed. */
  readonly isExhaustive?: boolean
  /** How many threads. Default: one for each core. */
  readonly threads?: number
  /** Seeds that a thread takes at once. */
  readonly batch?: number
  readonly onProgress?: (tally: Tally) => void
}

/** Run the seeds in threads, until one of them fails or all are done. */
export async function simulate(options: SimulateOptions): Promise<Tally> {
  const { from, count, postgresUrl, isExhaustive, batch = 100 } = options
  const { threads = availableParallelism() } = options
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
    Array.from({ length: threads }, async () => {
      let work = take()
      if (!work) return
      const worker = new Worker(new URL('./worker.ts', import.meta.url), {
        execArgv: ['--conditions=@flushout/source'],
        workerData: { mutant: options.mutant },
      })
      try {
        for (; work; work = take()) {
          addTally(total, await ask(worker, work))
          options.onProgress?.(total)
        }
      } finally {
        await worker.terminate()
      }
    }),
  )
  return total
}

function ask(worker: Worker, batch: Batch): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const end = () => {
      worker.off('message', onMessage)
      worker.off('error', onError)
      worker.off('exit', onExit)
    }
    const onMessage = (tally: Tally) => {
      end()
      resolve(tally)
    }
    const onError = (error: Error) => {
      end()
      reject(error)
    }
    const onExit = (code: number) => {
      end()
      reject(new Error(`A thread of the simulation ended with code ${code}.`))
    }
    worker.on('message', onMessage)
    worker.on('error', onError)
    worker.on('exit', onExit)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
    worker.postMessage(batch)
  })
}
