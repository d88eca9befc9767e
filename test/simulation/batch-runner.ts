// A process that runs batches. The product is loaded after the mutant, if there
// is one, has changed it.
import { installMutant } from './mutate.ts'
import type { Mutant } from './mutant.ts'
import type { Batch } from './tally.ts'

// Errors are part of the play, and their stacks cost a tenth of the time.
Error.stackTraceLimit = 0
const mutant = JSON.parse(process.argv[2]!) as Mutant | null
if (mutant) installMutant(mutant)
const { runBatch } = await import('./run.ts')

process.on('message', (batch: Batch) => {
  void runBatch(batch).then((tally) => process.send!(tally))
})
// Whoever asked is gone.
process.on('disconnect', () => process.exit())
