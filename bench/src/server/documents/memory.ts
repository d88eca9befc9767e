import { PROTOCOL, type JsonObject } from '@flushout/core'
import type { FlushoutService } from '@flushout/server'
import type { Row, Section } from '../../harness/section.ts'
import { createFlushout, makeDocument, Writer } from '../load.ts'
import type { MeasuredPostgres } from '../postgres.ts'

/** How many documents of each size. */
const COUNTS = new Map([
  [1_000, 3_000],
  [10_000, 1_000],
  [100_000, 100],
  [1_000_000, 20],
])
const SIZES = [...COUNTS.keys()]
const AT_ONCE = 50
/** A model remembers no more of them. */
const CLIENTS = 1_000
const CLIENT_MODELS = 5
const STREAMS = 5_000

/** What is in memory for each model, and for each client. */
export async function measureMemory(
  { url }: MeasuredPostgres,
  signal: AbortSignal,
): Promise<Section[]> {
  const documents = Object.fromEntries(SIZES.map((size) => [`heavy${size}`, makeDocument(size)]))
  const service = await createFlushout(url, documents, { limits: { cacheBytes: 1_000_000_000 } })
  const models: Row[] = []
  for (const size of SIZES) {
    signal.throwIfAborted()
    models.push(await weighModels(service, size))
  }
  const client = await weighClients(url)
  const stream = await weighStreams(service)
  await service.close()
  return [toModels(models), toClients(client, stream)]
}

async function weighModels(service: FlushoutService, size: number): Promise<Row> {
  const count = COUNTS.get(size)!
  const document = JSON.stringify(makeDocument(size))
  const kept: JsonObject[] = []
  const plain = await weigh(() => {
    for (let n = 0; n < count; n += 1) kept.push(JSON.parse(document) as JsonObject)
  })
  const key = (n: number) => `heavy${size}:${n}`
  const before = service.usage.bytes
  const ours = await weigh(async () => {
    let next = 0
    const read = async () => {
      while (next < count) await service.snapshot(key(next++))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, read))
  })
  const counted = service.usage.bytes - before
  // Still there until now.
  if (kept.length !== count) throw new Error('they were let go')
  const [plainEach, oursEach] = [plain / count / 1000, ours / count / 1000]
  return {
    name: size < 1_000_000 ? `${size / 1000} KB` : `${size / 1_000_000} MB`,
    values: [plainEach, oursEach, oursEach / plainEach, ours / counted],
  }
}

/** One more client that a model knows, without the history that it wrote. */
async function weighClients(url: string): Promise<number> {
  const options = { limits: { historyBytes: 0 } }
  const service = await createFlushout(url, { known: makeDocument(100) }, options)
  const meet = async (model: number) => {
    const flushes = Array.from({ length: CLIENTS }, (_, n) =>
      new Writer(`${model}-${n}`).flush(service, `known:${model}`),
    )
    await Promise.all(flushes)
  }
  // The first warms everything up.
  await meet(0)
  const bytes = await weigh(async () => {
    for (let model = 1; model <= CLIENT_MODELS; model += 1) await meet(model)
  })
  await service.close()
  return bytes / (CLIENTS * CLIENT_MODELS)
}

/** One more who follows a model, without the socket. */
async function weighStreams(service: FlushoutService): Promise<number> {
  const { hash, commandCount: from } = await service.snapshot('heavy1000:0')
  const request = { protocol: PROTOCOL, models: { 'heavy1000:0': { from, hash } } } as const
  const sink = { write: () => true, end: () => {} }
  const bytes = await weigh(async () => {
    for (let n = 0; n < STREAMS; n += 1) {
      await service.live(
        request,
        () => sink,
        async () => undefined,
      ).started
    }
  })
  return bytes / STREAMS
}

/** By how many bytes the heap grew. */
async function weigh(fill: () => unknown): Promise<number> {
  const before = await readHeap()
  await fill()
  return (await readHeap()) - before
}

async function readHeap(): Promise<number> {
  // Some of it is let go a turn after what held it.
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    globalThis.gc!()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function toModels(rows: readonly Row[]): Section {
  return {
    id: 'memory',
    title: 'Memory of a model that was read, beside its document parsed',
    rowsAre: 'document',
    columns: [
      { name: 'parsed', unit: 'KB' },
      { name: 'Flushout', unit: 'KB' },
      { name: 'to parsed', unit: '×' },
      { name: 'for a character that `cacheBytes` counts', unit: 'B' },
    ],
    rows,
  }
}

function toClients(client: number, stream: number): Section {
  return {
    id: 'clients',
    title: 'Memory of the service for one more of many',
    columns: [{ name: 'each', unit: 'B' }],
    rows: [
      { name: 'client of a model, whose last flush is known', values: [client] },
      { name: 'live connection that follows a model, without its socket', values: [stream] },
    ],
  }
}
