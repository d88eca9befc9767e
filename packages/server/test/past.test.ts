import type { Command, HistoryPage, JsonObject, LogEntry } from '@flushout/core'
import { memoryStore } from '@flushout/server'
import { describe, expect, test } from 'vitest'
import { TestServer } from './support/http.ts'
import { add, codeOf, createTestService, KEY, wrapStore, Writer } from './support/world.ts'
import { useStores } from './support/stores.ts'

const setDone = (id: string, done: boolean): Command => ({
  action: 'update',
  path: ['todos', id],
  props: { done },
})

/** Small, so that a short history has many of them. */
const often = { checkpoint: { bytes: 300, flushes: 5, keepBytes: 600 } }

const stores = useStores()

for (const [name, open] of Object.entries(stores.both)) {
  describe(`with ${name}`, () => {
    test('every version is the document as it was, within a flush too', async () => {
      const store = await open('versions')
      const service = createTestService({ store, ...often })
      const ada = new Writer(service, 'ada')
      const then = new Map<number, JsonObject>()
      for (let turn = 0; turn < 60; turn += 1) {
        const { commandCount } = await ada.flush(
          { action: 'create', path: ['todos'], id: `n${turn}`, props: { turn } },
          { action: 'delete', path: ['todos', `n${turn - 3}`] },
          setDone(`n${turn}`, true),
        )
        then.set(commandCount, (await service.snapshot(KEY)).document)
      }
      for (const [count, document] of then) {
        const { hash, ...version } = await service.snapshotAt(KEY, count)
        expect(version).toEqual({ commandCount: count, document })
        expect([hash]).toEqual(await store.hashes(KEY, [count]))
      }
      expect(await service.snapshotAt(KEY, 0)).toMatchObject({ document: { todos: {} } })
      const within = await service.snapshotAt(KEY, 179)
      expect(within).toMatchObject({ commandCount: 179, hash: '' })
      expect(within.document['todos']).toMatchObject({ n59: { turn: 59 } })
      expect(await codeOf(service.snapshotAt(KEY, 181))).toBe('VERSION_NOT_FOUND')
      // From a later document than the first; which are kept depends on how busy the machine is.
      expect((await store.checkpoint(KEY, 150))!.commandCount).toBeGreaterThan(0)
      await service.close()
    })

    test('what was trimmed is said to be gone', async () => {
      const store = await open('trimmed')
      const service = createTestService({ store, ...often, history: { last: 40 } })
      const ada = new Writer(service, 'ada')
      for (let turn = 0; turn < 100; turn += 1) await ada.add(`n${turn}`)
      expect(await codeOf(service.snapshotAt(KEY, 3))).toBe('VERSION_NOT_FOUND')
      expect((await service.snapshotAt(KEY, 99)).commandCount).toBe(99)
      const pages: HistoryPage[] = []
      for (let before: number | undefined = 200; before !== undefined;) {
        const page: HistoryPage = await service.history(KEY, { before, limit: 10 })
        pages.push(page)
        ;({ before } = page)
      }
      expect(pages.at(-1)!.isTrimmed).toBe(true)
      const froms = pages.flatMap(({ entries }) => entries.map(({ from }) => from))
      expect(froms[0]).toBe(99)
      expect(froms.at(-1)).toBe(100 - froms.length)
      expect(froms.length).toBeLessThan(60)
      await service.close()
    })

    test('the labels of commands and batches are shown, also where a path was asked for', async () => {
      const service = createTestService({ store: await open('labels') })
      const ada = new Writer(service, 'ada')
      const flush = ada.next([
        add('a'),
        add('b'),
        setDone('a', true),
        setDone('b', true),
        setDone('b', false),
        add('c'),
      ])
      const groups = [
        { at: 0, count: 1, label: 'Add A' },
        { at: 2, count: 3, label: 'Finish' },
      ]
      await ada.send({ ...flush, groups })
      const notesAt = async (path?: string[]) =>
        (await service.history(KEY, { path })).entries[0]!.notes
      expect(await notesAt()).toEqual([
        { index: 0, label: 'Add A' },
        { index: 2, count: 3, label: 'Finish' },
      ])
      expect(await notesAt(['todos', 'a'])).toEqual([
        { index: 0, label: 'Add A' },
        { index: 1, label: 'Finish' },
      ])
      expect(await notesAt(['todos', 'b'])).toEqual([{ index: 1, count: 2, label: 'Finish' }])
      expect(await notesAt(['todos', 'c'])).toBeUndefined()
      await service.close()
    })

    test('a page of the history is the newest first, up to the first entry', async () => {
      const service = createTestService({ store: await open('pages') })
      const ada = new Writer(service, 'ada', { user: { id: 'u-ada' } })
      await ada.add('a')
      await ada.flush(setDone('a', true), setDone('a', false))
      await ada.add('b')
      const latest = await service.history(KEY, { limit: 2 })
      expect(latest).toMatchObject({
        entries: [
          { from: 3, to: 4, clientId: 'ada', userId: 'u-ada', commands: [{ id: 'b' }] },
          { from: 1, to: 3, commands: [{ props: { done: true } }, { props: { done: false } }] },
        ],
        before: 1,
      })
      const oldest = await service.history(KEY, { before: latest.before, limit: 2 })
      expect(oldest.entries.map(({ to }) => to)).toEqual([1])
      expect(oldest).not.toHaveProperty('before')
      expect(oldest).not.toHaveProperty('isTrimmed')
      await service.close()
    })
  })
}

