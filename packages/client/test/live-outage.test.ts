import { createTestServer } from '@flushout/client/testing'
import { describe, expect, test } from 'vitest'
import { add, enter, join, KEY, listen, serveLive, type Player } from './support/play.ts'

const longest = { random: () => 1 }

/** Kinds of what was asked of the live side so far. */
function kinds({ network }: Player): string {
  return network.lives.map(({ kind }) => kind).join(' ')
}

describe('a stream that breaks', () => {
  test('is open again before anybody notices, and brings what was missed', async () => {
    const server = serveLive()
    const ada = await listen(server, longest)
    const states: string[] = []
    ada.model.subscribeStatus(() => states.push(ada.model.status.state))
    await ada.environment.advance(2_000)
    ada.network.cut()
    await add(server, 'Milk')
    await ada.environment.advance(299)
    expect(ada.texts()).toEqual([])
    await ada.environment.advance(1)
    expect(ada.texts()).toEqual(['Milk'])
    expect(ada.network.flushes).toEqual([])
    expect(new Set(states)).toEqual(new Set(['live']))
  })

  test('is tried again after pauses that double up to 10 s, and begin anew', async () => {
    const ada = await listen(serveLive(), longest)
    ada.network.dropRequests()
    ada.network.cut()
    const at: number[] = []
    let known = 1
    for (let time = 0; time < 40_000; time += 50) {
      await ada.environment.advance(50)
      if (ada.network.lives.length > known) at.push(time + 50)
      known = ada.network.lives.length
    }
    expect(at).toEqual([300, 900, 2_100, 4_500, 9_300, 18_900, 28_900, 38_900])
    ada.network.heal()
    await ada.environment.advance(10_000)
    expect(ada.model.status.state).toBe('live')
    await ada.environment.advance(2_000)
    ada.network.cut()
    await ada.environment.advance(300)
    expect(ada.network.streams).toHaveLength(1)
  })

  test('is tried again within the time that the server had said', async () => {
    const ada = await listen(serveLive(), longest)
    ada.network.cut(2_000)
    await ada.environment.advance(1_999)
    expect(kinds(ada)).toBe('stream')
    await ada.environment.advance(1)
    expect(kinds(ada)).toBe('stream stream')
  })

  test('because the server ends it comes again when the server said', async () => {
    const server = serveLive()
    const ada = await listen(server, longest)
    server.hub.end(4_000)
    await ada.environment.advance(1_500)
    expect(ada.model.status.state).toBe('polling')
    await ada.environment.advance(2_799)
    expect(kinds(ada)).toBe('stream')
    await ada.environment.advance(1)
    expect(ada.model.status.state).toBe('live')
  })

  test('lets loops that were backing off try at once when it is back', async () => {
    const server = serveLive()
    const ada = await listen(server, longest)
    ada.network.dropRequests()
    ada.network.cut()
    ada.type('Milk')
    await ada.environment.advance(20_000)
    ada.network.heal()
    const asked = ada.network.flushes.length
    await ada.environment.advance(9_000)
    expect(ada.model.status).toMatchObject({ state: 'live', queued: 0, inFlight: 0, confirmed: 1 })
    expect(ada.network.flushes).toHaveLength(asked + 1)
  })

  test('is made anew at once when the network returns', async () => {
    const ada = await listen(serveLive(), longest)
    ada.network.dropRequests()
    ada.network.cut()
    await ada.environment.advance(30_000)
    ada.network.heal()
    await ada.environment.wake()
    expect(ada.model.status.state).toBe('live')
  })

  test('and cannot be made anew leaves asking by timer, not all at once', async () => {
    const server = serveLive()
    const ada = await listen(server, { random: () => 0.5 })
    await ada.environment.advance(19_000)
    ada.network.blockStreams()
    ada.network.cut()
    await ada.environment.advance(1_000)
    expect(ada.network.flushes).toEqual([])
    await ada.environment.advance(6_000)
    expect(ada.network.flushes).toHaveLength(1)
  })
})

