import { directTransport, type LiveTransport } from '@flushout/client'
import { createTestServer } from '@flushout/client/testing'
import type { LiveEvent } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { add, enter, join, KEY, listen, serveLive, textsOn } from './support/play.ts'

const OTHER = 'todos:tools'

describe('what others do', () => {
  test('shows at once, and nothing is asked', async () => {
    const server = serveLive()
    const ada = await listen(server)
    await add(server, 'Milk')
    expect(ada.texts()).toEqual(['Milk'])
    await ada.environment.advance(25_000)
    expect(ada.network.flushes).toEqual([])
    expect(ada.model.status).toMatchObject({ state: 'live', confirmed: 1 })
  })

  test('shows though it happened between the load and the connection', async () => {
    const server = serveLive()
    const ada = await enter(server)
    await add(server, 'Milk')
    expect(ada.texts()).toEqual([])
    await ada.environment.advance(20)
    expect(ada.texts()).toEqual(['Milk'])
    expect(ada.network.flushes).toEqual([])
  })

  test('shows with what is queued here on top', async () => {
    const server = serveLive()
    const ada = await listen(server)
    ada.type('Bread')
    await add(server, 'Milk')
    expect(ada.texts()).toEqual(['Milk', 'Bread'])
    await ada.environment.advance(50)
    expect(textsOn(server)).toEqual(['Milk', 'Bread'])
    expect(ada.model.status).toMatchObject({ queued: 0, inFlight: 0, confirmed: 2 })
  })

  test('is asked for where some of it was lost on the way', async () => {
    const server = serveLive()
    const ada = await listen(server)
    ada.network.mute()
    await add(server, 'Milk')
    ada.network.heal()
    await add(server, 'Bread', 'eve')
    expect(ada.texts()).toEqual([])
    await ada.environment.advance(100)
    expect(ada.texts()).toEqual(['Milk', 'Bread'])
    expect(ada.network.flushes).toHaveLength(1)
  })

  test('is asked for once, however often it is heard that there is something', async () => {
    const server = serveLive()
    const ada = await listen(server, { random: () => 0.9 })
    ada.network.mute()
    await add(server, 'Milk')
    ada.network.heal()
    for (let count = 0; count < 10; count += 1) {
      server.hub.beat()
      await ada.environment.advance(10)
    }
    expect(ada.texts()).toEqual(['Milk'])
    await ada.environment.advance(1_000)
    expect(ada.network.flushes).toHaveLength(1)
  })

  test('is known to be nothing when the server says where the model is', async () => {
    const server = serveLive()
    const ada = await listen(server)
    await ada.environment.advance(20_000)
    server.hub.beat()
    expect(ada.model.status.lastSyncedAt).toBe(ada.environment.now())
    await ada.environment.advance(1_000)
    expect(ada.network.flushes).toEqual([])
  })

  test('does no harm when it comes again, late, or in another order', async () => {
    const server = serveLive()
    const ada = await listen(server)
    for (const text of ['Milk', 'Bread', 'Salt']) await add(server, text, text)
    const [{ events }] = ada.network.streams as [(typeof ada.network.streams)[number]]
    const reversed = events.filter(({ event }) => event === 'updates').toReversed()
    for (const event of [...reversed, ...reversed.toReversed()]) server.hub.tell(event)
    await ada.environment.advance(1_000)
    expect(ada.network.flushes).toEqual([])
    expect(ada.texts()).toEqual(['Milk', 'Bread', 'Salt'])
    expect(ada.model.status).toMatchObject({ state: 'live', confirmed: 3, historyChanges: 0 })
  })

  test('that is no event at all does no harm', async () => {
    const server = serveLive()
    const ada = await listen(server)
    for (const event of [
      {},
      { event: 'updates', key: KEY, commandCount: 9, hash: 'x', updates: 'many' },
      { event: 'updates', key: 'toString' },
      { event: 'heads', heads: { [KEY]: {} } },
      { event: 'of a later version', key: KEY },
    ]) {
      server.hub.tell(event as never)
    }
    await ada.environment.advance(1_000)
    await add(server, 'Milk')
    expect(ada.texts()).toEqual(['Milk'])
    expect(ada.model.status.state).toBe('live')
  })

  test('to a server with another past leads there', async () => {
    const server = serveLive()
    const ada = await listen(server)
    await add(server, 'Milk')
    server.restore(KEY, { todos: { old: { text: 'From the backup' } } })
    await ada.environment.advance(100)
    expect(ada.texts()).toEqual(['From the backup'])
    expect(ada.model.status).toMatchObject({ state: 'live', historyChanges: 1 })
  })
})

describe('an edit of one’s own', () => {
  test('that is heard of before its answer shows once and is confirmed once', async () => {
    const server = serveLive()
    const ada = await listen(server)
    const release = ada.network.hold()
    const { verdict } = ada.model.create(['todos'], { text: 'Milk' })
    await ada.environment.advance(50)
    expect(ada.texts()).toEqual(['Milk'])
    expect(ada.model.status).toMatchObject({ state: 'live', inFlight: 1, confirmed: 1 })
    await add(server, 'Bread')
    expect(ada.texts()).toEqual(['Milk', 'Bread'])
    release()
    await ada.environment.settle()
    expect(await verdict).toMatchObject({ kind: 'applied' })
    expect(ada.model.status).toMatchObject({ inFlight: 0, confirmed: 2, commandCount: 2 })
    expect(ada.network.flushes).toHaveLength(1)
  })

  test('is not asked for after its answer', async () => {
    const ada = await listen(serveLive())
    ada.type('Milk')
    await ada.environment.advance(20_000)
    expect(ada.network.flushes).toHaveLength(1)
  })
})

