import { compareRates, type Crowd } from '../harness/rates.ts'
import type { Goal } from '../harness/section.ts'
import { createFlushout, makeDocument, Writer } from '../server/load.ts'
import { PlainLoop } from '../server/plain-loop.ts'
import { withPostgres } from '../server/postgres.ts'

const WRITERS = 32
const SMALL = 4_000
const LARGE = 1_000_000

/** Flushes of one commit each would be ten times as slow, and so would a document written anew for each. */
export async function compareOnServer(): Promise<Goal[]> {
  return withPostgres(async ({ url }) => {
    const small = makeDocument(SMALL)
    const plain = new PlainLoop(url)
    await plain.create(['hot'], small)
    const service = await createFlushout(url, { small, large: makeDocument(LARGE) })
    const crowd = (name: string, key: string): Crowd => {
      const writers = Array.from({ length: WRITERS }, (_, n) => new Writer(`${name}-${n}`))
      return { name, workers: WRITERS, work: (worker) => writers[worker]!.flush(service, key) }
    }
    try {
      const rates = await compareRates(
        [
          { name: 'plain', workers: WRITERS, work: (worker) => plain.flush('hot', `${worker}`) },
          crowd('small', 'small:hot'),
          crowd('large', 'large:hot'),
        ],
        { signal: new AbortController().signal, rounds: 3, roundMs: 500 },
      )
      const ratio = (name: string, to: string) =>
        rates.get(name)!.perSecond / rates.get(to)!.perSecond
      return [
        {
          what: `flushes of ${WRITERS} writers on one model, to the plain loop`,
          value: ratio('small', 'plain'),
          unit: '×',
          atLeast: 6,
        },
        {
          what: 'flushes on a document of 1 MB, to one of 4 KB',
          value: ratio('large', 'small'),
          unit: '×',
          atLeast: 0.2,
        },
      ]
    } finally {
      await service.close()
      await plain.close()
    }
  })
}