describe('by path', () => {
  test('there is only what wrote at, above or below it', async () => {
    const service = createTestService()
    const ada = new Writer(service, 'ada')
    await ada.add('a')
    await ada.add('b')
    await ada.flush(setDone('a', true), setDone('b', true))
    await ada.flush({ action: 'update', path: ['todos', 'a'], props: {}, unset: ['done'] })
    await ada.flush({ action: 'update', path: [], props: { title: 'T' } })
    await ada.flush({ action: 'delete', path: ['todos', 'a'] })
    await ada.flush({ action: 'delete', path: ['todos'] })
    const read = async (...path: string[]) =>
      (await service.history(KEY, { path })).entries.flatMap(({ to, commands }) =>
        commands.map(({ action }) => `${action} ${to}`),
      )
    expect(await read('todos', 'a', 'done')).toEqual([
      'delete 8',
      'delete 7',
      'update 5',
      'update 4',
      'create 1',
    ])
    expect(await read('todos', 'b')).toEqual(['delete 8', 'update 4', 'create 2'])
    expect(await read('title')).toEqual(['update 6'])
    expect(await read('todos', 'a', 'text')).toEqual(['delete 8', 'delete 7', 'create 1'])
  })

  test('a parent that may have been made is one of the places', async () => {
    const service = createTestService()
    const ada = new Writer(service, 'ada')
    const parentDefault = { title: 'Lists' }
    await ada.flush({ action: 'create', path: ['lists'], id: 'a', props: {}, parentDefault })
    const read = async (...path: string[]) =>
      (await service.history(KEY, { path })).entries.map(({ to }) => to)
    expect(await read('lists', 'title')).toEqual([1])
    expect(await read('lists')).toEqual([1])
    expect(await read('lists', 'b')).toEqual([])
  })

  test('one request looks so far only, and the next goes on from there', async () => {
    const store = memoryStore()
    const service = createTestService({ store })
    await new Writer(service, 'ada').add('needle')
    const { head } = (await store.load(KEY, []))!
    const commands: LogEntry['commands'] = [{ action: 'update', path: ['todos'], props: { x: 1 } }]
    const entries = Array.from({ length: 9000 }, (_, index) => ({
      from: index + 1,
      hash: `h${index}`,
      clientId: 'c',
      sequence: index + 1,
      userId: null,
      at: 0,
      salt: '',
      commands,
    }))
    const next = { commandCount: 9001, revision: 2, hash: 'h8999' }
    await store.commit([{ key: KEY, read: head, head: next, entries, clients: [] }])
    const again = createTestService({ store })
    const first = await again.history(KEY, { path: ['todos', 'needle'] })
    expect(first.entries).toEqual([])
    expect(first.before).toBe(1001)
    const second = await again.history(KEY, { path: ['todos', 'needle'], before: first.before })
    expect(second.entries.map(({ to }) => to)).toEqual([1])
    expect(second.before).toBeUndefined()
  })
})

