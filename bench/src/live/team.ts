// 100 clients on 20 models, each changing something now and then.
import { countFigures, readDelays, toFigures, type Figure } from './figure.ts'
import type { Stage } from './stage.ts'

const WRITE = { perSecond: 100, characters: 40 }

export function runTeam(stage: Stage): Promise<Figure[]> {
  return runOver(stage, 1)
}

/** The same with half of the clients on another server, which hears through Postgres. */
export function runTeams(stage: Stage): Promise<Figure[]> {
  return runOver(stage, 2)
}

async function runOver(stage: Stage, count: number): Promise<Figure[]> {
  const servers = []
  for (let number = 0; number < count; number += 1) servers.push(await stage.startServer())
  const crowd = { clients: 100, models: 20, servers, processes: 2 }
  await stage.prepare(crowd)
  await stage.connect(crowd)
  await stage.write({ ...WRITE, forMs: 3000 })
  await stage.settle(servers[0]!)
  await stage.collect()
  const cpu = await stage.watch(servers[0]!, `team-${count}`, () =>
    stage.write({ ...WRITE, forMs: 20_000 }),
  )
  await stage.settle(servers[0]!)
  const seen = await stage.collect()
  const delays = readDelays(seen)
  return [
    ...toFigures(delays, { 95: 100 }),
    ...countFigures(seen, delays),
    { name: 'processor of the (first) server', value: cpu, unit: '%' },
  ]
}
