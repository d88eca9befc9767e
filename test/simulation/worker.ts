// One thread that runs batches. The product is loaded after the mutant, if there
// is one, has changed it.
import { parentPort, workerData } from 'node:worker_threads'
import { installMutant } from './mutate.ts'
import type { Mutant } from './mutants.ts'
import type { Batch } from './run.ts'

// Errors are part of the play, and their stacks cost a tenth of the time.
Error.stackTraceLimit = 0
const { mutant } = workerData as { mutant: Mutant | undefined }
if (mutant) installMutant(mutant)
const { runBatch } = await import('./run.ts')

parentPort!.on('message', (batch: Batch) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
  void runBatch(batch).then((tally) => parentPort!.postMessage(tally))
})