describe('silence', () => {
  test('of one and a half heartbeats ends a stream', async () => {
    const server = serveLive()
    const ada = await listen(server, longest)
    ada.network.mute()
    await ada.environment.advance(15_000)
    server.hub.beat()
    await add(server, 'Milk')
    await ada.environment.advance(14_999)
    expect(ada.network.streams).toHaveLength(1)
    ada.network.heal()
    await ada.environment.advance(1)
    expect(ada.network.streams).toEqual([])
    await ada.environment.advance(300)
    expect(ada.texts()).toEqual(['Milk'])
  })

  test('is none while something is heard', async () => {
    const server = serveLive()
    const ada = await listen(server)
    for (let count = 0; count < 30; count += 1) {
      await ada.environment.advance(20_000)
      server.hub.beat()
    }
    expect(kinds(ada)).toBe('stream')
    expect(ada.network.flushes).toEqual([])
  })

  test('for longer than a heartbeat is believed to be an end when the network returns', async () => {
    const ada = await listen(serveLive())
    await ada.environment.advance(19_000)
    await ada.environment.wake()
    expect(kinds(ada)).toBe('stream')
    await ada.environment.advance(2_000)
    await ada.environment.wake()
    expect(kinds(ada)).toBe('stream stream')
    expect(ada.network.streams).toHaveLength(1)
    expect(ada.network.flushes).toEqual([])
  })
})

