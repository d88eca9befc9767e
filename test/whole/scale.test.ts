// Servers come and go under load, as with every deployment: nobody is to notice.
import { expect, inject, test } from 'vitest'
import { auditModel } from '../support/audit.ts'
import { Fleet } from '../support/fleet.ts'
import { readModels } from '../support/stored-model.ts'
import { until } from '../support/until.ts'

const CLIENTS = 20
const KEYS = ['todos:a', 'todos:b']
const MORE = 60

test('one server, three, one, and each replaced in turn: every edit takes effect once', async () => {
  await using fleet = await Fleet.start(inject('postgresUrl'), 1)
  const models = Array.from({ length: CLIENTS }, (_, index) =>
    fleet.watch(fleet.connect(), KEYS[index % KEYS.length]!),
  )
  await Promise.all(models.map((model) => model.ready))
  await until('all are live', () => models.every(({ status }) => status.state === 'live'))

  const load = { isOn: true }
  const ids = new Map(KEYS.map((key) => [key, new Set<string>()]))
  const kinds: string[] = []
  const editing = models.map(async (model, index) => {
    const mine = ids.get(KEYS[index % KEYS.length]!)!
    while (load.isOn) {
      const { id, verdict } = model.create(['todos'], { count: kinds.length })
      const { kind } = await verdict
      kinds.push(kind)
      mine.add(id)
    }
  })
  const goOn = async () => {
    const goal = kinds.length + MORE
    await until(`${goal} edits are confirmed`, () => kinds.length >= goal)
  }
  const retire = async (server = fleet.servers[0]!) => {
    expect(await fleet.retire(server)).toBe(0)
    // What it had been given it has answered.
    expect(fleet.balancer.tallies.get(server.address)).toMatchObject({ refused: 0, broken: 0 })
  }

  await goOn()
  for (let n = 0; n < 2; n += 1) await fleet.add()
  await goOn()
  // A rolling reload: first the new one, then away with the old.
  for (const old of fleet.servers) {
    await fleet.add()
    await goOn()
    await retire(old)
    await goOn()
  }
  for (let n = 0; n < 2; n += 1) {
    await retire()
    await goOn()
  }
  expect(fleet.servers).toHaveLength(1)
  load.isOn = false
  await Promise.all(editing)

  expect(kinds.filter((kind) => kind !== 'applied')).toEqual([])
  await until('all are live again', () => models.every(({ status }) => status.state === 'live'))
  for (const [index, model] of models.entries()) {
    const mine = ids.get(KEYS[index % KEYS.length]!)!
    await until('all of it shows', () => model.size(['todos']) === mine.size)
    expect(new Set(model.keys(['todos']))).toEqual(mine)
    expect(model.status).toMatchObject({ queued: 0, inFlight: 0, rejected: 0, historyChanges: 0 })
  }
  const stored = await readModels(fleet.database.url)
  expect(stored.map(({ head }) => head.commandCount).reduce((a, b) => a + b)).toBe(kinds.length)
  expect([...stored.flatMap(auditModel), ...fleet.ledger.audit(stored)]).toEqual([])
  expect(fleet.ledger.auditErrors()).toEqual([])
  for (const state of fleet.states) {
    expect(['connecting', 'live', 'polling', 'offline']).toContain(state)
  }
}, 240_000)
