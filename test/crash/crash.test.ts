// What a user was told to be saved is saved, whatever is killed when: real
// processes, real kill -9, clients that know nothing of it.
import { expect, test } from 'vitest'
import { FAILPOINTS } from '../support/failpoints.ts'
import { runCycles } from './cycles.ts'
import { LoadedSite } from './loaded-site.ts'
import { FULL_ROUND, makePlan } from './plan.ts'

const SEED = 1

test('a round of kills has every failpoint, and Postgres at least six times', () => {
  const plan = makePlan(FULL_ROUND, SEED)
  const points = plan.map((strike) => (strike.target === 'server' ? strike.at : 'postgres'))
  expect(plan).toHaveLength(FULL_ROUND)
  expect(points).toEqual(expect.arrayContaining([...FAILPOINTS, 'idle']))
  expect(points.filter((point) => point === 'postgres').length).toBeGreaterThanOrEqual(6)
})

test('nothing acknowledged is lost or doubled, whatever is killed under load', async () => {
  const cycles = await runCycles({ cycles: FULL_ROUND, seed: SEED })
  expect(cycles).toHaveLength(FULL_ROUND)
}, 300_000)

test('when all servers and Postgres are killed at once, a full start recovers', async () => {
  const site = await LoadedSite.start({ seed: SEED })
  try {
    site.work()
    await site.progress(100)
    await site.killAll()
    await site.restartAll()
    await site.progress(100)
    await site.rest()
    expect(await site.audit()).toEqual([])
  } finally {
    await site.stop()
  }
}, 120_000)
