// 1,000 real clients, ten on each model, at work when their server is killed;
// it comes back after five seconds.
import { createServer } from 'node:net'
import { percentile } from '../harness/measure.ts'
import type { Context, Section } from '../harness/section.ts'
import { digestDocument } from './digest-document.ts'
import type { PeopleApi, PersonTask } from './people-main.ts'
import { Requests } from './requests.ts'
import { withStage, type Stage } from './stage.ts'

const CLIENTS = 1000
const MODELS = 100
const PROCESSES = 4
/** Todos that everybody adds, from a second before the end until just before the return. */
const EDITS = 5
const EDITING_MS = 5000
const BEFORE_MS = 1000
const AWAY_MS = 5000
const GIVE_UP_MS = 120_000

export function run(context: Context): Promise<Section[]> {
  return withStage(context, async (stage) => [await play(stage)])
}

async function play(stage: Stage): Promise<Section> {
  const port = await findFreePort()
  const first = await stage.startServer({ port })
  const people = Array.from({ length: CLIENTS }, (_, number): PersonTask => {
    return { name: `person-${number}`, key: `bench:${number % MODELS}` }
  })
  const processes = Array.from({ length: PROCESSES }, () =>
    stage.start<PeopleApi>('people-main.ts'),
  )
  await Promise.all(
    processes.map((process, index) =>
      process.call(
        'open',
        people.filter((_, number) => Math.floor(number / MODELS) % PROCESSES === index),
        `http://127.0.0.1:${port}/flushout`,
      ),
    ),
  )
  await stage.wait(3000)
  const live = await countLive()

  const edits = Promise.all(processes.map((process) => process.call('edit', EDITS, EDITING_MS)))
  edits.catch(() => {})
  await stage.wait(BEFORE_MS)
  await first.child.kill()
  await stage.wait(AWAY_MS)
  await edits
  const pending = sum(await Promise.all(processes.map((process) => process.call('countPending'))))
  const second = await stage.startServer({ port })

  const counts = new Map(people.map(({ key }) => [key, (CLIENTS / MODELS) * EDITS]))
  const converging = processes.map((process) => process.call('converge', counts, GIVE_UP_MS))
  const done = (await Promise.all(converging)).flat()
  await checkDocuments(port, done)
  const times = done.map(({ at }) => Math.max(0, at - second.at) / 1000).sort((a, b) => a - b)
  await stage.wait(3000)
  const all = percentile(times, 100)
  return {
    id: 'in-step',
    title:
      '1,000 clients on 100 models, their server killed, and back after 5 s: until they are in step',
    columns: [
      { name: 'live before', unit: '' },
      { name: 'edits that waited', unit: '' },
      { name: 'half', unit: 's' },
      { name: '99 %', unit: 's' },
      { name: 'all', unit: 's' },
      { name: 'live 3 s later', unit: '' },
    ],
    rows: [
      {
        name: 'real clients',
        values: [
          live,
          pending,
          percentile(times, 50),
          percentile(times, 99),
          all,
          await countLive(),
        ],
      },
    ],
    goals: [{ what: 'until all are in step', value: all, unit: 's', atMost: 15 }],
  }

  async function countLive(): Promise<number> {
    const counted = await Promise.all(processes.map((process) => process.call('countStates')))
    return sum(counted.map((states) => states.get('live') ?? 0))
  }
}

/** Everybody holds what the server does. */
async function checkDocuments(
  port: number,
  done: readonly { readonly key: string; readonly digest: string }[],
): Promise<void> {
  const requests = new Requests(4)
  const digests = new Map<string, string>()
  try {
    for (const key of new Set(done.map((one) => one.key))) {
      digests.set(key, digestDocument((await requests.read(port, key)).document))
    }
  } finally {
    requests.close()
  }
  const others = done.filter(({ key, digest }) => digests.get(key) !== digest)
  if (others.length > 0) throw new Error(`${others.length} clients hold another document.`)
}

/**
 * One that the system does not give to connections: somebody who tries to
 * connect to a server that is away could meet themselves.
 */
async function findFreePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise((resolve) => server.close(resolve))
    if (isFree) return port
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