describe('one connection', () => {
  const serveTwo = () =>
    createTestServer({ [KEY]: { todos: {} }, [OTHER]: { todos: {} } }, { heartbeatMs: 20_000 })

  test('carries all models that are watched and loaded', async () => {
    const server = serveTwo()
    const ada = await enter(server)
    const other = ada.client.model(OTHER)
    other.watch()
    await other.ready
    await ada.environment.advance(20)
    expect(ada.network.lives.map(({ request }) => Object.keys(request.models!))).toEqual([
      [KEY, OTHER],
    ])
    expect(other.status.state).toBe('live')
  })

  test('is made anew beside the old one when another model comes, without a pause', async () => {
    const server = serveTwo()
    const ada = await listen(server)
    const states: string[] = []
    ada.model.subscribeStatus(() => states.push(ada.model.status.state))
    const other = ada.client.model(OTHER)
    const leave = other.watch()
    await other.ready
    expect(other.status.state).toBe('connecting')
    await ada.environment.advance(20)
    expect(other.status.state).toBe('live')
    expect(ada.network.lives).toHaveLength(2)
    expect(ada.network.streams).toHaveLength(1)
    leave()
    await ada.environment.advance(20)
    expect(ada.network.streams.map(({ request }) => Object.keys(request.models!))).toEqual([[KEY]])
    expect(other.status.state).toBe('polling')
    expect(new Set(states)).toEqual(new Set(['live']))
  })

  test('stays where a model is left and watched again in a moment', async () => {
    const ada = join(serveTwo())
    const leave = ada.model.watch()
    await ada.model.ready
    await ada.environment.advance(20)
    leave()
    ada.model.watch()
    await ada.environment.advance(1_000)
    expect(ada.network.lives).toHaveLength(1)
    expect(ada.network.streams).toHaveLength(1)
  })

  test('is made anew for who wants to know who else is there', async () => {
    const ada = await listen(serveTwo())
    ada.model.presence.subscribe(() => {})
    await ada.environment.advance(20)
    expect(ada.network.streams).toHaveLength(1)
    expect(ada.network.streams[0]?.request.presence?.models).toEqual({ [KEY]: null })
  })

  test('is not made for models that nobody watches, and ends with the last that is', async () => {
    const ada = join(serveTwo())
    await ada.model.ready
    await ada.environment.advance(10_000)
    expect(ada.network.lives).toEqual([])
    const leave = ada.model.watch()
    await ada.environment.advance(20)
    expect(ada.network.streams).toHaveLength(1)
    leave()
    await ada.environment.advance(20)
    expect(ada.network.streams).toEqual([])
    expect(ada.environment.timers).toBe(1)
  })

  test('is not made in manual mode, and made when that ends', async () => {
    const ada = await enter(serveTwo(), { flush: { mode: 'manual' } })
    await ada.environment.advance(1_000)
    expect(ada.network.lives).toEqual([])
    expect(ada.model.status.state).toBe('polling')
    ada.client.flushMode = 'auto'
    await ada.environment.advance(20)
    expect(ada.model.status.state).toBe('live')
    ada.client.flushMode = 'manual'
    await ada.environment.advance(1_000)
    expect(ada.network.streams).toEqual([])
    expect(ada.model.status.state).toBe('polling')
  })

  test('ends with `pause`, and comes back with `resume`, as whoever is logged in then', async () => {
    const server = serveTwo()
    const ada = await listen(server)
    ada.client.pause()
    await ada.environment.settle()
    expect(ada.network.streams).toEqual([])
    expect(ada.environment.timers).toBe(0)
    await add(server, 'Milk')
    ada.client.resume()
    await ada.environment.settle()
    expect(ada.texts()).toEqual(['Milk'])
    expect(ada.model.status.state).toBe('live')
    ada.client.resume()
    await ada.environment.settle()
    expect(ada.network.lives).toHaveLength(3)
    expect(ada.network.streams).toHaveLength(1)
  })

  test('leaves no timer and no stream behind when the client is closed', async () => {
    const server = serveTwo()
    const ada = await listen(server)
    ada.client.close()
    await ada.environment.settle()
    expect(ada.environment.timers).toBe(0)
    expect(server.hub.open).toBe(0)
    await ada.environment.wake()
    ada.client.resume()
    await ada.environment.advance(60_000)
    expect(ada.network.lives).toHaveLength(1)
  })

  test('of a closed client is not heard any more, whatever the transport does', async () => {
    const server = serveTwo()
    const direct = directTransport(server)
    let say = (_event: LiveEvent) => {}
    const stream: LiveTransport['stream'] = async (_request, hear) => {
      say = hear
      await new Promise(() => {})
    }
    const ada = await listen(server, {
      transport: { ...direct, live: { ...direct.live!, stream } },
    })
    ada.client.close()
    say({ event: 'ready', heartbeatMs: 20_000 })
    say({ event: 'heads', heads: { [KEY]: { commandCount: 1, hash: 'x' } } })
    await ada.environment.settle()
    expect(ada.environment.timers).toBe(0)
  })

  test('that is being made leaves nothing behind either', async () => {
    const ada = await enter(serveTwo())
    const other = ada.client.model(OTHER)
    other.watch()
    await other.ready
    expect(ada.environment.timers).toBeGreaterThan(0)
    ada.client.close()
    await ada.environment.settle()
    expect(ada.environment.timers).toBe(0)
    const bob = await listen(serveTwo(), { name: 'bob' })
    bob.network.cut()
    await bob.environment.settle()
    bob.client.close()
    expect(bob.environment.timers).toBe(0)
  })
})
