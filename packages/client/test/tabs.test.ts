// Several tabs of one browser, one of which speaks with the server for all.
import { createClient, directTransport, type Model } from '@flushout/client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { tabTransport } from '../src/tabs/tab-transport.ts'
import { TabsWorld, type OpenTab } from './support/tabs-world.ts'

const set = (model: Model, props: Record<string, number>) => model.update([], props)
const read = (models: readonly Model[]) => models.map((model) => model.read())

/** Somebody elsewhere edits a model. */
function write({ server }: TabsWorld, key: string): void {
  const { commandCount: from, hash } = server.master(key)
  const commands = [{ action: 'update' as const, path: [], props: { count: 1 } }]
  server.flush(key, { protocol: 1, clientId: 'far', sequence: 1, from, hash, commands })
}

describe('tabs of one browser', () => {
  test('keep one connection, and each hears what it asked for', async () => {
    const world = new TabsWorld({ list: { count: 0 }, notes: { count: 0 } })
    const [first, second, third] = await world.open(3)
    const lists = await world.load('list', [first!, second!])
    const notes = await world.load('notes', [third!])
    expect(world.streams).toHaveLength(1)
    expect(Object.keys(world.streams[0]!.request.models ?? {})).toEqual(['list', 'notes'])
    set(lists[1]!, { count: 1 })
    set(notes[0]!, { count: 2 })
    await world.environment.advance(1_000)
    expect(read(lists)).toEqual([{ count: 1 }, { count: 1 }])
    expect(read(notes)).toEqual([{ count: 2 }])
    expect([...lists, ...notes].map(({ status }) => status.state)).toEqual(['live', 'live', 'live'])
    // All of it was carried by the first.
    expect(second!.network.sent).toEqual([])
    expect(third!.network.lives).toEqual([])
  })

  test('hear of others at once by the connection that brings what they want already', async () => {
    const world = new TabsWorld()
    const [first, second, third] = await world.open(3)
    await world.load('list', [first!, second!])
    const connected = first!.network.lives.length
    const models = await world.load('list')
    expect(first!.network.lives.length).toBe(connected)
    const asked = world.tabs[0]!.network.sent.length
    set(models[0]!, { count: 1 })
    await world.environment.advance(1_000)
    expect(read(models)).toEqual([{ count: 1 }, { count: 1 }, { count: 1 }])
    // The edit, and no question of the others.
    expect(world.tabs[0]!.network.sent.length).toBe(asked + 1)
    expect(third!.network.sent).toEqual([])
  })

  test('are told that the connection lives, be it by what is for another', async () => {
    const world = new TabsWorld({ list: { count: 0 }, notes: { count: 0 } })
    const [first, second] = await world.open(2)
    const [list] = await world.load('list', [first!])
    const [notes] = await world.load('notes', [second!])
    const connected = first!.network.lives.length
    for (let count = 1; count < 12; count += 1) {
      set(list!, { count })
      await world.environment.advance(5_000)
    }
    expect(notes!.status.state).toBe('live')
    expect(first!.network.lives.length).toBe(connected)
  })

  test.each([true, false])('read what was, each for itself (several: %s)', async (isShared) => {
    const { server, environment, browser } = new TabsWorld()
    const page = { entries: [], isTrimmed: true } as const
    const past = { history: async () => page, snapshotAt: async () => server.snapshot('list') }
    const tabs = isShared ? browser.open() : undefined
    const options = { name: 'app', tabs, environment }
    const transport = tabTransport({ ...directTransport(server), past }, options)
    const client = createClient({ transport, environment })
    onTestFinished(() => {
      client.close()
      transport.close()
    })
    const model = client.model('list')
    await expect(model.history()).resolves.toEqual(page)
    await expect(model.snapshotAt(0)).resolves.toMatchObject({ document: { count: 0 } })
  })

  test('that end without a word are followed for no more', async () => {
    const world = new TabsWorld({ list: { count: 0 }, notes: { count: 0 } })
    const [first, second] = await world.open(2)
    await world.load('list', [first!])
    await world.load('notes', [second!])
    expect(Object.keys(world.streams[0]!.request.models ?? {})).toEqual(['list', 'notes'])
    second!.kill()
    await world.environment.advance(1_000)
    expect(world.streams).toHaveLength(1)
    expect(Object.keys(world.streams[0]!.request.models ?? {})).toEqual(['list'])
  })

  test('that end have their last edits sent nevertheless', async () => {
    const world = new TabsWorld()
    const [first, second] = await world.open(2)
    const [model] = await world.load('list', [second!])
    const release = first!.network.hold()
    set(model!, { count: 1 })
    await world.environment.advance(500)
    second!.kill()
    await world.environment.settle()
    // Given up by nobody: it is on its way still.
    expect(first!.network.open).toBe(1)
    release()
    await world.environment.settle()
    expect(world.server.snapshot('list').document).toEqual({ count: 1 })
  })

  test('are each a peer of their own, over the connection of one', async () => {
    const world = new TabsWorld()
    await world.open(3)
    const models = await world.load('list')
    for (const [tab, model] of models.entries()) model.presence.share({ tab })
    await world.environment.advance(1_000)
    expect(world.streams).toHaveLength(1)
    const { presence, peers = [] } = world.streams[0]!.request
    const told = [presence!, ...peers].map(({ token, models }) => ({
      token,
      state: models['list'],
    }))
    expect(new Set(told.map(({ token }) => token)).size).toBe(3)
    expect(new Set(told.map(({ state }) => state!['tab']))).toEqual(new Set([0, 1, 2]))
    world.tabs[2]!.kill()
    await world.environment.advance(1_000)
    expect(world.streams[0]!.request.peers).toHaveLength(1)
  })

  test('ask one question at a time where streams do not come through', async () => {
    const world = new TabsWorld()
    await world.open(3)
    for (const { network } of world.tabs) network.blockStreams()
    const models = await world.load('list')
    await world.environment.advance(10_000)
    const polls = () => {
      const lives = world.tabs.flatMap(({ network }) => network.lives)
      return lives.filter(({ kind, isOpen }) => kind === 'poll' && isOpen)
    }
    expect(polls()).toHaveLength(1)
    const asked = world.tabs[0]!.network.lives.length
    set(models[1]!, { count: 1 })
    await world.environment.advance(100)
    expect(read(models)).toEqual([{ count: 1 }, { count: 1 }, { count: 1 }])
    expect(polls()).toHaveLength(1)
    // One of the first that asks again, and one of all.
    expect(world.tabs[0]!.network.lives.length).toBe(asked + 2)
  })

  test('wait on where a poll brought nothing for them', async () => {
    const world = new TabsWorld({ list: { count: 0 }, notes: { count: 0 } })
    const [first, second] = await world.open(2)
    const { signal } = new AbortController()
    const poll = ({ transport }: OpenTab, key: string) => {
      const { commandCount: from, hash } = world.server.master(key)
      return transport.live!.poll({ protocol: 1, models: { [key]: { from, hash } } }, signal)
    }
    const polls = [poll(first!, 'list'), poll(second!, 'notes')]
    await world.environment.advance(1_000)
    write(world, 'list')
    expect((await polls[0])?.at(-1)).toMatchObject({ event: 'updates', key: 'list' })
    await world.environment.advance(1_000)
    write(world, 'notes')
    await world.environment.settle()
    expect((await polls[1])?.at(-1)).toMatchObject({ event: 'updates', key: 'notes' })
  })

  test('that are frozen while an answer comes ask for it again', async () => {
    const world = new TabsWorld()
    const [first, second] = await world.open(2)
    const [model] = await world.load('list', [second!])
    const release = first!.network.hold()
    set(model!, { count: 1 })
    await world.environment.advance(500)
    expect(model!.status.inFlight).toBe(1)
    second!.tab.freeze(true)
    release()
    await world.environment.settle()
    second!.tab.thaw()
    await world.environment.advance(4_000)
    expect(model!.status).toMatchObject({ inFlight: 0, queued: 0, state: 'live' })
    expect(second!.network.sent).toEqual([])
    expect(world.server.master('list').commandCount).toBe(1)
  })
})

