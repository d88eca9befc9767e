// What it takes to store a flush: real Postgres with fsync on, the service or another scheme in
// a process with those who write, without HTTP. One model that many write to, and many models.
import type { Context, Section } from '../harness/section.ts'
import { Cell, measureInTurn } from './commit/cell.ts'
import { createPgbench } from './commit/pgbench.ts'
import { startScheme } from './commit/scheme-process.ts'
import type { Scheme } from './commit/scheme.ts'
import { detailSection, hotSection, rateGoal } from './commit/sections.ts'
import { makeDocument } from './load.ts'
import { withPostgres } from './postgres.ts'

const DOCUMENT_BYTES = 10_000

export function run({ signal }: Context): Promise<Section[]> {
  return withPostgres(async (postgres) => {
    const schemes = await openSchemes(postgres.url)
    try {
      const cells = makeCells(schemes)
      await measureInTurn(Object.values(cells).flat(2), postgres, signal)
      for (const scheme of Object.values(schemes)) await scheme.check()
      return toSections(cells)
    } finally {
      for (const scheme of Object.values(schemes)) await scheme.close()
    }
  })
}

type Schemes = Record<'ours' | 'plain' | 'locked' | 'queued' | 'shareDb' | 'pgbench', Scheme>

async function openSchemes(url: string): Promise<Schemes> {
  const document = makeDocument(DOCUMENT_BYTES)
  return {
    ours: await startScheme('ours', url, document),
    queued: await startScheme('queued', url, document),
    locked: await startScheme('locked', url, document),
    plain: await startScheme('plain', url, document),
    shareDb: await startScheme('shareDb', url, document),
    pgbench: await createPgbench(url),
  }
}

type Cells = ReturnType<typeof makeCells>

function makeCells({ ours, plain, locked, queued, shareDb, pgbench }: Schemes) {
  return {
    /** Of each scheme with one writer, a few and many. */
    hot: [ours, queued, locked, plain, shareDb].map((scheme) =>
      [1, 16, 64].map((writers) => new Cell(scheme, writers, 'one')),
    ),
    limit: new Cell(pgbench, 1, 'one'),
    few: [ours, pgbench, queued, plain].map((scheme) => new Cell(scheme, 16, 'even')),
    many: [ours, pgbench, queued, plain].map((scheme) => new Cell(scheme, 64, 'even')),
    mixed: [ours, pgbench, plain].map((scheme) => new Cell(scheme, 64, 'zipf')),
  }
}

function toSections({ hot, limit, few, many, mixed }: Cells): Section[] {
  const hot64 = hot.map((cells) => cells.at(-1)!)
  const [ourHot, , , plainHot] = hot64 as [Cell, Cell, Cell, Cell]
  const [ourMany, pgbenchMany] = many as [Cell, Cell]
  const [p99, wal] = [ourHot.value('p99')!, ourMany.value('walBytesEach')!]
  return [
    hotSection(hot),
    detailSection(
      'one-model-64',
      'Flushes to one model of 10 KB by 64 writers, and what one connection of pgbench gets done',
      [...hot64, limit],
      [
        rateGoal('64 writers on one model, beside the plain loop', ourHot, plainHot, 100),
        rateGoal('64 writers on one model, beside pgbench at one client', ourHot, limit, 8),
        { what: 'p99 of 64 writers on one model', value: p99, unit: 'ms', atMost: 10 },
      ],
    ),
    detailSection(
      'many-models',
      'Flushes to 1,000 models of 10 KB, all alike',
      [...few, ...many],
      [
        rateGoal('64 writers on 1,000 models, beside pgbench', ourMany, pgbenchMany, 2),
        { what: 'write-ahead log of a flush', value: wal, unit: 'B', atMost: 1500 },
      ],
    ),
    detailSection(
      'some-hot',
      "Flushes to 1,000 models of 10 KB, some far more often than others (Zipf's law)",
      mixed,
    ),
  ]
}
