// What streams hear of the models whose documents they hold.
import { memoryStore, postgresStore, type FlushoutService } from '@flushout/server'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { createDatabase, type Database } from '../../../test/support/postgres.ts'
import { Brittle, Clock, Copy, Ear, Post, positionOf, serve, settle } from './support/live-world.ts'
import { add, countCalls, createTestService, KEY, wrapStore, Writer } from './support/world.ts'

/** Follow one model from where it is, and hold a copy of it. */
async function follow(service: FlushoutService): Promise<{ ear: Ear; copy: Copy }> {
  const snapshot = await service.snapshot(KEY)
  const { commandCount: from, hash } = snapshot
  const ear = await Ear.open(service, { models: { [KEY]: { from, hash } } })
  return { ear, copy: new Copy(ear, snapshot) }
}

describe('one server', () => {
  test('tells each stream of each change once and in order, after how far the model is', async () => {
    const service = serve(new Clock())
    const ada = new Writer(service, 'ada')
    await ada.add('a')
    const { hash } = ada
    const ears = [await follow(service), await follow(service)]
    await ada.flush(add('b'), add('c'))
    await ada.add('d')
    for (const { ear, copy } of ears) {
      expect(ear.events).toMatchObject([
        { event: 'ready', heartbeatMs: 20_000 },
        { event: 'heads', heads: { [KEY]: { commandCount: 1, hash } } },
        { event: 'updates', commandCount: 3, updates: [{ from: 1, clientId: 'ada', sequence: 2 }] },
        { event: 'updates', commandCount: 4, hash: ada.hash, updates: [{ from: 3 }] },
      ])
      expect(Object.keys(copy.read()['todos'] as object)).toEqual(['a', 'b', 'c', 'd'])
    }
    // Written out once, for both of them.
    expect(ears[0]!.ear.bytes).toBe(ears[1]!.ear.bytes)
  })

  test('tells who comes back what it lacks, without a gap and without a repeat', async () => {
    const service = serve(new Clock())
    const ada = new Writer(service, 'ada')
    const before = await service.snapshot(KEY)
    for (const id of ['a', 'b', 'c']) await ada.add(id)
    const { commandCount: from, hash } = before
    const ear = await Ear.open(service, { models: { [KEY]: { from, hash } } })
    const copy = new Copy(ear, before)
    await ada.add('d')
    expect(Object.keys(copy.read()['todos'] as object)).toEqual(['a', 'b', 'c', 'd'])
    expect(copy.gaps).toBe(0)
    // And once more, from what it heard last.
    ear.connection.close()
    await ada.add('e')
    const again = await Ear.open(service, { models: { [KEY]: copy.position } })
    expect(again.all('updates').map(({ updates }) => updates[0]!.from)).toEqual([4])
  })

  test.each([
    ['of another past', { from: 1, hash: 'another' }],
    ['that claims no past', { from: 1, hash: '' }],
    ['from before the history that is kept', undefined],
    ['ahead of the model', { from: 999, hash: 'another' }],
  ])('tells a stream at a position %s only how far the model is', async (_, position) => {
    const service = serve(new Clock(), { limits: { historyBytes: 0, documentBytes: 1000 } })
    const ada = new Writer(service, 'ada')
    const genesis = await positionOf(service)
    for (let n = 0; n < 30; n += 1) await ada.add(`n${n % 3}`, { text: 'x'.repeat(100) })
    for (let n = 0; n < 30; n += 1) await ada.flush({ action: 'delete', path: ['todos', 'n0'] })
    const ear = await Ear.open(service, { models: { [KEY]: position ?? genesis } })
    const { commandCount, hash } = await service.snapshot(KEY)
    expect(ear.events.slice(1)).toEqual([
      { event: 'heads', heads: { [KEY]: { commandCount, hash } } },
    ])
    await ada.add('new')
    expect(ear.all('updates')).toMatchObject([{ updates: [{ from: commandCount }] }])
  })

  test('tells of a change that is too large only that there is one, and goes on', async () => {
    const service = serve(new Clock())
    const { ear, copy } = await follow(service)
    const ada = new Writer(service, 'ada')
    // Within the limit by characters, and beyond it by bytes.
    await ada.add('large', { text: '€'.repeat(30_000) })
    expect(ear.events.at(-1)).toMatchObject({
      event: 'heads',
      heads: { [KEY]: { commandCount: 1 } },
    })
    await ada.add('small')
    expect(ear.all('updates')).toMatchObject([{ commandCount: 2, updates: [{ from: 1 }] }])
    expect(() => copy.read()).toThrow(/expected 1 to be \+0/)
    for (const { event } of ear.events) expect(['ready', 'heads', 'updates']).toContain(event)
  })

  test('tells who lacks a lot in pieces of at most 64 KB', async () => {
    const service = serve(new Clock(), {
      models: [{ pattern: 'todos:*', initial: { todos: {}, bulk: 'x'.repeat(300_000) } }],
    })
    const before = await service.snapshot(KEY)
    const ada = new Writer(service, 'ada')
    for (let n = 0; n < 30; n += 1) await ada.add(`n${n}`, { text: '€'.repeat(2000) })
    const { commandCount: from, hash } = before
    const ear = await Ear.open(service, { models: { [KEY]: { from, hash } } })
    const copy = new Copy(ear, before)
    expect(Object.keys(copy.read()['todos'] as object)).toHaveLength(30)
    expect(ear.all('updates').length).toBeGreaterThan(1)
    for (const event of ear.events) {
      expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThanOrEqual(64 * 1024)
    }
  })

  test('ten thousand writes while streams connect: all hear all, each from where it began', async () => {
    const service = serve(new Clock())
    const writers = Array.from({ length: 20 }, (_, n) => new Writer(service, `c${n}`))
    const followers: { ear: Ear; copy: Copy }[] = []
    const state = { isWriting: true }
    const write = async (writer: Writer) => {
      for (let turn = 0; turn < 500; turn += 1) {
        await writer.flush({
          action: 'update',
          path: ['todos'],
          props: { [writer.clientId]: turn },
        })
      }
    }
    const writing = Promise.all(writers.map(write)).finally(() => (state.isWriting = false))
    while (state.isWriting) {
      const snapshot = await service.snapshot(KEY)
      const { commandCount: from, hash } = snapshot
      const ear = Ear.begin(service, { models: { [KEY]: { from, hash } } })
      followers.push({ ear, copy: new Copy(ear, snapshot) })
      await settle(8 + 2 * followers.length)
    }
    await writing
    await settle()
    const { commandCount, document } = await service.snapshot(KEY)
    expect(commandCount).toBe(10_000)
    expect(followers.length).toBeGreaterThan(10)
    for (const { ear, copy } of followers) {
      const text = JSON.stringify(copy.read())
      expect(text).toBe(JSON.stringify(document))
      expect(copy.gaps).toBe(0)
      ear.connection.close()
    }
  })

  test('tells what they lack to more who come together than may wait for the model', async () => {
    const { store, calls } = countCalls(memoryStore())
    const service = serve(new Clock(), { store, limits: { waiting: 5 } })
    const ada = new Writer(service, 'ada')
    const snapshots = [await service.snapshot(KEY)]
    for (let n = 0; n < 10; n += 1) {
      await ada.add(`n${n}`)
      snapshots.push(await service.snapshot(KEY))
    }
    calls['news'] = 0
    const followers = Array.from({ length: 600 }, (_, n) => {
      const before = snapshots[n % 10]!
      const { commandCount: from, hash } = before
      const ear = Ear.begin(service, { models: { [KEY]: { from, hash } } })
      return { ear, copy: new Copy(ear, before) }
    })
    await Promise.all(followers.map(({ ear }) => ear.connection.started))
    await ada.add('last')
    const { document } = await service.snapshot(KEY)
    for (const { ear, copy } of followers) {
      expect(ear.isEnded).toBe(false)
      expect(copy.read()).toEqual(document)
      expect(copy.gaps).toBe(0)
    }
    expect(calls['news']).toBeLessThan(10)
  })

  test('says at each heartbeat how far all models are', async () => {
    const clock = new Clock()
    const service = serve(clock, { live: { heartbeatMs: 8000 } })
    const keys = Array.from({ length: 1000 }, (_, n) => `todos:${'x'.repeat(40)}${n}`)
    const models = Object.fromEntries(keys.map((key) => [key, null]))
    for (const key of keys) await service.snapshot(key)
    const ear = await Ear.open(service, { models })
    const idle = await Ear.open(service, {})
    ear.clear()
    idle.clear()
    await clock.pass(8000)
    const heads = ear.all('heads')
    const named = heads.flatMap((event) => Object.keys(event.heads))
    expect(named.toSorted()).toEqual(keys.toSorted())
    for (const event of heads) expect(JSON.stringify(event).length).toBeLessThan(64 * 1024)
    // Who follows nothing has to know that the connection lives.
    expect(idle.events).toEqual([{ event: 'heads', heads: {} }])
  })

  test('goes on with heartbeats when its clock is put back', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const { ear } = await follow(service)
    clock.skewMs = -3_600_000
    ear.clear()
    await clock.pass(20_000)
    expect(ear.all('heads').length).toBeGreaterThan(0)
  })

  test('tells who follows a model that is not there, and of one that was deleted', async () => {
    const service = serve(new Clock(), { models: [{ pattern: 'todos:*' }] })
    const lost = await Ear.open(service, { models: { 'todos:none': { from: 3, hash: 'x' } } })
    expect(lost.all('refused')).toMatchObject([
      { models: 'todos:none', code: 'MODEL_NOT_FOUND', retry: 'never' },
    ])
    await service.models.create(KEY, { document: {} })
    const ear = await Ear.open(service, { models: { [KEY]: await positionOf(service) } })
    await service.models.delete(KEY)
    await vi.waitFor(() =>
      expect(ear.all('refused')).toMatchObject([{ models: KEY, code: 'MODEL_NOT_FOUND' }]),
    )
    expect(service.usage.channels).toBe(0)
  })

  test('is waited for where it is not there, in few look-ups, and by nobody without end', async () => {
    const clock = new Clock()
    const { store, calls } = countCalls(memoryStore())
    const models = [{ pattern: 'todos:*' }]
    const service = serve(clock, { store, models, limits: { streamModels: 50 } })
    const keys = Array.from({ length: 80 }, (_, n) => `todos:${n}`)
    const position = { from: 1, hash: 'x' }
    const wanted = ['todos:*', ...keys].map((key) => [key, position])
    const ear = await Ear.open(service, { models: Object.fromEntries(wanted) })
    await settle()
    const codes = ear.all('refused').map(({ code }) => code)
    expect(codes.filter((code) => code === 'MODEL_NOT_FOUND')).toHaveLength(50)
    expect(codes.filter((code) => code === 'BUSY')).toHaveLength(31)
    ear.clear()
    calls['heads'] = 0
    calls['list'] = 0
    await clock.pass(16_000)
    // Only what might be a pattern is looked for by itself.
    expect(calls).toMatchObject({ heads: 1, list: 1 })
    for (const key of ['todos:0', 'todos:79', 'todos:never']) await service.models.create(key)
    await settle()
    const ada = new Writer(service, 'ada', { key: 'todos:0' })
    await ada.flush({ action: 'update', path: [], props: { done: true } })
    expect(ear.all('updates').map(({ key }) => key)).toEqual(['todos:0'])
    expect(service.usage.channels).toBe(1)
  })

  test('forgets all of a stream that goes while it comes', async () => {
    const service = serve(new Clock())
    for (let turn = 0; turn < 30; turn += 1) {
      const ear = Ear.begin(service, {
        models: { [KEY]: null, 'todos:other': { from: 0, hash: 'x' } },
        feeds: [{ models: 'todos:*' }],
        presence: { token: 'ada-token', sequence: 1, models: { [KEY]: {} } },
      })
      for (let n = 0; n < turn; n += 1) await Promise.resolve()
      if (turn > 20) await settle(turn - 20)
      ear.connection.close()
      await ear.connection.started
    }
    await settle()
    expect(service.usage).toMatchObject({ streams: 0, channels: 0 })
  })

  test('does not lose who came while another was let go', async () => {
    const brittle = new Brittle(memoryStore())
    let open = () => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    let isHeld = false
    const store = wrapStore(brittle.store, {
      load: async (...args) => {
        if (!isHeld) return brittle.store.load(...args)
        await opened
        throw new Error('The store is down.')
      },
    })
    await createTestService({ store }).snapshot(KEY)
    const service = serve(new Clock(), { store })
    const position = { from: 0, hash: 'another' }
    isHeld = true
    const first = Ear.begin(service, { models: { [KEY]: position } })
    await settle()
    first.connection.close()
    // It begins anew, and the look-up of the one before fails then.
    const second = Ear.begin(service, { models: { [KEY]: null } })
    await settle()
    open()
    isHeld = false
    await settle()
    await new Writer(service, 'ada').add('a')
    expect(second.all('updates')).toHaveLength(1)
  })

  test('has too many streams at some point, and too many models in one', async () => {
    const service = serve(new Clock(), { limits: { streams: 2, streamModels: 3 } })
    const keys = Array.from({ length: 5 }, (_, n) => `todos:${n}`)
    for (const key of keys) await service.snapshot(key)
    const models = Object.fromEntries(keys.map((key) => [key, null]))
    const ear = await Ear.open(service, { models })
    expect(ear.all('refused')).toMatchObject([{ code: 'BUSY' }, { code: 'BUSY' }])
    expect(service.usage.channels).toBe(3)
    await Ear.open(service, {})
    const begin = () => Ear.begin(service, {})
    expect(begin).toThrow(expect.objectContaining({ code: 'BUSY', retry: 'same-flush' }))
  })

  test('sends everybody away when it shuts down, and takes nobody in', async () => {
    const clock = new Clock()
    const service = serve(clock)
    const { ear } = await follow(service)
    const stop = service.follow({ models: 'todos:*' }, () => {})
    await settle()
    service.drain()
    expect(ear.events.at(-1)).toMatchObject({ event: 'bye' })
    const { retryAfterMs } = ear.all('bye')[0]!
    expect(retryAfterMs).toBeGreaterThan(0)
    expect(retryAfterMs).toBeLessThanOrEqual(5200)
    expect(ear.isEnded).toBe(true)
    expect(() => Ear.begin(service, {})).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
    service.follow({ models: 'todos:*' }, () => {})
    await settle()
    expect(service.usage).toMatchObject({ streams: 0, channels: 0, peers: 0 })
    expect(clock.timers).toBe(0)
    stop()
  })
})