test('a replay runs no rules', async () => {
  let runs = 0
  const rule = (_document: unknown, command: Command) => {
    runs += 1
    return command.action === 'create' ? { props: { ...command.props, number: runs } } : undefined
  }
  const store = memoryStore()
  const options = { store, interceptors: [rule], checkpoint: { bytes: 1e9, flushes: 1e9 } }
  const ada = new Writer(createTestService(options), 'ada')
  for (const id of ['a', 'b', 'c']) await ada.add(id)
  expect(runs).toBe(3)
  const service = createTestService(options)
  const { document } = await service.snapshotAt(KEY, 2)
  expect(document).toEqual({
    todos: { a: { text: 'a', number: 1 }, b: { text: 'b', number: 2 } },
  })
  await service.history(KEY)
  await service.snapshot(KEY)
  expect(runs).toBe(3)
})

test('who may not read the model may not read its past', async () => {
  const asked: string[] = []
  const service = createTestService({
    authorize: (user, action) => {
      asked.push(action)
      return user?.id === 'ada'
    },
  })
  expect(await codeOf(service.history(KEY, {}, { id: 'bob' }))).toBe('FORBIDDEN')
  expect(await codeOf(service.snapshotAt(KEY, 0, { id: 'bob' }))).toBe('FORBIDDEN')
  expect(await codeOf(service.history(KEY))).toBe('UNAUTHENTICATED')
  expect((await service.history(KEY, {}, { id: 'ada' })).entries).toEqual([])
  expect(new Set(asked)).toEqual(new Set(['read']))
  expect(await codeOf(service.history('others:x', {}, { id: 'ada' }))).toBe('MODEL_NOT_FOUND')
})

test('a store that fails is a fault that passes, and few read at a time', async () => {
  let reading = 0
  let most = 0
  const store = wrapStore(memoryStore(), {
    entries: async () => {
      reading += 1
      most = Math.max(most, reading)
      await new Promise((resolve) => setTimeout(resolve, 5))
      reading -= 1
      throw new Error('The store is down.')
    },
  })
  const service = createTestService({ store, limits: { waiting: 10 } })
  const codes = await Promise.all(Array.from({ length: 9 }, () => codeOf(service.history(KEY))))
  expect(new Set(codes)).toEqual(new Set(['UNAVAILABLE']))
  expect(most).toBe(2)
})

describe('over HTTP', () => {
  test('history and versions are answered', async () => {
    await using server = await TestServer.start({ user: () => ({ id: 'ada' }) })
    const ada = new Writer(server.app.flushout, 'ada', { user: { id: 'ada' } })
    await ada.add('a/b')
    await ada.add('c')
    const history = await server.get(`/models/${KEY}/history?limit=1`)
    expect(history).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'private, no-cache' },
      body: { entries: [{ from: 1, to: 2, userId: 'ada', clientId: 'ada' }], before: 1 },
    })
    const byPath = await server.get(`/models/${KEY}/history?path=todos&path=a%2Fb&before=2`)
    expect(byPath.body).toMatchObject({ entries: [{ to: 1, commands: [{ id: 'a/b' }] }] })
    expect(await server.get(`/models/${KEY}?at=1`)).toMatchObject({
      status: 200,
      body: { commandCount: 1, document: { todos: { 'a/b': { text: 'a/b' } } } },
    })
    expect(await server.get(`/models/${KEY}?at=3`)).toMatchObject({
      status: 404,
      body: { code: 'VERSION_NOT_FOUND', retry: 'never' },
    })
  })

  test.each([
    ['/history?before=-1', '?before'],
    ['/history?before=1&before=2', '?before'],
    ['/history?before=9007199254740992', '?before'],
    ['/history?limit=0', '?limit'],
    ['/history?limit=201', '?limit'],
    ['/history?limit=x', '?limit'],
    ['/history?path=__proto__', '?path'],
    ['/history?after=1', '?after'],
    ['?at=', '?at'],
    ['?at=-1', '?at'],
    ['?at=1&from=0', '?from'],
  ])('%s is refused', async (query, place) => {
    await using server = await TestServer.start()
    const { status, body } = await server.get(`/models/${KEY}${query}`)
    expect(status).toBe(400)
    expect(body).toMatchObject({ code: 'FLUSH_INVALID', retry: 'never' })
    expect(body['message']).toContain(place)
  })
})
