import { allowAnyone, createService, postgresStore, type ServiceOptions } from '@flushout/server'
import { compareRates } from '../../harness/rates.ts'
import type { Section } from '../../harness/section.ts'
import { makeDocument } from '../load.ts'
import type { MeasuredPostgres } from '../postgres.ts'
import { COST_COLUMNS, costCells, costsOf, Writers, WRITERS } from './writers.ts'

const WAYS: readonly (Pick<ServiceOptions, 'history' | 'checkpoint'> & {
  readonly name: string
})[] = [
  { name: 'all history kept', history: 'all' },
  { name: 'the last 100 commands', history: { last: 100 } },
  { name: 'no history', history: 'none' },
  { name: 'all, and the document with each commit', history: 'all', checkpoint: { bytes: 0 } },
]

/** Flushes by what is kept of the past. */
export async function measureHistories(
  postgres: MeasuredPostgres,
  signal: AbortSignal,
): Promise<Section> {
  const ways = WAYS.map(({ name, ...options }, index) => {
    const service = createService({
      store: postgresStore({ connectionString: postgres.url }),
      authorize: allowAnyone,
      models: [{ pattern: `kept${index}:*`, initial: makeDocument(4_000) }],
      ...options,
    })
    return { name, service, writers: new Writers(service, `kept${index}`) }
  })
  const rates = await compareRates(
    ways.map(({ name, writers }) => ({ name, workers: WRITERS, work: writers.work })),
    { signal, rounds: 3, roundMs: 1000, meters: costsOf(postgres) },
  )
  for (const { writers, service } of ways) {
    await writers.check(postgres)
    await service.close()
  }
  return {
    id: 'histories',
    title: `Flushes of two commands by ${WRITERS} writers to ${WRITERS} models of 4 KB, by what is kept of the past`,
    columns: COST_COLUMNS,
    rows: ways.map(({ name }) => ({ name, values: costCells(rates.get(name)!) })),
  }
}
