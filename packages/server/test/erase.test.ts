import type { JsonObject } from '@flushout/core'
import { type FlushoutService, type Rule } from '@flushout/server'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { Channel } from '../src/live/channel.ts'
import { verifyDatabase } from '../src/verify/verify-database.ts'
import { TestServer } from './support/http.ts'
import { add, codeOf, createTestService, KEY, Writer } from './support/world.ts'
import { useStores } from './support/stores.ts'

const SECRET = 'ada@example.org'
const PATH = ['todos', 'a']

/** Adds to what it sees, so that answers tell what was applied. */
const stamp: Rule = (_document, command) =>
  command.action === 'create' ? { props: { ...command.props, by: SECRET } } : undefined

const stores = useStores()

/** A list with a todo that tells of somebody, in every way there is. */
async function tell(service: FlushoutService) {
  const ada = new Writer(service, 'ada')
  const create = ada.next([add('a', { text: SECRET })])
  const positions = [{ from: (await ada.send(create)).commandCount, hash: ada.hash }]
  for (let turn = 0; turn < 30; turn += 1) {
    await ada.flush(
      { action: 'update', path: PATH, props: { text: `${turn} ${SECRET} ${'x'.repeat(400)}` } },
      { action: 'update', path: ['todos'], props: { [`n${turn}`]: { turn } } },
      { action: 'create', path: PATH, id: `s${turn}`, props: { step: SECRET } },
    )
    positions.push({ from: ada.from, hash: ada.hash })
  }
  return { create, positions }
}

/** All that a server tells of a model to anybody who asks, in one text. */
async function askAll(service: FlushoutService, positions: readonly Position[]): Promise<string> {
  const { commandCount } = await service.snapshot(KEY)
  const answers: unknown[] = [await service.snapshot(KEY)]
  for (let count = 0; count <= commandCount; count += 1) {
    answers.push(await service.snapshotAt(KEY, count))
  }
  for (let before: number | undefined = commandCount; before !== undefined;) {
    const page = await service.history(KEY, { before, limit: 7 })
    answers.push(page)
    ;({ before } = page)
  }
  for (const position of positions) answers.push(await service.pull(KEY, position))
  return JSON.stringify(answers)
}

interface Position {
  readonly from: number
  readonly hash: string
}

const often = { checkpoint: { bytes: 300, flushes: 3, keepBytes: 600 } }

for (const [name, open] of Object.entries(stores.both)) {
  describe(`with ${name}`, () => {
    test('what is erased is told by no server any more', async () => {
      const store = await open('erased')
      const [one, other] = [1, 2].map(() =>
        createTestService({ store, ...often, interceptors: [stamp] }),
      )
      const { create, positions } = await tell(one!)
      // What is in memory there is as it was.
      expect(await askAll(other!, positions)).toContain(SECRET)
      const late = new Writer(other!, 'late')
      Object.assign(late, positions[20])
      expect(JSON.stringify(await late.pull())).toContain(SECRET)
      const erased = await one!.models.erase(KEY, PATH)
      expect(erased).toMatchObject({ entries: 31, clients: 1 })
      expect(erased.checkpoints).toBeGreaterThan(0)
      for (const service of [one!, other!, createTestService({ store })]) {
        expect(await askAll(service, positions)).not.toContain(SECRET)
        const { document } = await service.snapshot(KEY)
        expect(Object.keys(document['todos']!)).toEqual(
          Array.from({ length: 30 }, (_, turn) => `n${turn}`),
        )
      }
      // They go on, and a repeat is a repeat.
      Object.assign(late, positions[20])
      expect((await late.add('z')).outcome).toBe('applied')
      const again = new Writer(other!, 'ada')
      expect(await codeOf(again.send(create))).toBe('SEQUENCE_PAST')
      expect((await new Writer(one!, 'bob').add('y')).outcome).toBe('applied')
      await one!.close()
    })

    test('a server that nobody tells of it has nothing of it in memory all the same', async () => {
      const store = await open('untold')
      const [one, other] = [1, 2].map(() => createTestService({ store }))
      const ada = new Writer(other!, 'ada')
      await ada.add('long', { text: 'x'.repeat(2000) })
      const { from, hash } = ada
      await ada.add('a', { text: SECRET })
      const pull = async () => JSON.stringify(await other!.pull(KEY, { from, hash }))
      expect(await pull()).toContain(SECRET)
      await one!.models.erase(KEY, PATH)
      expect(await pull()).toContain('"updates"')
      expect(await pull()).not.toContain(SECRET)
      await one!.close()
    })

    test('a repeated flush is answered without what is erased', async () => {
      const store = await open('repeated')
      const [one, other] = [1, 2].map(() => createTestService({ store, interceptors: [stamp] }))
      const ada = new Writer(other!, 'ada')
      const create = ada.next([add('a', { text: SECRET })])
      expect(JSON.stringify(await ada.send(create))).toContain(SECRET)
      await one!.models.erase(KEY, PATH)
      for (const service of [other!, one!]) {
        const { outcome, verdicts } = await new Writer(service, 'ada').send(create)
        expect([outcome, verdicts]).toEqual([
          'repeated',
          [
            {
              index: 0,
              kind: 'amended',
              command: { action: 'create', path: ['todos'], id: 'a', props: {} },
            },
          ],
        ])
      }
      await one!.close()
    })

    test('what is gone already is erased without a trace in the history', async () => {
      const store = await open('gone')
      const service = createTestService({ store })
      const ada = new Writer(service, 'ada')
      await ada.add('a', { text: SECRET })
      await ada.flush({ action: 'delete', path: PATH })
      expect(await service.models.erase(KEY, PATH)).toMatchObject({ entries: 1 })
      expect((await service.snapshot(KEY)).commandCount).toBe(2)
      expect(JSON.stringify(await service.history(KEY))).not.toContain(SECRET)
      expect(await service.models.erase(KEY, ['nothing'])).toEqual({
        entries: 0,
        checkpoints: 0,
        clients: 0,
      })
      await service.close()
    })
  })
}

