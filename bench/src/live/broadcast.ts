// One change to 10,000 readers of one model, beside the least that a server can do on Node.
import { median } from '../harness/measure.ts'
import type { Context, Section } from '../harness/section.ts'
import type { Seen } from './generator-main.ts'
import { withStage, type Server, type Stage } from './stage.ts'

const CLIENTS = 10_000
const CHANGES = 6
const ROUNDS = 4
const PAUSE_MS = 1500
const GOAL_MS = 150

interface Contender {
  readonly name: string
  readonly stage: Stage
  readonly server: Server
  /** Milliseconds until the last reader has a change, of each change. */
  readonly lasts: number[]
  /** Percent of a processor. */
  readonly used: number[]
}

export async function run(context: Context): Promise<Section[]> {
  return withStage(context, (first) =>
    withStage(context, async (second) => {
      const contenders = [
        await prepare('Flushout', first, await first.startServer()),
        await prepare('plain node:http', second, await second.startServer({ isPlain: true })),
      ]
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const contender of contenders) await tell(contender, round)
      }
      return [toSection(contenders)]
    }),
  )
}

async function prepare(name: string, stage: Stage, server: Server): Promise<Contender> {
  const crowd = { clients: CLIENTS, models: 1, servers: [server], processes: 1 }
  await stage.prepare(crowd)
  await stage.connect(crowd)
  const contender = { name, stage, server, lasts: [], used: [] }
  await tell(contender, undefined)
  return { ...contender, lasts: [], used: [] }
}

/** Some changes, one after the other. */
async function tell({ name, stage, server, lasts, used }: Contender, round: number | undefined) {
  const write = { perSecond: 1000 / PAUSE_MS, writers: 2, characters: 40 }
  const { servers } = await stage.watch([server], `broadcast-${name}-${round}`, () =>
    stage.write({ ...write, forMs: PAUSE_MS * CHANGES }),
  )
  await stage.settle(server)
  lasts.push(...readLasts(await stage.collect()))
  used.push(servers)
}

function toSection(contenders: readonly Contender[]): Section {
  const values = contenders.map(({ lasts, used }) => [
    Math.min(...lasts),
    median(lasts),
    Math.max(...lasts),
    // Of each write, in microseconds.
    ((median(used) / 100) * PAUSE_MS * 1000) / CLIENTS,
  ])
  const [ours, plain] = values as [number[], number[]]
  return {
    id: 'last',
    title: 'One change of 40 characters to 10,000 readers of one model, until the last one has it',
    columns: [
      { name: 'fastest', unit: 'ms' },
      { name: 'median', unit: 'ms' },
      { name: 'slowest', unit: 'ms' },
      { name: 'processor for a reader', unit: 'µs' },
      { name: 'to plain', unit: '×' },
    ],
    rows: contenders.map(({ name }, index) => ({
      name,
      values: [...values[index]!, values[index]![1]! / plain[1]!],
    })),
    goals: [
      { what: 'the last of 10,000 readers, median', value: ours[1]!, unit: 'ms', atMost: GOAL_MS },
    ],
  }
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
