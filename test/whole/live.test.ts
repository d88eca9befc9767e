// Live connections through a balancer to several server processes on one Postgres.
import type { Client, FollowedModelEvent, Model } from '@flushout/client'
import { readFile } from 'node:fs/promises'
import { expect, inject, test } from 'vitest'
import { auditModel } from '../support/audit.ts'
import { Fleet, type TodoList } from '../support/fleet.ts'
import { runOn } from '../support/postgres.ts'
import { readModels } from '../support/stored-model.ts'
import { until } from '../support/until.ts'

const KEY = 'todos:shared'
/** All that somebody may see while servers come and go. */
const PASSING_STATES = ['connecting', 'live', 'polling', 'offline']

async function allLive(models: readonly Model<TodoList>[]): Promise<void> {
  await Promise.all(models.map((model) => model.ready))
  await until('all are live', () => models.every(({ status }) => status.state === 'live'))
}

/** Wait until all hold `count` todos, and the same document to the letter. */
async function allShow(models: readonly Model<TodoList>[], count: number): Promise<void> {
  await until(`all show ${count} todos`, () =>
    models.every((model) => model.size(['todos']) === count && model.status.queued === 0),
  )
  const texts = new Set(models.map((model) => JSON.stringify(model.read())))
  expect(texts.size).toBe(1)
}

test('what one does is seen by all, whichever server they are connected to', async () => {
  await using fleet = await Fleet.start(inject('postgresUrl'), 3)
  const clients = Array.from({ length: 9 }, () => fleet.connect())
  const models = clients.map((client) => fleet.watch(client, KEY))
  await allLive(models)
  for (const [index, model] of models.entries()) {
    model.create(['todos'], { count: index })
    await until(`edit ${index} is seen by all`, () =>
      models.every((each) => each.size(['todos']) === index + 1),
    )
  }
  // And all at once.
  for (const [index, model] of models.entries()) {
    for (let n = 0; n < 20; n += 1) model.create(['todos'], { count: index * 100 + n })
  }
  await allShow(models, 9 * 21)
  for (const state of fleet.states) expect(['connecting', 'polling', 'live']).toContain(state)
  expect(fleet.ledger.auditErrors()).toEqual([])
}, 120_000)

test('items and people are seen across servers', async () => {
  await using fleet = await Fleet.start(inject('postgresUrl'), 3)
  const onlooker = fleet.connect()
  const heard: FollowedModelEvent[] = []
  onlooker.follow({ models: 'todos:*', path: ['todos'] }, (event) => void heard.push(event))
  const clients = Array.from({ length: 6 }, () => fleet.connect())
  const models = clients.map((client, index) => fleet.watch(client, `todos:${index % 2}`))
  await allLive(models)
  for (const [index, model] of models.entries()) {
    const presence = model.presence
    presence.subscribe(() => {})
    presence.share({ name: `p${index}` })
  }
  await until('each sees the two others at its model', () =>
    models.every((model) => model.presence.others.length === 2),
  )
  const names = models[0]!.presence.others.map(({ state }) => state['name'])
  expect(new Set(names)).toEqual(new Set(['p2', 'p4']))

  // From the first that it hears of each on, it hears everything once.
  await until('the onlooker hears of both models', () => {
    for (const model of models.slice(0, 2)) model.create(['todos'], {})
    return [0, 1].every((n) => heard.some(({ key }) => key === `todos:${n}`))
  })
  await until('all of that is confirmed', () =>
    models.every(({ status }) => status.queued + status.inFlight === 0),
  )
  const ids = models.map((model) => model.create(['todos'], {}).id)
  const published = () => heard.flatMap((event) => (event.kind === 'publish' ? [event.id] : []))
  await until('the onlooker hears of the last', () => ids.every((id) => published().includes(id)))
  expect(new Set(published()).size).toBe(published().length)

  clients[4]!.close()
  await until('the others see one go', () => models[0]!.presence.others.length === 1)
}, 120_000)

test('what is written by SQL reaches all who look', async () => {
  await using fleet = await Fleet.start(inject('postgresUrl'), 2)
  const clients = Array.from({ length: 4 }, () => fleet.connect())
  const models = clients.map((client) => fleet.watch(client, KEY))
  await allLive(models)
  models[0]!.create(['todos'], { count: 1 }, { id: 'milk' })
  await allShow(models, 1)
  const page = await readFile(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
  const statement = /## Writing by SQL\n[^`]*(?:`[^`]+`[^`]*)*?```sql\n([^`]+)```/.exec(page)![1]!
  for (const count of [2, 3, 4]) {
    const [head] = await runOn(
      fleet.database.url,
      'select hash from flushout.model where key = $1',
      [KEY],
    )
    const commands = [{ action: 'update', path: ['todos', 'milk'], props: { count } }]
    const sql = statement
      .replace("'todos:groceries'", `'${KEY}'`)
      .replace("'hash-at-41'", `'${String(head!['hash'])}'`)
      .replace(/'\[\{"action".*\}\]'/, () => `'${JSON.stringify(commands)}'`)
    expect(await runOn(fleet.database.url, sql)).toHaveLength(1)
    await until(`all see ${count}`, () =>
      models.every((model) => model.read(['todos', 'milk', 'count']) === count),
    )
  }
}, 120_000)

test('a server that dies and comes back takes nothing from anybody who is connected', async () => {
  await using fleet = await Fleet.start(inject('postgresUrl'), 3)
  const clients: Client[] = Array.from({ length: 9 }, () => fleet.connect())
  const models = clients.map((client) => fleet.watch(client, KEY))
  await allLive(models)
  const load = { isOn: true }
  const kinds: string[] = []
  const editing = models.map(async (model) => {
    while (load.isOn) kinds.push((await model.create(['todos'], {}).verdict).kind)
  })
  const edits = (count: number) =>
    until(`${count} edits are confirmed`, () => kinds.length >= count)
  await edits(30)
  for (const server of fleet.servers.slice(0, 2)) {
    await server.kill()
    await edits(kinds.length + 30)
    await fleet.add(server.port)
    await edits(kinds.length + 30)
  }
  load.isOn = false
  await Promise.all(editing)
  await allShow(models, kinds.length)
  await allLive(models)
  expect(kinds.filter((kind) => kind !== 'applied')).toEqual([])
  expect(fleet.ledger.auditErrors()).toEqual([])
  const stored = await readModels(fleet.database.url)
  expect([...stored.flatMap(auditModel), ...fleet.ledger.audit(stored)]).toEqual([])
  for (const state of fleet.states) expect(PASSING_STATES).toContain(state)
}, 180_000)