describe('where streams do not come through', () => {
  test('news come by polls after 3 s', async () => {
    const server = serveLive()
    const ada = await enter(server)
    ada.network.blockStreams()
    await ada.environment.advance(20 + 2_999)
    expect(ada.model.status.state).toBe('connecting')
    await ada.environment.advance(1)
    expect(ada.model.status.state).toBe('polling')
    expect(kinds(ada)).toBe('stream poll')
    await add(server, 'Milk')
    await ada.environment.settle()
    expect(ada.texts()).toEqual(['Milk'])
    expect(ada.network.flushes).toEqual([])
    await add(server, 'Bread', 'eve')
    await ada.environment.settle()
    expect(ada.texts()).toEqual(['Milk', 'Bread'])
  })

  test('nothing is asked by timer once a poll was answered', async () => {
    const server = serveLive()
    const ada = await enter(server)
    ada.network.blockStreams()
    await ada.environment.advance(3_020)
    server.hub.beat()
    await ada.environment.settle()
    const asked = ada.network.flushes.length
    for (let count = 0; count < 2; count += 1) {
      await ada.environment.advance(25_000)
      server.hub.beat()
    }
    expect(ada.network.flushes).toHaveLength(asked)
  })

  test('a stream is tried again after a minute, and taken if it comes through', async () => {
    const server = serveLive()
    const ada = await enter(server, { random: () => 0.5 })
    ada.network.blockStreams()
    await ada.environment.advance(3_020)
    const alive = async (ms: number) => {
      await ada.environment.advance(ms)
      server.hub.beat()
      await ada.environment.settle()
    }
    await alive(30_000)
    await alive(29_999)
    expect(kinds(ada).match(/stream/g)).toHaveLength(1)
    await alive(1)
    expect(kinds(ada).match(/stream/g)).toHaveLength(2)
    expect(ada.model.status.state).toBe('polling')
    await alive(3_000)
    ada.network.heal()
    await alive(30_000)
    await alive(30_000)
    expect(ada.model.status.state).toBe('live')
    expect(server.hub.open).toBe(1)
  })

  test('and when the page is seen again', async () => {
    const ada = await enter(serveLive())
    ada.network.blockStreams()
    await ada.environment.advance(3_020)
    ada.network.heal()
    await ada.environment.wake()
    expect(ada.model.status.state).toBe('live')
  })

  test('since they end right after they began, the third is the last', async () => {
    const server = serveLive()
    const ada = await listen(server, longest)
    for (let count = 0; count < 3; count += 1) {
      ada.network.cut()
      await ada.environment.advance(300)
    }
    expect(kinds(ada)).toBe('stream stream stream poll')
    await add(server, 'Milk')
    await ada.environment.settle()
    expect(ada.texts()).toEqual(['Milk'])
  })

  test('another model is carried by the next poll, which does not wait for the last', async () => {
    const documents = { [KEY]: { todos: {} }, 'todos:tools': { todos: {} } }
    const server = createTestServer(documents, { heartbeatMs: 20_000 })
    const ada = await enter(server)
    ada.network.blockStreams()
    await ada.environment.advance(3_020)
    const other = ada.client.model('todos:tools')
    other.watch()
    await other.ready
    await ada.environment.advance(20)
    expect(kinds(ada)).toBe('stream poll poll')
    const bob = join(server, { name: 'bob' }).client.model('todos:tools')
    await bob.ready
    bob.create(['todos'], { text: 'Hammer' })
    await bob.flush()
    await ada.environment.settle()
    expect(other.status.confirmed).toBe(1)
    expect(ada.network.flushes).toEqual([])
  })

  test('a model that is refused is left out of later polls', async () => {
    const server = serveLive()
    const ada = await enter(server)
    ada.network.blockStreams()
    await ada.environment.advance(3_020)
    server.refuse(KEY, 'MODEL_NOT_FOUND')
    await ada.environment.advance(10_000)
    expect(ada.model.status.state).toBe('refused')
    expect(kinds(ada)).toBe('stream poll poll')
    expect(ada.network.lives.at(-1)?.request.models).toEqual({})
  })

  test('polls begin anew with a login, beside a stream', async () => {
    const ada = await enter(serveLive())
    ada.network.blockStreams()
    await ada.environment.advance(3_020)
    ada.client.resume()
    await ada.environment.settle()
    expect(ada.network.lives.filter(({ isOpen }) => isOpen).map(({ kind }) => kind)).toEqual([
      'stream',
      'poll',
    ])
    expect(ada.network.lives).toHaveLength(4)
  })

  test('a poll that is not answered is given up after 40 s', async () => {
    const ada = await enter(serveLive(), longest)
    ada.network.blockStreams()
    await ada.environment.advance(3_020 + 39_999)
    expect(kinds(ada)).toBe('stream poll')
    await ada.environment.advance(1_000)
    expect(kinds(ada)).toBe('stream poll stream')
  })

  test('a server that answers polls at once with nothing is not flooded', async () => {
    const server = serveLive()
    const ada = await enter(server)
    ada.network.blockStreams()
    await ada.environment.advance(3_020)
    for (let count = 0; count < 50; count += 1) {
      server.hub.beat()
      await ada.environment.advance(100)
    }
    expect(ada.network.lives.length).toBeLessThan(9)
  })

  test('a poll that fails leads to a stream, after a pause', async () => {
    const ada = await enter(serveLive(), longest)
    ada.network.blockStreams()
    await ada.environment.advance(3_020)
    ada.network.heal()
    ada.network.cut()
    await ada.environment.advance(600)
    expect(ada.model.status.state).toBe('live')
  })
})