describe('a gateway that ends', () => {
  test('is replaced by the next tab at once', async () => {
    const world = new TabsWorld()
    const [first, second, third] = await world.open(3)
    const models = await world.load('list', [second!, third!])
    const states = new Set<string>()
    for (const model of models) model.subscribeStatus(() => states.add(model.status.state))
    first!.kill()
    await world.environment.advance(1_000)
    expect(world.gateway).toBe(second)
    expect(world.streams).toHaveLength(1)
    set(models[1]!, { count: 1 })
    await world.environment.advance(1_000)
    expect(read(models)).toEqual([{ count: 1 }, { count: 1 }])
    expect([...states]).toEqual(['live'])
  })

  test('takes no flush with it, and none is applied twice', async () => {
    const world = new TabsWorld()
    const [first, second, third] = await world.open(3)
    const models = await world.load('list', [second!, third!])
    const release = first!.network.hold()
    set(models[1]!, { count: 1 })
    await world.environment.advance(500)
    // It has arrived, and the answer is on its way.
    expect(world.server.master('list').commandCount).toBe(1)
    expect(models[1]!.status.inFlight).toBe(1)
    first!.kill()
    release()
    await world.environment.advance(1_000)
    expect(world.server.master('list').commandCount).toBe(1)
    expect(models[1]!.status).toMatchObject({ state: 'live', inFlight: 0, queued: 0 })
    expect(read(models)).toEqual([{ count: 1 }, { count: 1 }])
  })

  test('leaves its place in good order when it is closed', async () => {
    const world = new TabsWorld()
    const [first, second] = await world.open(2)
    const [model] = await world.load('list', [second!])
    first!.client.close()
    first!.transport.close()
    await world.environment.advance(2_000)
    expect(world.gateway).toBe(second)
    expect(world.streams).toHaveLength(1)
    expect(model!.status.state).toBe('live')
  })
})

