// What it costs to read a version of a long history, and to wake a model that has one.
import type { JsonObject, LogEntry } from '@flushout/core'
import { allowAnyone, createService, postgresStore, type ModelStore } from '@flushout/server'
import { createDatabase, startPostgres } from '../../test/support/postgres.ts'
import { createFlushout, makeDocument, Writer } from './load.ts'
import { median, printTable } from './measure.ts'

const COMMANDS = 100_000
const WRITERS = 50
const VERSIONS = 41
const WAKES = 31
const ENTRY = 10
const AT_ONCE = 2_000

/** Write a history by flushes of two commands, and read versions from all over it. */
async function readVersions(url: string, name: string, document: JsonObject): Promise<string[]> {
  const service = await createFlushout(url, { [name]: document })
  const key = `${name}:long`
  const crew = Array.from({ length: WRITERS }, (_, n) => new Writer(`w${n}`))
  let left = COMMANDS / 2
  const write = async (writer: Writer) => {
    while (left > 0) {
      left -= 1
      await writer.flush(service, key)
    }
  }
  await Promise.all(crew.map(write))
  const times: number[] = []
  for (let index = 0; index < VERSIONS; index += 1) {
    const count = Math.floor((COMMANDS * index) / (VERSIONS - 1))
    const start = performance.now()
    await service.snapshotAt(key, count)
    times.push(performance.now() - start)
  }
  await service.close()
  const size = `${Math.round(JSON.stringify(document).length / 1000)} KB`
  return [size, `${median(times).toFixed(0)} ms`, `${Math.max(...times).toFixed(0)} ms`]
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

async function wake(store: ModelStore, key: string): Promise<number> {
  const models = [{ pattern: 'wake:*' }]
  const service = createService({ store, authorize: allowAnyone, models })
  const start = performance.now()
  await service.snapshot(key)
  return performance.now() - start
}

async function wakeModels(url: string): Promise<string[][]> {
  const store = postgresStore({ connectionString: url })
  await store.migrate()
  const sizes = [1_000, 1_000_000]
  const times = new Map(sizes.map((size) => [size, [] as number[]]))
  for (const size of sizes) await fill(store, `wake:${size}`, size)
  for (let round = 0; round <= WAKES; round += 1) {
    for (const size of sizes) {
      const time = await wake(store, `wake:${size}`)
      // The first round warms everything up.
      if (round > 0) times.get(size)!.push(time)
    }
  }
  await store.close()
  const base = median(times.get(sizes[0]!)!)
  return sizes.map((size) => {
    const time = median(times.get(size)!)
    return [size.toLocaleString('en'), `${time.toFixed(2)} ms`, `${(time / base).toFixed(2)}×`]
  })
}

const postgres = await startPostgres()
const database = await createDatabase(postgres.url)
try {
  const versions: string[][] = []
  for (const bytes of [4_000, 100_000, 900_000]) {
    versions.push(await readVersions(database.url, `size${bytes}`, makeDocument(bytes)))
  }
  console.log(`Versions all over a history of ${COMMANDS.toLocaleString('en')} commands.\n`)
  printTable([['document', 'median', 'slowest'], ...versions])
  console.log('\nA model that is not in memory, 100 commands behind its checkpoint.\n')
  printTable([['commands', 'median', 'to 1,000'], ...(await wakeModels(database.url))])
} finally {
  await database.drop()
  await postgres.stop()
}