describe('a connection that is refused', () => {
  test('waits for a login, and the loops tell how things stand', async () => {
    const server = serveLive()
    const ada = await enter(server)
    ada.network.refuse('UNAUTHENTICATED')
    await ada.environment.advance(600_000)
    expect(kinds(ada)).toBe('stream')
    expect(ada.model.status.state).toBe('needs-auth')
    ada.network.heal()
    ada.client.resume()
    await ada.environment.settle()
    expect(ada.model.status.state).toBe('live')
    await add(server, 'Milk')
    expect(ada.texts()).toEqual(['Milk'])
  })

  test('though exchanges work is tried again, since somebody may have logged in', async () => {
    const ada = await enter(serveLive())
    ada.network.refuse('UNAUTHENTICATED')
    await ada.environment.advance(20)
    ada.network.heal()
    await ada.environment.advance(26_000)
    expect(kinds(ada)).toBe('stream stream')
    expect(ada.model.status.state).toBe('live')
  })

  test('because the server has no such thing is not tried again', async () => {
    const ada = await enter(serveLive())
    ada.network.refuse('NOT_FOUND')
    await ada.environment.advance(20)
    ada.network.heal()
    await ada.environment.advance(600_000)
    expect(kinds(ada)).toBe('stream')
    expect(ada.model.status.state).toBe('polling')
    expect(ada.network.flushes.length).toBeGreaterThan(100)
    await ada.environment.wake()
    expect(ada.model.status.state).toBe('live')
  })

  test('because the server is busy is tried again when it said', async () => {
    const ada = await enter(serveLive(), longest)
    ada.network.refuse('BUSY', { retryAfterMs: 7_000 })
    await ada.environment.advance(20)
    ada.network.heal()
    await ada.environment.advance(7_299)
    expect(kinds(ada)).toBe('stream')
    await ada.environment.advance(1)
    expect(ada.model.status.state).toBe('live')
  })
})

describe('a model that is refused', () => {
  test('as deleted is so at once, and is not asked for any more', async () => {
    const server = serveLive()
    const ada = await listen(server)
    server.refuse(KEY, 'MODEL_NOT_FOUND')
    expect(ada.model.status).toMatchObject({ state: 'refused', error: { code: 'MODEL_NOT_FOUND' } })
    await ada.environment.advance(25_000)
    expect(ada.network.flushes).toEqual([])
    expect(ada.texts()).toEqual([])
    server.refuse(KEY)
    ada.client.resume()
    await ada.environment.settle()
    expect(ada.model.status).toMatchObject({ state: 'live', error: undefined })
  })

  test('still takes edits where it was deleted, and their author hears of it', async () => {
    const server = serveLive()
    const ada = await enter(server)
    server.refuse(KEY, 'MODEL_NOT_FOUND')
    const { length } = ada.network.sent
    await ada.environment.advance(60_000)
    expect(ada.network.sent).toHaveLength(length)
    ada.type('Milk')
    await ada.environment.advance(1_000)
    expect(ada.model.status).toMatchObject({ state: 'refused', queued: 0, inFlight: 0 })
    expect(ada.model.rejections).toMatchObject([{ rejection: { code: 'MODEL_NOT_FOUND' } }])
  })

  test('as deleted is there again if the next connection says so', async () => {
    const server = serveLive()
    const ada = await listen(server)
    server.refuse(KEY, 'MODEL_NOT_FOUND')
    server.refuse(KEY)
    ada.network.cut()
    await ada.environment.advance(1_000)
    expect(ada.model.status).toMatchObject({ state: 'live', error: undefined })
  })

  test('as forbidden is asked for with longer and longer pauses', async () => {
    const server = serveLive({ heartbeatMs: 1e9 })
    const ada = await listen(server, longest)
    server.refuse(KEY, 'FORBIDDEN')
    expect(ada.model.status).toMatchObject({ state: 'refused', error: { code: 'FORBIDDEN' } })
    await ada.environment.advance(20_000)
    expect(ada.network.flushes).toHaveLength(6)
    expect(ada.model.status.state).toBe('refused')
    server.refuse(KEY)
    await ada.environment.advance(20_000)
    expect(ada.model.status.state).toBe('polling')
    await ada.environment.advance(20_000)
    expect(ada.model.status).toMatchObject({ state: 'live', error: undefined })
  })

  test('by the live side only does not make the client come time and again', async () => {
    const server = serveLive()
    const ada = await listen(server)
    for (let count = 0; count < 60; count += 1) {
      server.hub.tell({
        event: 'refused',
        models: KEY,
        code: 'FORBIDDEN',
        message: 'Not here.',
        retry: 'never',
      })
      await ada.environment.advance(1_000)
    }
    expect(ada.network.lives.length).toBeLessThan(10)
  })

  test('for a moment is asked for by timer', async () => {
    const server = serveLive()
    const ada = await listen(server)
    server.hub.tell({
      event: 'refused',
      models: KEY,
      code: 'STREAM_FULL',
      message: 'Too many.',
      retry: 'same-flush',
    })
    expect(ada.model.status).toMatchObject({ state: 'polling', error: undefined })
    await ada.environment.advance(6_000)
    expect(ada.network.flushes).toHaveLength(1)
    ada.network.dropRequests()
    ada.network.cut()
    await ada.environment.advance(2_000)
    expect(ada.model.status.state).toBe('polling')
  })
})

