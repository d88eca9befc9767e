// 1,000 streams on one model that 20 of them change, each once a second; then
// the same with long changes, while a tenth of the streams read nothing.
import { percentile } from '../measure.ts'
import { countFigures, readDelays, toFigures, type Figure } from './figure.ts'
import type { Stage } from './stage.ts'

const CLIENTS = 1000
const STALLED = 100
const SHORT = { perSecond: 20, writers: 20, characters: 40 }
// The kernel takes megabytes for a reader that stands still, before the server
// notices: with short changes that takes half an hour.
const LONG = { ...SHORT, characters: 4000 }
// A server closes a stream 30 seconds after it noticed.
const STALL_MS = 60_000

export async function runCrowd(stage: Stage): Promise<Figure[]> {
  const server = await stage.startServer()
  const crowd = { clients: CLIENTS, models: 1, servers: [server], processes: 2 }
  await stage.prepare(crowd)
  await stage.connect(crowd)
  await stage.write({ ...SHORT, forMs: 5000 })
  await stage.settle(server)
  await stage.collect()
  const cpu = await stage.watch(server, 'crowd', () => stage.write({ ...SHORT, forMs: 20_000 }))
  await stage.settle(server)
  const short = await stage.collect()

  await stage.write({ ...LONG, forMs: 5000 })
  await stage.settle(server)
  await stage.collect()
  await stage.write({ ...LONG, forMs: STALL_MS })
  await stage.settle(server)
  const before = readDelays(await stage.collect())
  const memoryBefore = await server.child.call('readMemory')

  await stage.stall(STALLED)
  await stage.write({ ...LONG, forMs: STALL_MS })
  const memory = await server.child.call('readMemory')
  const during = readDelays(await stage.collect())
  await stage.resume()
  await stage.settle(server)
  const asked = (await stage.collect()).reduce((sum, seen) => sum + seen.asked, 0)
  if (asked < STALLED) throw new Error(`The server noticed ${asked} of ${STALLED} stalled streams.`)

  const delays = readDelays(short)
  const perStream = (bytes: number) => bytes / 1024 / STALLED
  return [
    ...toFigures(delays, { 99: 250 }),
    ...countFigures(short, delays),
    { name: 'processor of the server', value: cpu, unit: '%' },
    { name: 'p99 with changes of 4 KB', value: percentile(before, 99), unit: 'ms' },
    { name: 'the same while a tenth is stalled', value: percentile(during, 99), unit: 'ms' },
    { name: 'to before', value: percentile(during, 99) / percentile(before, 99), unit: '×' },
    {
      name: 'server memory for each stalled stream',
      value: perStream(memory.used - memoryBefore.used),
      unit: 'KB',
      goal: 150,
    },
    {
      name: 'the same of its resident memory',
      value: perStream(memory.rss - memoryBefore.rss),
      unit: 'KB',
    },
    { name: 'times that stalled clients had to ask later', value: asked, unit: '' },
  ]
}
