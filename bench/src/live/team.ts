// 100 clients on 20 models, each changing something now and then: over one server, and
// with half of the clients on another, which hears of it through Postgres.
import type { Context, Section } from '../harness/section.ts'
import { delayColumns, delayGoal, delayValues } from './delays.ts'
import type { Seen } from './generator-main.ts'
import { withStage, type Server, type Stage, type Usage } from './stage.ts'

const WRITE = { perSecond: 100, characters: 40 }
const GOAL_MS = 100

interface Outcome {
  readonly name: string
  readonly seen: readonly Seen[]
  readonly usage: Usage
}

export async function run(context: Context): Promise<Section[]> {
  const outcomes: Outcome[] = []
  for (const [count, name] of ['one', 'two'].entries()) {
    outcomes.push(await withStage(context, (stage) => play(stage, name, count + 1)))
  }
  return [
    {
      id: 'delay',
      title: '100 clients on 20 models make 100 changes a second, and hear of those of the others',
      rowsAre: 'servers',
      columns: [
        ...delayColumns,
        { name: 'processor of servers', unit: '%' },
        { name: 'of Postgres', unit: '%' },
      ],
      rows: outcomes.map(({ name, seen, usage }) => ({
        name,
        values: [...delayValues(seen), usage.servers, usage.postgres],
      })),
      goals: outcomes.map(({ name, seen }) => delayGoal(`servers: ${name}`, seen, 95, GOAL_MS)),
    },
  ]
}

async function play(stage: Stage, name: string, count: number): Promise<Outcome> {
  const servers: Server[] = []
  while (servers.length < count) servers.push(await stage.startServer())
  const crowd = { clients: 100, models: 20, servers, processes: 2 }
  await stage.prepare(crowd)
  await stage.connect(crowd)
  await stage.write({ ...WRITE, forMs: 3000 })
  await stage.settle(servers[0]!)
  await stage.collect()
  const usage = await stage.watch(servers, `team-${name}`, () =>
    stage.write({ ...WRITE, forMs: 15_000 }),
  )
  await stage.settle(servers[0]!)
  return { name, seen: await stage.collect(), usage }
}