test('no column of any table holds what is erased, and the chain is whole', async () => {
  const store = await stores.openPostgres('columns')
  const service = createTestService({ store, ...often, interceptors: [stamp] })
  await tell(service)
  // Checkpoints are kept when there is time.
  const tables = ['checkpoint', 'client', 'flush', 'model']
  await expect.poll(() => search('columns')).toEqual(tables)
  await service.models.erase(KEY, PATH)
  await service.close()
  expect(await search('columns')).toEqual([])
  const client = await connect()
  const events: unknown[] = []
  for await (const event of verifyDatabase(client, 'columns')) events.push(event)
  expect(events).toEqual([{ kind: 'model', checked: 1, models: 1, erased: 31 }])
  await client.end()
})

test('a rule may refuse, and then nothing is erased', async () => {
  const keep: Rule = (_document, command) =>
    command.action === 'delete' ? { reject: { code: 'KEPT', message: 'It stays.' } } : undefined
  const service = createTestService({ interceptors: [keep] })
  await new Writer(service, 'ada').add('a', { text: SECRET })
  await expect(service.models.erase(KEY, PATH)).rejects.toMatchObject({
    code: 'REJECTED',
    message: expect.stringContaining('It stays. (KEPT)'),
  })
  expect(JSON.stringify(await service.history(KEY))).toContain(SECRET)
})

test('what cannot be erased is said to be so', async () => {
  const service = createTestService()
  await new Writer(service, 'ada').add('a')
  expect(await codeOf(service.models.erase(KEY, []))).toBe('FLUSH_INVALID')
  expect(await codeOf(service.models.erase(KEY, [1] as never))).toBe('FLUSH_INVALID')
  expect(await codeOf(service.models.erase('todos:nowhere', ['a']))).toBe('MODEL_NOT_FOUND')
  expect(await service.models.exists('todos:nowhere')).toBe(false)
})

test('a channel keeps nothing of a history from which something was erased', () => {
  const channel = new Channel(KEY, { bytes: 0 })
  const frames: string[] = []
  const listener = { isFull: true, write: (frame: unknown) => void frames.push(frame as string) }
  const view = {
    id: 'v',
    steps: () => [{ from: 0, to: { commandCount: 1, hash: 'b' }, frame: SECRET }],
    lost: () => 'ask',
  }
  const reader = { listener, view: view as never, at: undefined }
  channel.readers.add(reader)
  channel.place(reader, { commandCount: 0, hash: 'a' })
  const entry = { from: 0, hash: 'b', clientId: 'c', sequence: 1, userId: null, at: 0, salt: '' }
  const commands = [{ action: 'update' as const, path: [], props: {} }]
  const base = { commandCount: 0, revision: 0, hash: 'a' }
  channel.advance(base, [{ ...entry, commands }], { commandCount: 1, hash: 'b' })
  channel.forget()
  listener.isFull = false
  channel.lead(reader)
  expect(frames).toEqual(['ask'])
})

test('over HTTP only who may erase does', async () => {
  const asked: JsonObject[] = []
  await using server = await TestServer.start({
    user: () => ({ id: 'ada' }),
    administer: (user, action, key) => {
      asked.push({ user: user!.id, action, key })
      return key === KEY
    },
  })
  const ada = new Writer(server.app.flushout, 'ada', { user: { id: 'ada' } })
  await ada.add('a/b', { text: SECRET })
  const erase = (key: string, query: string) =>
    server.send('DELETE', `/models/${key}/history${query}`)
  const done = await erase(KEY, '?path=todos&path=a%2Fb')
  expect(done).toMatchObject({
    status: 200,
    body: { entries: 1, checkpoints: 0, clients: 0 },
  })
  expect((await server.get(`/models/${KEY}/history`)).body).toMatchObject({
    entries: [{ commands: [{ action: 'delete' }], userId: 'ada' }, { userId: 'ada' }],
  })
  expect((await erase('todos:other', '?path=a')).status).toBe(403)
  expect((await erase(KEY, '')).status).toBe(400)
  expect((await erase(KEY, '?path=a&before=1')).status).toBe(400)
  expect(asked.map(({ action }) => action)).toEqual(['erase', 'erase'])
})

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: stores.url })
  await client.connect()
  return client
}

/** The tables in whose rows the secret is to be found, in whatever column. */
async function search(schema: string): Promise<string[]> {
  const client = await connect()
  const tables = await client.query(
    'select table_name as name from information_schema.tables where table_schema = $1 order by 1',
    [schema],
  )
  const found: string[] = []
  for (const { name } of tables.rows as { name: string }[]) {
    const { rows } = await client.query(
      `select 1 from ${schema}.${name} t where t::text like $1 limit 1`,
      [`%${SECRET}%`],
    )
    if (rows.length > 0) found.push(name)
  }
  await client.end()
  return found
}
