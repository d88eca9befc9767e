// 20,000 clients, ten on each model, connected to one server; each of them
// changes something once in 30 seconds.
import { execFileSync } from 'node:child_process'
import { countFigures, readDelays, toFigures, type Figure } from './figure.ts'
import type { Stage } from './stage.ts'

const CLIENTS = 20_000
const CLIENTS_A_MODEL = 10
const ROUND_MS = 30_000
/** Files that a server has open besides its streams. */
const OTHER_FILES = 200

export async function runConnections(stage: Stage): Promise<Figure[]> {
  const clients = countPossible()
  const server = await stage.startServer()
  const models = Math.ceil(clients / CLIENTS_A_MODEL)
  const crowd = { clients, models, servers: [server], processes: 4 }
  await stage.prepare(crowd)
  const before = await server.child.call('readMemory')
  const start = performance.now()
  await stage.connect(crowd)
  const connectMs = performance.now() - start
  // What was needed for connecting only is given back.
  await stage.wait(5000)
  const after = await server.child.call('readMemory')
  const idle = await stage.watch(server, 'connections-idle', () => stage.wait(20_000))

  const write = { perSecond: (clients * 1000) / ROUND_MS, characters: 40 }
  await stage.write({ ...write, forMs: 5000 })
  await stage.settle(server)
  await stage.collect()
  const cpu = await stage.watch(server, 'connections', () =>
    stage.write({ ...write, forMs: ROUND_MS }),
  )
  await stage.settle(server)
  const seen = await stage.collect()
  const delays = readDelays(seen)
  const perStream = (bytes: number) => bytes / 1024 / clients
  return [
    { name: 'live connections', value: clients, unit: '' },
    ...toFigures(delays, { 95: 500 }),
    ...countFigures(seen, delays),
    { name: 'until all were connected', value: connectMs / 1000, unit: 's' },
    {
      name: 'resident memory for each idle connection',
      value: perStream(after.rss - before.rss),
      unit: 'KB',
      goal: 20,
    },
    {
      name: 'heap and buffers for each',
      value: perStream(after.used - before.used),
      unit: 'KB',
      goal: 20,
    },
    { name: 'heap for each', value: perStream(after.heap - before.heap), unit: 'KB' },
    { name: 'processor of the server, all idle', value: idle, unit: '%' },
    { name: 'processor of the server', value: cpu, unit: '%' },
  ]
}

/** As many as one process may have files for. */
function countPossible(): number {
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn']).toString().trim()
  if (limit === 'unlimited' || Number(limit) >= CLIENTS + OTHER_FILES) return CLIENTS
  const possible = Math.floor((Number(limit) - OTHER_FILES) / CLIENTS_A_MODEL) * CLIENTS_A_MODEL
  console.log(
    `This machine allows a process ${Number(limit).toLocaleString('en')} open files, so there are ` +
      `${possible.toLocaleString('en')} connections instead of ${CLIENTS.toLocaleString('en')}.`,
  )
  return possible
}
