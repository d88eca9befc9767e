// What a flush costs by the size of the document, by what is kept of the past, and by how many
// look on; and what a service has in memory. Real Postgres with fsync on, without HTTP.
import type { Context, Section } from '../harness/section.ts'
import { measureHistories } from './documents/histories.ts'
import { measureMemory } from './documents/memory.ts'
import { measureReaders } from './documents/readers.ts'
import { measureSizes } from './documents/sizes.ts'
import { withPostgres } from './postgres.ts'

export function run({ signal }: Context): Promise<Section[]> {
  return withPostgres(async (postgres) => {
    // First, while there is nothing to let go of.
    const memory = await measureMemory(postgres, signal)
    const histories = await measureHistories(postgres, signal)
    const readers = await measureReaders(postgres, signal)
    // The plain loop leaves Postgres much to tidy up, and comes last.
    return [await measureSizes(postgres, signal), histories, readers, ...memory]
  })
}
