// One change to 10,000 readers of one model.
import { median } from '../measure.ts'
import { countFigures, readDelays, toFigures, type Figure } from './figure.ts'
import type { Seen } from './generator-main.ts'
import type { Stage } from './stage.ts'

const CLIENTS = 10_000
const CHANGES = 20
const PAUSE_MS = 1500

export async function runBroadcast(stage: Stage): Promise<Figure[]> {
  const server = await stage.startServer()
  const crowd = { clients: CLIENTS, models: 1, servers: [server], processes: 2 }
  await stage.prepare(crowd)
  await stage.connect(crowd)
  const write = { perSecond: 1000 / PAUSE_MS, writers: 2, characters: 40 }
  await stage.write({ ...write, forMs: PAUSE_MS * 6 })
  await stage.settle(server)
  await stage.collect()
  await stage.watch(server, 'broadcast', () => stage.write({ ...write, forMs: PAUSE_MS * CHANGES }))
  await stage.settle(server)
  const seen = await stage.collect()
  const delays = readDelays(seen)
  const lasts = readLasts(seen)
  return [
    { name: 'the last reader has a change, median', value: median(lasts), unit: 'ms', goal: 150 },
    { name: 'the same, fastest change', value: Math.min(...lasts), unit: 'ms' },
    { name: 'the same, slowest change', value: Math.max(...lasts), unit: 'ms' },
    { name: 'changes', value: lasts.length, unit: '' },
    ...toFigures(delays).slice(0, 2),
    ...countFigures(seen, delays),
  ]
}

/** When each change came to its last reader. */
function readLasts(all: readonly Seen[]): number[] {
  const lasts = new Map<number, number>()
  for (const { times } of all) {
    for (let at = 0; at < times.length; at += 2) {
      const [sentAt, receivedAt] = [times[at]!, times[at + 1]!]
      lasts.set(sentAt, Math.max(lasts.get(sentAt) ?? 0, receivedAt - sentAt))
    }
  }
  return [...lasts.values()]
}
