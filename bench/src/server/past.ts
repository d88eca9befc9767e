// What it costs to read a version of a long history, and to wake a model that has one.
import type { LogEntry } from '@flushout/core'
import { allowAnyone, createService, postgresStore, type ModelStore } from '@flushout/server'
import { median } from '../harness/measure.ts'
import type { Context, Row, Section } from '../harness/section.ts'
import { createFlushout, makeDocument, Writer } from './load.ts'
import { withPostgres } from './postgres.ts'

const COMMANDS = 100_000
const WRITERS = 50
const VERSIONS = 41
const DOCUMENTS = { '4 KB': 4_000, '100 KB': 100_000, '900 KB': 900_000 }
const WAKES = 31
const HISTORIES = [1_000, 1_000_000]
const ENTRY = 10
const AT_ONCE = 2_000

export function run({ signal }: Context): Promise<Section[]> {
  return withPostgres(async ({ url }) => {
    const versions: Row[] = []
    for (const [name, bytes] of Object.entries(DOCUMENTS)) {
      signal.throwIfAborted()
      versions.push({ name, values: await readVersions(url, bytes, signal) })
    }
    signal.throwIfAborted()
    return [toVersions(versions), toWakes(await wakeModels(url))]
  })
}

/**
 * Write a history by flushes of two commands, and read versions from all over it: the median
 * and the slowest, in milliseconds.
 */
async function readVersions(url: string, bytes: number, signal: AbortSignal): Promise<number[]> {
  const name = `size${bytes}`
  const service = await createFlushout(url, { [name]: makeDocument(bytes) })
  const key = `${name}:long`
  const crew = Array.from({ length: WRITERS }, (_, n) => new Writer(`w${n}`))
  let left = COMMANDS / 2
  const write = async (writer: Writer) => {
    while (left > 0) {
      left -= 1
      signal.throwIfAborted()
      await writer.flush(service, key)
    }
  }
  await Promise.all(crew.map(write))
  const times: number[] = []
  for (let index = 0; index < VERSIONS; index += 1) {
    const count = Math.floor((COMMANDS * index) / (VERSIONS - 1))
    const start = performance.now()
    const { commandCount } = await service.snapshotAt(key, count)
    times.push(performance.now() - start)
    if (commandCount !== count) throw new Error(`version ${commandCount} in place of ${count}`)
  }
  await service.close()
  return [median(times), Math.max(...times)]
}

/** Put a history of so many commands into the store, the last hundred behind the checkpoint. */
async function fill(store: ModelStore, key: string, commands: number): Promise<void> {
  const document = makeDocument(4_000)
  await store.create(key, { commandCount: 0, hash: 'h0', document })
  const command = { action: 'update', path: ['todos', 't0'], props: { done: true } } as const
  const entry = (from: number): LogEntry => ({
    from,
    hash: `h${from + ENTRY}`,
    clientId: 'c',
    sequence: from / ENTRY + 1,
    userId: null,
    at: 0,
    salt: '',
    commands: Array.from({ length: ENTRY }, () => command),
  })
  let head = { commandCount: 0, revision: 0, hash: 'h0' }
  const write = async (to: number, checkpoint?: string) => {
    while (head.commandCount < to) {
      const read = head
      const count = Math.min(AT_ONCE, (to - read.commandCount) / ENTRY)
      const entries = Array.from({ length: count }, (_, n) => entry(read.commandCount + n * ENTRY))
      const commandCount = read.commandCount + count * ENTRY
      head = { commandCount, revision: read.revision + 1, hash: `h${commandCount}` }
      const isLast = commandCount === to
      await store.commit([
        { key, read, head, entries, clients: [], checkpoint: isLast ? checkpoint : undefined },
      ])
    }
  }
  await write(commands - 100, JSON.stringify(document))
  await write(commands)
}

async function wake(store: ModelStore, key: string, commands: number): Promise<number> {
  const models = [{ pattern: 'wake:*' }]
  const service = createService({ store, authorize: allowAnyone, models })
  const start = performance.now()
  const { commandCount } = await service.snapshot(key)
  const time = performance.now() - start
  if (commandCount !== commands) throw new Error(`${commandCount} commands of ${commands}`)
  return time
}

/** The median time for each length of the history, in milliseconds. */
async function wakeModels(url: string): Promise<number[]> {
  const store = postgresStore({ connectionString: url })
  await store.migrate()
  for (const length of HISTORIES) await fill(store, `wake:${length}`, length)
  const times = HISTORIES.map(() => [] as number[])
  // The first round warms everything up.
  for (let round = 0; round <= WAKES; round += 1) {
    for (const [index, length] of HISTORIES.entries()) {
      const time = await wake(store, `wake:${length}`, length)
      if (round > 0) times[index]!.push(time)
    }
  }
  await store.close()
  return times.map(median)
}

function toVersions(rows: readonly Row[]): Section {
  return {
    id: 'versions',
    title: `Versions from all over a history of ${COMMANDS.toLocaleString('en')} commands`,
    rowsAre: 'document',
    columns: [
      { name: 'median', unit: 'ms' },
      { name: 'slowest', unit: 'ms' },
    ],
    rows,
    goals: rows.map(({ name, values }) => ({
      what: `any version of a document of ${name}`,
      value: values[1]!,
      unit: 'ms',
      atMost: 1000,
    })),
  }
}

function toWakes(times: readonly number[]): Section {
  return {
    id: 'wakes',
    title: 'A model that is not in memory, with 100 commands behind its checkpoint',
    rowsAre: 'commands before',
    columns: [
      { name: 'until it can be read', unit: 'ms' },
      { name: 'to the short history', unit: '×' },
    ],
    rows: times.map((time, index) => ({
      name: HISTORIES[index]!.toLocaleString('en'),
      values: [time, time / times[0]!],
    })),
    goals: [
      {
        what: 'the long history, to the short one',
        value: times.at(-1)! / times[0]!,
        unit: '×',
        atMost: 1.2,
      },
    ],
  }
}