describe('a gateway that freezes', () => {
  test.each([false, true])('is gone around, until it is heard again (deaf: %s)', async (isDeaf) => {
    const world = new TabsWorld()
    const [first, second] = await world.open(2)
    const [model] = await world.load('list', [second!])
    first!.tab.freeze(isDeaf)
    set(model!, { count: 1 })
    await world.environment.advance(2_500)
    expect(model!.status).toMatchObject({ inFlight: 0, queued: 0 })
    await world.environment.advance(2_000)
    expect(second!.network.streams).toHaveLength(1)
    expect(model!.status.state).toBe('live')
    expect(world.server.master('list').commandCount).toBe(1)
    first!.tab.thaw()
    await world.environment.advance(2_000)
    expect(second!.network.streams).toHaveLength(0)
    expect(first!.network.streams).toHaveLength(1)
    expect(model!.status.state).toBe('live')
    set(model!, { count: 2 })
    await world.environment.advance(1_000)
    expect(world.server.master('list').commandCount).toBe(2)
    expect(second!.network.flushes).toHaveLength(1)
  })

  test('hears afterwards what it need not do any more', async () => {
    const world = new TabsWorld()
    const [first, second] = await world.open(2)
    await world.load('list', [second!])
    first!.tab.freeze(true)
    // It is gone around by then, and nobody wants anything.
    await world.environment.advance(6_000)
    second!.client.pause()
    await world.environment.settle()
    expect(first!.network.streams).toHaveLength(1)
    first!.tab.thaw()
    await world.environment.advance(3_000)
    expect(world.streams).toEqual([])
  })

  test('hears with its next word that nobody listens', async () => {
    const world = new TabsWorld()
    const [first, second] = await world.open(2)
    await world.load('list', [second!])
    first!.tab.freeze(true)
    second!.client.pause()
    await world.environment.settle()
    first!.tab.thaw()
    expect(world.streams).toHaveLength(1)
    world.server.hub.beat()
    await world.environment.settle()
    expect(world.streams).toEqual([])
  })

  test('is noticed by who only looks on', async () => {
    const world = new TabsWorld()
    const [first, second] = await world.open(2)
    const [model] = await world.load('list', [second!])
    first!.tab.freeze()
    await world.environment.advance(8_000)
    expect(second!.network.streams).toHaveLength(1)
    expect(model!.status.state).toBe('live')
  })

  test('is done without from the start', async () => {
    const world = new TabsWorld()
    const [first] = await world.open(1)
    first!.tab.freeze()
    const [second] = await world.open(1)
    const model = second!.client.model('list')
    const ready = model.ready
    await world.environment.advance(2_500)
    await ready
    expect(model.read()).toEqual({ count: 0 })
    expect(first!.network.sent).toEqual([])
  })
})