describe('a page that nobody looks at', () => {
  test('gives the stream up after a while, has no timer, and takes it up when it is seen', async () => {
    const server = serveLive()
    const ada = await listen(server)
    ada.environment.hide()
    for (let count = 0; count < 4; count += 1) {
      expect(ada.network.streams).toHaveLength(1)
      await ada.environment.advance(20_000)
      server.hub.beat()
      await ada.environment.settle()
    }
    expect(ada.network.streams).toEqual([])
    await ada.environment.advance(600_000)
    expect(kinds(ada)).toBe('stream')
    expect(ada.environment.timers).toBe(0)
    await add(server, 'Milk')
    await ada.environment.wake()
    expect(ada.texts()).toEqual(['Milk'])
    expect(ada.model.status.state).toBe('live')
  })

  test('does not try again what broke, until it is seen', async () => {
    const ada = await listen(serveLive())
    ada.environment.hide()
    ada.network.dropRequests()
    ada.network.cut()
    await ada.environment.advance(600_000)
    expect(ada.environment.timers).toBe(0)
    expect(ada.network.lives.length).toBeLessThan(25)
    ada.network.heal()
    await ada.environment.wake()
    expect(ada.model.status.state).toBe('live')
  })

  test('only for a moment keeps it', async () => {
    const server = serveLive()
    const ada = await listen(server)
    for (let count = 0; count < 10; count += 1) {
      ada.environment.hide()
      await ada.environment.advance(15_000)
      server.hub.beat()
      await ada.environment.wake()
      await ada.environment.advance(15_000)
      server.hub.beat()
    }
    expect(kinds(ada)).toBe('stream')
  })
})

describe('status', () => {
  test('is `offline` while flushes fail, whatever is heard', async () => {
    const server = serveLive()
    const ada = await listen(server, longest)
    ada.network.dropRequests()
    ada.type('Milk')
    await ada.environment.advance(50)
    server.hub.beat()
    expect(ada.model.status).toMatchObject({ state: 'offline', error: { code: 'NETWORK' } })
  })

  test('says where the client stands through an outage, and since when', async () => {
    const server = serveLive()
    const ada = await enter(server, longest)
    const began = ada.environment.now()
    const lines: string[] = []
    const note = () => {
      const { state, since, queued, inFlight, confirmed } = ada.model.status
      const line = `${state} since ${since - began}: ${queued} + ${inFlight}, ${confirmed}`
      if (line !== lines.at(-1)) lines.push(line)
    }
    ada.model.subscribeStatus(note)
    note()
    await ada.environment.advance(1_000)
    ada.network.dropRequests()
    ada.network.cut()
    await ada.environment.advance(2_000)
    ada.type('Milk')
    await ada.environment.advance(3_000)
    ada.network.heal()
    await ada.environment.advance(4_000)
    ada.client.pause()
    await ada.environment.advance(1_000)
    ada.client.resume()
    await ada.environment.advance(1_000)
    expect(lines).toEqual([
      'connecting since 0: 0 + 0, 0',
      'live since 20: 0 + 0, 0',
      'offline since 2000: 0 + 0, 0',
      'offline since 2000: 1 + 0, 0',
      'offline since 2000: 0 + 1, 0',
      'offline since 2000: 0 + 0, 1',
      'polling since 7550: 0 + 0, 1',
      'offline since 10000: 0 + 0, 1',
      'live since 11000: 0 + 0, 1',
    ])
  })
})
