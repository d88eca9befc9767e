import { compareRates, type Rate, type RateOptions } from '../../harness/rates.ts'
import type { Line, Section } from '../../harness/section.ts'
import { createFlushout, makeDocument } from '../load.ts'
import { PlainLoop } from '../plain-loop.ts'
import type { MeasuredPostgres } from '../postgres.ts'
import { COST_COLUMNS, costCells, costsOf, Writers, WRITERS } from './writers.ts'

const SIZES = [1_000, 4_000, 32_000, 256_000, 1_000_000]

/**
 * Flushes to documents of each size, by us and then by the plain loop: what Postgres has to tidy
 * up after that must not be counted as ours.
 */
export async function measureSizes(
  postgres: MeasuredPostgres,
  signal: AbortSignal,
): Promise<Section> {
  const options = { signal, rounds: 3, meters: costsOf(postgres) }
  const ours = await driveOurs(postgres, { ...options, roundMs: 1000 })
  const plain = await drivePlain(postgres, { ...options, roundMs: 500 })
  return toSection(new Map([...ours, ...plain]))
}

async function driveOurs(
  postgres: MeasuredPostgres,
  options: RateOptions,
): Promise<Map<string, Rate>> {
  const documents = SIZES.map((size) => [`size${size}`, makeDocument(size)] as const)
  const service = await createFlushout(
    postgres.url,
    Object.fromEntries(documents),
    // All of them are in memory.
    { limits: { cacheBytes: 256 * 1024 * 1024 } },
  )
  const crowds = SIZES.map((size) => ({ size, writers: new Writers(service, `size${size}`) }))
  const rates = await compareRates(
    crowds.map(({ size, writers }) => ({
      name: nameOf('Flushout', size),
      workers: WRITERS,
      work: writers.work,
    })),
    options,
  )
  for (const { writers } of crowds) await writers.check(postgres)
  await service.close()
  return rates
}

async function drivePlain(
  { url }: MeasuredPostgres,
  options: RateOptions,
): Promise<Map<string, Rate>> {
  const plain = new PlainLoop(url)
  const keyOf = (size: number, writer: number) => `${size}:${writer}`
  for (const size of SIZES) {
    const keys = Array.from({ length: WRITERS }, (_, writer) => keyOf(size, writer))
    await plain.create(keys, makeDocument(size))
  }
  const rates = await compareRates(
    SIZES.map((size) => ({
      name: nameOf('plain loop', size),
      workers: WRITERS,
      work: (writer) => plain.flush(keyOf(size, writer), String(writer)),
    })),
    options,
  )
  await plain.close()
  return rates
}

function nameOf(scheme: string, size: number): string {
  return size < 1_000_000 ? `${scheme}, ${size / 1000} KB` : `${scheme}, ${size / 1_000_000} MB`
}

function toSection(rates: ReadonlyMap<string, Rate>): Section {
  const rateOf = (scheme: string, size: number) => rates.get(nameOf(scheme, size))!
  const line = (scheme: string): Line => ({
    name: scheme,
    points: SIZES.map((size) => [size, rateOf(scheme, size).perSecond]),
  })
  const schemes = ['Flushout', 'plain loop']
  const [small, large] = [rateOf('Flushout', 4_000), rateOf('Flushout', 1_000_000)]
  return {
    id: 'sizes',
    title: `Flushes of two commands by ${WRITERS} writers to ${WRITERS} models, by the size of the document`,
    columns: [...COST_COLUMNS, { name: 'to 4 KB', unit: '%' }],
    rows: schemes.flatMap((scheme) =>
      SIZES.map((size) => {
        const rate = rateOf(scheme, size)
        const share = (100 * rate.perSecond) / rateOf(scheme, 4_000).perSecond
        return { name: nameOf(scheme, size), values: [...costCells(rate), share] }
      }),
    ),
    goals: [
      {
        what: 'flushes to documents of 1 MB, to those of 4 KB',
        value: (100 * large.perSecond) / small.perSecond,
        unit: '%',
        atLeast: 70,
      },
      {
        what: 'WAL of a flush to a document of 4 KB',
        value: small.spent['wal']!,
        unit: 'B',
        atMost: 1500,
      },
      {
        what: 'WAL of a flush to a document of 1 MB',
        value: large.spent['wal']!,
        unit: 'B',
        atMost: 1500,
      },
    ],
    plot: {
      x: { name: 'document', unit: 'B' },
      y: { name: 'flushes', unit: '/s' },
      lines: schemes.map(line),
    },
  }
}