describe('two servers on one store', () => {
  function serveTwo(options: { pollMs?: number } = {}) {
    const [clock, post, brittle] = [new Clock(), new Post(), new Brittle(memoryStore())]
    const store = post.wrap(brittle.store)
    const live = { pollMs: 2000, ...options }
    const [here, there] = [serve(clock, { store, live }), serve(clock, { store, live })]
    return { clock, post, brittle, here, there }
  }

  test('tell each other by hints', async () => {
    const { clock, here, there } = serveTwo({ pollMs: 1e9 })
    const { ear, copy } = await follow(here)
    const bob = new Writer(there, 'bob')
    for (const id of ['a', 'b', 'c']) await bob.add(id)
    await clock.pass(0)
    expect(copy.read()).toEqual((await there.snapshot(KEY)).document)
    expect(copy.gaps).toBe(0)
    expect(ear.all('updates').length).toBeGreaterThan(0)
  })

  test('find out by asking the store, where hints are lost', async () => {
    const { clock, post, here, there } = serveTwo()
    post.isMuted = true
    const { ear, copy } = await follow(here)
    const bob = new Writer(there, 'bob')
    for (const id of ['a', 'b', 'c']) await bob.add(id)
    await settle()
    expect(ear.all('updates')).toEqual([])
    await clock.pass(3000)
    expect(copy.read()).toEqual((await there.snapshot(KEY)).document)
    expect(copy.gaps).toBe(0)
  })

  test('tell who knows more than its server all that comes after', async () => {
    const { clock, post, here, there } = serveTwo()
    post.isMuted = true
    const old = await follow(here)
    const bob = new Writer(there, 'bob')
    await bob.add('a')
    // It was at the other server until now, where 'a' was known.
    const ear = await Ear.open(here, { models: { [KEY]: { from: bob.from, hash: bob.hash } } })
    const late = new Copy(ear, await there.snapshot(KEY))
    await settle()
    // It brought the news to all others, too.
    expect(Object.keys(old.copy.read()['todos'] as object)).toEqual(['a'])
    await bob.add('b')
    await clock.pass(3000)
    await bob.add('c')
    await clock.pass(3000)
    const { document } = await there.snapshot(KEY)
    expect(old.copy.read()).toEqual(document)
    expect(late.read()).toEqual(document)
    expect(late.gaps).toBe(0)
  })

  test('believe no hint that lies', async () => {
    const { post, here, there } = serveTwo({ pollMs: 1e9 })
    const { ear, copy } = await follow(here)
    const feed = await Ear.open(here, { feeds: [{ models: 'todos:*', path: ['todos'] }] })
    const before = [ear.events.length, feed.events.length]
    const lies = [
      { kind: 'head', key: KEY, commandCount: 999, hash: 'x' },
      { kind: 'head', key: KEY, commandCount: 0, hash: 'x' },
      { kind: 'head', key: 'todos:unknown', commandCount: 9, hash: 'x' },
      { kind: 'head', key: '', commandCount: 9, hash: 'x' },
      { kind: 'model', key: KEY, change: 'delete' },
      { kind: 'model', key: KEY, change: 'create' },
      { kind: 'model', key: 'todos:unknown', change: 'delete' },
      { kind: 'model', key: 'todos:unknown', change: 'create' },
      { kind: 'access', userId: 'nobody' },
      { kind: 'access' },
    ] as const
    for (const lie of lies) post.lie(lie)
    await settle(40)
    expect([ear.events.length, feed.events.length]).toEqual(before)
    await new Writer(there, 'bob').add('a')
    await settle(40)
    expect(copy.read()).toEqual((await there.snapshot(KEY)).document)
    expect(feed.feed()).toMatchObject([{ kind: 'publish', id: 'a' }])
  })

  test('heal after the store was down for a while', async () => {
    const { clock, brittle, here, there } = serveTwo()
    const { ear, copy } = await follow(here)
    const bob = new Writer(there, 'bob')
    await bob.add('a')
    await settle()
    brittle.isDown = true
    await clock.pass(10_000)
    expect(ear.isEnded).toBe(false)
    brittle.isDown = false
    await bob.add('b')
    await clock.pass(3000)
    expect(copy.read()).toEqual((await there.snapshot(KEY)).document)
    expect(copy.gaps).toBe(0)
  })

  test('end a stream that comes while permissions or store cannot be asked, and keep the others', async () => {
    const { brittle, clock, here } = serveTwo()
    const { ear } = await follow(here)
    brittle.isDown = true
    const late = await Ear.open(here, { models: { [KEY]: null } })
    await clock.pass(0)
    expect(late.isEnded).toBe(true)
    expect(late.events.map(({ event }) => event)).toEqual(['ready'])
    expect(ear.isEnded).toBe(false)
    brittle.isDown = false
  })

  test.each([true, false])(
    'tell at once of a model that was deleted and made again, hints muted: %s',
    async (isMuted) => {
      const { clock, post, here, there } = serveTwo()
      const bob = new Writer(there, 'bob')
      for (const id of ['a', 'b', 'c']) await bob.add(id)
      const { ear } = await follow(here)
      const feed = await Ear.open(here, { feeds: [{ models: KEY, path: ['todos'] }] })
      post.isMuted = true
      await there.models.delete(KEY)
      await new Writer(there, 'eve').add('z')
      post.isMuted = isMuted
      ear.clear()
      feed.clear()
      if (!isMuted) post.lie({ kind: 'head', key: KEY, commandCount: 7, hash: 'x' })
      // Less than a heartbeat.
      await clock.pass(isMuted ? 3000 : 0)
      const { commandCount, hash } = await there.snapshot(KEY)
      expect(ear.events).toContainEqual({
        event: 'heads',
        heads: { [KEY]: { commandCount, hash } },
      })
      expect(feed.feed()).toEqual([{ kind: 'reset' }])
      await new Writer(there, 'fay').add('y')
      await clock.pass(3000)
      expect(ear.all('updates')).toMatchObject([{ updates: [{ from: 1, clientId: 'fay' }] }])
      expect(feed.feed()).toMatchObject([{ kind: 'reset' }, { kind: 'publish', id: 'y' }])
    },
  )

  test('listen only while somebody is connected', async () => {
    const { clock, post, here } = serveTwo()
    expect(post.listeners).toBe(0)
    const { ear } = await follow(here)
    expect(post.listeners).toBe(1)
    ear.connection.close()
    await clock.pass(3000)
    expect(post.listeners).toBe(0)
    expect(clock.timers).toBe(0)
    await follow(here)
    expect(post.listeners).toBe(1)
  })
})

