// A deployment that brings another form of the documents, one server after the other, while
// pages of both versions write: every edit takes effect once, and none is refused.
import type { ModelDefinition } from '@flushout/core/define'
import { expect, inject, test } from 'vitest'
import { auditModel } from '../support/audit.ts'
import { Fleet } from '../support/fleet.ts'
import { readModels, replay } from '../support/stored-model.ts'
import { until } from '../support/until.ts'
import { second, third } from '../support/versions.ts'

const SERVERS = 3
const CLIENTS = 8
const KEYS = ['todos:a', 'todos:b']
const MORE = 30

test('servers of a newer version take the place of older ones under load', async () => {
  await using fleet = await Fleet.start(inject('postgresUrl'), SERVERS, 2)
  const ids = new Map(KEYS.map((key) => [key, new Set<string>()]))
  const kinds: string[] = []
  const load = { isOn: true }
  const write = (count: number, definition: ModelDefinition) =>
    Array.from({ length: count }, async (_, index) => {
      const key = KEYS[index % KEYS.length]!
      const model = fleet.watch<Todos>(fleet.connect([definition]), key)
      await model.ready
      while (load.isOn) {
        const { id, verdict } = model.create(['todos'], { title: `Todo ${kinds.length}` })
        kinds.push((await verdict).kind)
        ids.get(key)!.add(id)
      }
      return model
    })
  const goOn = async () => {
    const goal = kinds.length + MORE
    await until(`${goal} edits are confirmed`, () => kinds.length >= goal)
  }

  const writing = write(CLIENTS, second)
  await goOn()
  for (const [index, old] of fleet.servers.entries()) {
    await fleet.add(undefined, 3)
    await goOn()
    // As soon as there is one newer server, pages may be of the newer version.
    if (index === 0) writing.push(...write(CLIENTS, third))
    await goOn()
    expect(await fleet.retire(old)).toBe(0)
    await goOn()
  }
  load.isOn = false
  const models = await Promise.all(writing)

  expect(kinds.filter((kind) => kind !== 'applied' && kind !== 'amended')).toEqual([])
  expect(fleet.ledger.auditErrors()).toEqual([])
  for (const [index, model] of models.entries()) {
    const mine = ids.get(KEYS[(index % CLIENTS) % KEYS.length]!)!
    await until('all of it shows', () => model.size(['todos']) === mine.size)
    expect(new Set(model.keys(['todos']))).toEqual(mine)
    expect(model.status).toMatchObject({ queued: 0, inFlight: 0, rejected: 0, historyChanges: 0 })
    const { todos } = model.read()!
    // What newer pages give without a color has none, as their form is taken as it is.
    for (const todo of Object.values(todos)) expect(todo.title).toMatch(/^Todo \d+$/)
  }
  const stored = await readModels(fleet.database.url)
  expect([...stored.flatMap(auditModel), ...fleet.ledger.audit(stored)]).toEqual([])
  for (const model of stored) {
    expect(Object.keys((replay(model).document as unknown as Todos).todos)).toHaveLength(
      ids.get(model.key)!.size,
    )
  }
  for (const state of fleet.states) {
    expect(['connecting', 'live', 'polling', 'offline']).toContain(state)
  }
}, 120_000)

interface Todos {
  readonly todos: { readonly [id: string]: { readonly title: string } }
}
