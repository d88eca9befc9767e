// 1,000 streams on one model that 20 of them change, each once a second; then
// the same while a tenth of them read nothing.
import { percentile } from '../measure.ts'
import { countFigures, readDelays, toFigures, type Figure } from './figure.ts'
import type { Stage } from './stage.ts'

const CLIENTS = 1000
const STALLED = 100
// As long as a paragraph. The kernel takes 100 KB and more for a reader that
// stands still before the server notices; with short changes that takes minutes.
const WRITE = { perSecond: 20, writers: 20, characters: 1500 }
// A server closes a stream that has stood still for 30 seconds.
const STALL_MS = 25_000

export async function runCrowd(stage: Stage): Promise<Figure[]> {
  const server = await stage.startServer()
  const crowd = { clients: CLIENTS, models: 1, servers: [server], processes: 2 }
  await stage.prepare(crowd)
  await stage.connect(crowd)
  await stage.write({ ...WRITE, forMs: 5000 })
  await stage.settle(server)
  await stage.collect()

  const cpu = await stage.watch(server, 'crowd', () => stage.write({ ...WRITE, forMs: STALL_MS }))
  await stage.settle(server)
  const before = await stage.collect()
  const memoryBefore = await server.child.call('readMemory')

  await stage.stall(STALLED)
  await stage.write({ ...WRITE, forMs: STALL_MS })
  const memory = await server.child.call('readMemory')
  const during = await stage.collect()
  await stage.resume()
  await stage.settle(server)
  const after = await stage.collect()

  const delays = readDelays(before)
  const delaysDuring = readDelays(during)
  const perStream = (bytes: number) => bytes / 1024 / STALLED
  return [
    ...toFigures(delays, { 99: 250 }),
    ...countFigures(before, delays),
    { name: 'processor of the server', value: cpu, unit: '%' },
    { name: 'p99 while a tenth is stalled', value: percentile(delaysDuring, 99), unit: 'ms' },
    {
      name: 'to p99 before',
      value: percentile(delaysDuring, 99) / percentile(delays, 99),
      unit: '×',
    },
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
    {
      name: 'times that a stalled client had to ask later',
      value: after.reduce((sum, { asked }) => sum + asked, 0),
      unit: '',
    },
  ]
}