describe('two servers on one Postgres', () => {
  const world: { database?: Database } = {}
  const PATIENCE = { timeout: 20_000, interval: 10 }

  beforeAll(async () => {
    world.database = await createDatabase(inject('postgresUrl'))
  })
  afterAll(() => world.database?.drop())

  async function serveTwo(isMuted: boolean) {
    const schema = `live_${crypto.randomUUID().slice(0, 8)}`
    const services = [0, 1].map(() => {
      const store = postgresStore({
        connectionString: world.database!.url,
        schema,
        maxConnections: 3,
      })
      const muted = wrapStore(store, { hints: () => ({ publish() {}, listen: () => () => {} }) })
      const live = { pollMs: isMuted ? 50 : 1e9 }
      const service = createTestService({ store: isMuted ? muted : store, live })
      onTestFinished(() => service.close())
      return { service, store }
    })
    await services[0]!.store.migrate()
    return services.map(({ service }) => service) as [FlushoutService, FlushoutService]
  }

  test.each([
    ['hints alone', false],
    ['the poll alone', true],
  ])('tell each other by %s', async (_, isMuted) => {
    const [here, there] = await serveTwo(isMuted)
    const bob = new Writer(there, 'bob')
    await bob.add('first')
    const { copy } = await follow(here)
    // Until notices come, those of before are lost.
    await vi.waitFor(async () => {
      await bob.flush({ action: 'update', path: [], props: { at: bob.sequence } })
      expect(copy.read()['at']).toBeDefined()
    }, PATIENCE)
    const ada = new Writer(here, 'ada')
    await Promise.all(
      [ada, bob].map(async (writer) => {
        for (let turn = 0; turn < 40; turn += 1) await writer.add(`${writer.clientId}-${turn}`)
      }),
    )
    const { document } = await there.snapshot(KEY)
    await vi.waitFor(
      () => expect(JSON.stringify(copy.read())).toBe(JSON.stringify(document)),
      PATIENCE,
    )
    expect(copy.gaps).toBe(0)
  })
})
