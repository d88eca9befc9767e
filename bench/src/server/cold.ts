// Models that are not in memory: what it takes to load one, and what a cache brings that holds
// only some of them.
import type { JsonObject } from '@flushout/core'
import { allowAnyone, createService, postgresStore, type ModelStore } from '@flushout/server'
import { compare } from '../harness/measure.ts'
import type { Context, LinePlot, Row, Section } from '../harness/section.ts'
import { measureMisses } from './cache-misses.ts'
import { countLoads, makeDocument } from './load.ts'
import { withPostgres, type MeasuredPostgres } from './postgres.ts'

const SIZES = [1_000, 10_000, 100_000, 1_000_000]

export function run({ signal }: Context): Promise<Section[]> {
  return withPostgres(async (postgres) => {
    const store = postgresStore({ connectionString: postgres.url })
    await store.migrate()
    const rows: Row[] = []
    for (const size of SIZES) {
      signal.throwIfAborted()
      rows.push(await load(postgres, store, size))
    }
    const misses = await measureMisses(postgres, store, signal)
    await store.close()
    return [toSection(rows), misses]
  })
}

/** Load models again and again, by a service that keeps none in memory. */
async function load({ client }: MeasuredPostgres, store: ModelStore, size: number): Promise<Row> {
  let loads = 0
  const service = createService({
    store: countLoads(store, () => (loads += 1)),
    authorize: allowAnyone,
    models: [{ pattern: 'cold:*' }],
    limits: { cacheBytes: 0 },
  })
  const document = makeDocument(size)
  // In turns, since one that is asked for at once is still there.
  const keys = [`cold:${size}a`, `cold:${size}b`]
  for (const key of keys) await store.create(key, { commandCount: 0, hash: 'h0', document })
  const text = JSON.stringify(document)
  const select = 'select checkpoint from flushout.model where key = $1'
  let reads = 0
  const times = await compare([
    { name: 'parse', run: (count) => repeat(count, () => check(parse(text), size)) },
    {
      name: 'query',
      run: (count) =>
        repeat(count, async (n) => {
          const { rows } = await client.query({ name: 'read', text: select, values: [keys[n % 2]] })
          check(parse((rows[0] as { checkpoint: string }).checkpoint), size)
        }),
    },
    {
      name: 'load',
      run: (count) =>
        repeat(count, async () => {
          check((await service.snapshot(keys[reads % 2]!)).document, size)
          reads += 1
        }),
    },
  ])
  if (loads !== reads) throw new Error(`${loads} loads for ${reads} reads`)
  const [parsed, queried, loaded] = [...times.values()] as [number, number, number]
  return {
    name: size < 1_000_000 ? `${size / 1000} KB` : `${size / 1_000_000} MB`,
    values: [parsed / 1000, queried / 1000, loaded / 1000, loaded / parsed, loaded / queried],
  }
}

function parse(text: string): JsonObject {
  return JSON.parse(text) as JsonObject
}

async function repeat(times: number, work: (n: number) => unknown): Promise<void> {
  for (let n = 0; n < times; n += 1) await work(n)
}

function check(document: JsonObject, size: number): void {
  const { length } = Object.keys(document['todos'] as JsonObject)
  if (length !== size / 100) throw new Error(`a document of ${size} has ${length} todos`)
}

function toSection(rows: readonly Row[]): Section {
  const line = (name: string, column: number) => ({
    name,
    points: rows.map(({ values }, index) => [SIZES[index]!, values[column]!] as const),
  })
  const plot: LinePlot = {
    x: { name: 'document', unit: 'B' },
    y: { name: 'time', unit: 'ms' },
    lines: [line('JSON.parse', 0), line('query and JSON.parse', 1), line('Flushout', 2)],
  }
  return {
    id: 'load',
    title: 'A model that is not in memory, until it can be read and written',
    rowsAre: 'document',
    columns: [
      { name: 'JSON.parse', unit: 'ms' },
      { name: 'query and JSON.parse', unit: 'ms' },
      { name: 'Flushout', unit: 'ms' },
      { name: 'to JSON.parse', unit: '×' },
      { name: 'to query and parse', unit: '×' },
    ],
    rows,
    goals: [
      {
        what: 'a model of 1 MB, to JSON.parse of it',
        value: rows.at(-1)!.values[3]!,
        unit: '×',
        atMost: 3,
      },
    ],
    plot,
  }
}
