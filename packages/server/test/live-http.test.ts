// Live connections as they are on the wire.
import { PROTOCOL, type LiveEvent, type LiveRequest } from '@flushout/core'
import {
  allowAnyone,
  fastifyOptions,
  flushout,
  memoryStore,
  type FlushoutOptions,
} from '@flushout/server'
import Fastify from 'fastify'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Frame } from '../src/live/frame.ts'
import { createPollSink } from '../src/live/poll-sink.ts'
import { Traffic } from '../src/traffic.ts'
import { EventStream } from './support/event-stream.ts'
import { TestServer, type Answer } from './support/http.ts'
import { Clock } from './support/live-world.ts'
import { RawConnection } from './support/raw-connection.ts'
import { add, KEY, Writer } from './support/world.ts'

const PATIENCE = { timeout: 20_000, interval: 5 }
const OTHER = 'todos:other'

/** A server that ends with the test. */
async function serve(options: Partial<FlushoutOptions> = {}): Promise<TestServer> {
  const server = await TestServer.start(options)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

function until<Result>(condition: () => Result | Promise<Result>) {
  return vi.waitFor(condition, PATIENCE)
}

const usageOf = ({ app }: TestServer) => app.flushout.usage

async function open(
  server: TestServer,
  request: Omit<LiveRequest, 'protocol'>,
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const body = { protocol: PROTOCOL, ...request }
  const stream = await EventStream.open(server.address, '/live', { body, headers })
  onTestFinished(() => stream[Symbol.dispose]())
  return stream
}

async function get(server: TestServer, path: string, headers: Record<string, string> = {}) {
  const stream = await EventStream.open(server.address, path, { headers })
  onTestFinished(() => stream[Symbol.dispose]())
  return stream
}

/** Ask for the next news, without a stream. */
async function poll(
  server: TestServer,
  body: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${server.address}/flushout/live`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text,
    body: text ? JSON.parse(text) : {},
  }
}

const eventsOf = ({ body }: Answer) => body['events'] as LiveEvent[]

describe('a stream', () => {
  test('is text that anybody can read', async () => {
    const server = await serve()
    const ada = new Writer(server.app.flushout, 'ada')
    await ada.add('a')
    const { from, hash } = ada
    const stream = await open(server, { models: { [KEY]: { from, hash } } })
    expect(stream.response.statusCode).toBe(200)
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    })
    expect(stream.response.headers).not.toHaveProperty('transfer-encoding')
    await until(() => expect(stream.has('heads')).toBe(true))
    await ada.add('b', { text: 'two\nlines' })
    await until(() => expect(stream.has('updates')).toBe(true))
    const [retry = ''] = stream.fields('retry')
    expect(Number(retry)).toBeGreaterThanOrEqual(1000)
    expect(Number(retry)).toBeLessThanOrEqual(3000)
    const data = (event: LiveEvent) => `data: ${JSON.stringify(event)}\n\n`
    const update = {
      from: 1,
      hash: ada.hash,
      clientId: 'ada',
      sequence: 2,
      commands: [add('b', { text: 'two\nlines' })],
    }
    expect(stream.text).toBe(
      `retry: ${retry}\n\n` +
        data({ event: 'ready', heartbeatMs: 20_000 }) +
        data({ event: 'heads', heads: { [KEY]: { commandCount: 1, hash } } }) +
        `id: todos%3Agroceries@2@${ada.hash}\n` +
        data({
          event: 'updates',
          key: KEY,
          base: hash,
          commandCount: 2,
          hash: ada.hash,
          updates: [update],
        }),
    )
  })

  test('carries what hooks of the application want to go with each answer', async () => {
    const app = Fastify({ ...fastifyOptions })
    onTestFinished(() => app.close())
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('access-control-allow-origin', 'https://example.org')
    })
    const models = [{ pattern: 'todos:*', initial: {} }]
    await app.register(flushout, { store: memoryStore(), authorize: allowAnyone, models })
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    using stream = await EventStream.open(address, '/live', { body: { protocol: PROTOCOL } })
    expect(stream.response.headers).toMatchObject({
      'access-control-allow-origin': 'https://example.org',
      'content-type': 'text/event-stream; charset=utf-8',
    })
  })

  test('ends with what it lacks said, when the server shuts down', async () => {
    const server = await TestServer.start()
    const stream = await open(server, { models: { [KEY]: null } })
    await until(() => expect(stream.has('ready')).toBe(true))
    await server.app.close()
    await until(() => expect(stream.isOver).toBe(true))
    expect(stream.events.at(-1)).toMatchObject({ event: 'bye' })
  })

  test('frees everything when its reader hangs up', async () => {
    const server = await serve()
    const presence = { token: 'ada-token', sequence: 1, models: { [KEY]: {} } }
    const feeds = [{ models: 'todos:*' }]
    const stream = await open(server, { models: { [KEY]: null, [OTHER]: null }, feeds, presence })
    await until(() => expect(usageOf(server)).toMatchObject({ streams: 1, channels: 2, peers: 1 }))
    stream[Symbol.dispose]()
    await until(() => expect(usageOf(server)).toMatchObject({ streams: 0, channels: 0, peers: 0 }))
  })

  test('is let go also if its reader hung up before it began', async () => {
    let asked = 0
    let answer = () => {}
    const answered = new Promise<void>((resolve) => (answer = resolve))
    const server = await serve({
      user: async () => {
        asked += 1
        await answered
        return undefined
      },
    })
    // What is not there yet is news, by which a poll would be answered.
    await server.app.flushout.snapshot(KEY)
    for (const accept of ['text/event-stream', 'application/json']) {
      using connection = await RawConnection.open(server.address)
      const body = JSON.stringify({ protocol: PROTOCOL, models: { [KEY]: null } })
      connection.send(
        `POST /flushout/live HTTP/1.1\r\nhost: localhost\r\naccept: ${accept}\r\n` +
          `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      )
      const expected = accept === 'application/json' ? 2 : 1
      await until(() => expect(asked).toBe(expected))
    }
    await until(async () => expect(await countConnections(server)).toBe(0))
    answer()
    await server.get('/healthz')
    await until(() => expect(usageOf(server).streams).toBe(0))
  })
})

function countConnections({ app }: TestServer): Promise<number> {
  return new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}

describe('a stream for EventSource and curl', () => {
  test('begins now, or at a count and its hash, and goes on where the last event was', async () => {
    const server = await serve()
    const service = server.app.flushout
    const [ada, bob] = [new Writer(service, 'ada'), new Writer(service, 'bob', { key: OTHER })]
    await ada.add('a')
    await bob.add('x')
    const { hash } = ada
    await ada.add('b')
    const encoded = encodeURIComponent(KEY)
    const query = encodeURIComponent(`${encoded}@1@${hash},${encodeURIComponent(OTHER)}`)
    const stream = await get(server, `/live?models=${query}`)
    await until(() => expect(stream.has('updates')).toBe(true))
    await bob.add('y')
    await until(() => expect(stream.ids.at(-1)).toContain('todos%3Aother@2@'))
    const last = stream.ids.at(-1)!
    expect(last.split(',').toSorted()).toEqual(
      [`${encoded}@2@${ada.hash}`, `todos%3Aother@2@${bob.hash}`].toSorted(),
    )
    stream[Symbol.dispose]()
    await ada.add('c')
    await bob.add('z')
    // What EventSource does by itself: the same address, and the id.
    const again = await get(server, `/live?models=${query}`, { 'last-event-id': last })
    await until(() =>
      expect(again.events.filter(({ event }) => event === 'updates')).toHaveLength(2),
    )
    const heard = again.events.flatMap((event) =>
      event.event === 'updates' ? event.updates.map(({ from }) => `${event.key} ${from}`) : [],
    )
    expect(heard.toSorted()).toEqual([`${KEY} 2`, `${OTHER} 2`].toSorted())
  })

  test('finds models whose names have what the list itself is written with', async () => {
    const server = await serve()
    const keys = ['todos:a,b', 'todos:a@1@b', 'todos:50%', 'todos:a%3Ab', 'todos:ü &=+?#']
    for (const key of keys) await server.app.flushout.snapshot(key)
    const text = keys.map((key) => encodeURIComponent(key)).join(',')
    const stream = await get(server, `/live?${new URLSearchParams({ models: text }).toString()}`)
    const named = () =>
      stream.events.flatMap((event) => (event.event === 'heads' ? Object.keys(event.heads) : []))
    await until(() => expect(named().toSorted()).toEqual(keys.toSorted()))
    const id = stream.ids.at(-1)!
    stream[Symbol.dispose]()
    for (const key of keys) await new Writer(server.app.flushout, 'ada', { key }).add('a')
    const again = await get(server, '/live', { 'last-event-id': id })
    const moved = () =>
      again.events.flatMap((event) => (event.event === 'updates' ? [event.key] : []))
    await until(() => expect(moved().toSorted()).toEqual(keys.toSorted()))
  })

  test.each([
    ['', 'must name models'],
    ['?models=', 'must name models'],
    ['?models=a&models=b', 'must name models'],
    ['?models=todos%3Aa@x', 'is not key@count@hash'],
    ['?models=todos%3Aa@-1', 'is not key@count@hash'],
    ['?models=todos%3Aa@9007199254740992', 'is not key@count@hash'],
    ['?models=%25zz', 'is not key@count@hash'],
  ])('with /live%s is refused', async (query, message) => {
    const server = await serve()
    const { status, body } = await server.get(`/live${query}`)
    expect(status).toBe(400)
    expect(body).toMatchObject({ code: 'FLUSH_INVALID', retry: 'never' })
    expect(body['message']).toContain(message)
  })

  test.each(['HEAD', 'PUT', 'DELETE', 'OPTIONS'])('is not there for %s', async (method) => {
    const server = await serve()
    const answer = await server.send(method, '/live?models=todos%3Aa')
    expect(answer.status).toBe(404)
    expect(usageOf(server).streams).toBe(0)
  })
})

describe('a long poll', () => {
  const protocol = PROTOCOL

  test('is answered at once by who has news', async () => {
    const server = await serve()
    const { hash } = await server.app.flushout.snapshot(KEY)
    await new Writer(server.app.flushout, 'ada').add('a')
    const answer = await poll(server, { protocol, models: { [KEY]: { from: 0, hash } } })
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
    })
    expect(eventsOf(answer)).toMatchObject([
      { event: 'ready' },
      { event: 'updates', key: KEY, updates: [{ from: 0 }] },
    ])
    expect(usageOf(server)).toMatchObject({ streams: 0, channels: 0 })
  })

  test('waits for news, and gathers what comes together', async () => {
    const server = await serve()
    const service = server.app.flushout
    const models: Record<string, { from: number; hash: string }> = {}
    for (const key of [KEY, OTHER]) {
      const { commandCount: from, hash } = await service.snapshot(key)
      models[key] = { from, hash }
    }
    let isAnswered = false
    const answer = poll(server, { protocol, models }).finally(() => (isAnswered = true))
    await until(() => expect(usageOf(server).channels).toBe(2))
    expect(isAnswered).toBe(false)
    const writers = [new Writer(service, 'ada'), new Writer(service, 'bob', { key: OTHER })]
    await Promise.all(writers.map((writer) => writer.add('a')))
    // And not where they were before, which is past.
    const told = eventsOf(await answer).map(({ event }) => event)
    expect(told).toEqual(['ready', 'updates', 'updates'])
  })

  test('gathers for a moment after the first news, and then no longer', async () => {
    const clock = new Clock()
    const answers: (readonly LiveEvent[])[] = []
    const answer = (events: readonly LiveEvent[]) => void answers.push(events)
    const sink = createPollSink(clock.environment, undefined, answer, () => {})
    const gone = (key: string) => new Frame({ event: 'model', key, change: 'delete' })
    sink.write(new Frame({ event: 'ready', heartbeatMs: 1 }, false))
    await clock.pass(1000)
    sink.write(gone('a'))
    await clock.pass(15)
    expect(answers).toEqual([])
    sink.write(gone('b'))
    await clock.pass(10)
    sink.write(gone('c'))
    expect(answers).toMatchObject([[{ event: 'ready' }, { key: 'a' }, { key: 'b' }]])
    expect(clock.timers).toBe(0)
  })

  test('is answered with how far models are when nothing happens', async () => {
    const timers: (() => void)[] = []
    const environment = {
      now: () => Date.now(),
      random: () => 0.5,
      fillRandom: (bytes: Uint8Array) =>
        void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
      setTimer: (callback: () => void, delayMs: number) => {
        if (delayMs === 25_000) timers.push(callback)
        return () => {}
      },
      defer: (callback: () => void) => void setImmediate(callback),
    }
    const server = await serve({ environment })
    await server.app.flushout.snapshot(KEY)
    const answer = poll(server, { protocol, models: { [KEY]: null } })
    await until(() => expect(usageOf(server).channels).toBe(1))
    for (const ring of timers) ring()
    expect(eventsOf(await answer).map(({ event }) => event)).toEqual(['ready', 'heads'])
  })

  test('is refused as other requests are while nothing can be told', async () => {
    const server = await serve({
      authorize: () => {
        throw new Error('No permissions.')
      },
    })
    // An answer without events would be asked again at once.
    const answer = await poll(server, { protocol, models: { [KEY]: null } })
    expect(answer).toMatchObject({
      status: 503,
      body: { code: 'UNAVAILABLE', retry: 'same-flush' },
    })
    expect(answer.headers['retry-after']).toBe('1')
  })

  test('is answered when the server shuts down, and freed when its reader hangs up', async () => {
    const server = await TestServer.start()
    await server.app.flushout.snapshot(KEY)
    const body = JSON.stringify({ protocol, models: { [KEY]: null } })
    const connection = await RawConnection.open(server.address)
    connection.send(
      `POST /flushout/live HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await until(() => expect(usageOf(server).channels).toBe(1))
    connection.socket.destroy()
    await until(() => expect(usageOf(server)).toMatchObject({ streams: 0, channels: 0 }))
    const answer = poll(server, { protocol, models: { [KEY]: null } })
    await until(() => expect(usageOf(server).channels).toBe(1))
    await server.app.close()
    expect(eventsOf(await answer).at(-1)).toMatchObject({ event: 'bye' })
  })
})

describe('what is refused before anything is written', () => {
  const both = ['text/event-stream', 'application/json']

  test.each(both)('what is not understood, for %s', async (accept) => {
    const server = await serve()
    const bodies: [unknown, number, string][] = [
      [{}, 400, 'FLUSH_INVALID'],
      [[], 400, 'FLUSH_INVALID'],
      [null, 400, 'FLUSH_INVALID'],
      [{ protocol: 2 }, 426, 'PROTOCOL_UNSUPPORTED'],
      [{ protocol: 1, models: [] }, 400, 'FLUSH_INVALID'],
      [{ protocol: 1, models: { a: 1 } }, 400, 'FLUSH_INVALID'],
      [{ protocol: 1, models: { a: { from: -1, hash: '' } } }, 400, 'FLUSH_INVALID'],
      [{ protocol: 1, models: { a: { from: 0.5, hash: '' } } }, 400, 'FLUSH_INVALID'],
      [{ protocol: 1, models: { a: { from: 1 } } }, 400, 'FLUSH_INVALID'],
      [{ protocol: 1, feeds: [{}] }, 400, 'FLUSH_INVALID'],
      [
        { protocol: 1, feeds: Array.from({ length: 101 }, () => ({ models: 'a' })) },
        400,
        'FLUSH_INVALID',
      ],
      [
        { protocol: 1, presence: { token: 'short', sequence: 1, models: {} } },
        400,
        'FLUSH_INVALID',
      ],
      [{ protocol: 1, extra: 1 }, 400, 'FLUSH_INVALID'],
      [{ protocol: 1, models: { ['x'.repeat(300_000)]: null } }, 413, 'FLUSH_TOO_LARGE'],
    ]
    for (const [body, status, code] of bodies) {
      const answer = await poll(server, body as object, { accept })
      expect(answer, JSON.stringify(body)?.slice(0, 100)).toMatchObject({ status, body: { code } })
    }
    expect(usageOf(server).streams).toBe(0)
  })

  test.each(both)('who cannot be told, is too many, or comes too late, for %s', async (accept) => {
    const protocol = PROTOCOL
    let isBroken = true
    const server = await serve({
      limits: { streams: 1 },
      user: () => {
        if (isBroken) throw new Error('No sessions.')
        return { id: 'ada' }
      },
    })
    expect(await poll(server, { protocol }, { accept })).toMatchObject({
      status: 503,
      body: { code: 'UNAVAILABLE' },
    })
    isBroken = false
    const stream = await open(server, {})
    await until(() => expect(stream.has('ready')).toBe(true))
    const busy = await poll(server, { protocol }, { accept })
    expect(busy).toMatchObject({ status: 503, body: { code: 'BUSY', retry: 'same-flush' } })
    expect(Number(busy.headers['retry-after'])).toBeGreaterThan(0)
    server.app.flushout.drain()
    expect(await poll(server, { protocol }, { accept })).toMatchObject({
      status: 503,
      body: { code: 'UNAVAILABLE' },
    })
  })

  test('presence that is too large, or of a model that may not be read', async () => {
    const server = await serve({ authorize: (_user, _action, key) => key !== OTHER })
    const say = async (key: string, state: object) => {
      const body = JSON.stringify({ token: 'ada-token', sequence: 1, models: { [key]: state } })
      const response = await fetch(`${server.address}/flushout/presence`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      return [response.status, await response.text()] as const
    }
    expect(await say(KEY, { a: 1 })).toEqual([204, ''])
    expect(await say(KEY, { a: 'x'.repeat(1020) })).toMatchObject([413, expect.anything()])
    expect(await say(OTHER, { a: 1 })).toMatchObject([401, expect.stringContaining('UNAUTH')])
    expect(await say('unknown', { a: 1 })).toMatchObject([404, expect.anything()])
    expect(await say('todos:\u0000', { a: 1 })).toMatchObject([400, expect.anything()])
  })
})

describe('what connections take', () => {
  test('is not counted as traffic while they are idle', async () => {
    // Room for two requests at a time.
    const server = await serve({ limits: { trafficBytes: 9000 } })
    const models = { [KEY]: null }
    for (let n = 0; n < 20; n += 1) {
      const stream = await open(server, { models })
      await until(() => expect(stream.has('ready')).toBe(true))
    }
    const polls = Array.from({ length: 3 }, () => new AbortController())
    for (const { signal } of polls) {
      void fetch(`${server.address}/flushout/live`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ protocol: PROTOCOL, models }),
        signal,
      }).catch(() => {})
      const before = usageOf(server).streams
      await until(() => expect(usageOf(server).streams).toBe(before + 1))
    }
    expect((await server.get(`/models/${KEY}`)).status).toBe(200)
    for (const poll of polls) poll.abort()
  })

  test('is given back once: not again when the connection ends', () => {
    const listeners: (() => void)[] = []
    const response = {
      once: (_: string, listener: () => void) => listeners.push(listener),
    } as never
    const traffic = new Traffic(100)
    const another = { once: () => {} } as never
    expect(traffic.take(response, 60)).toBe(true)
    traffic.release(response)
    traffic.release(response)
    for (const close of listeners) close()
    expect(traffic.take(another, 60)).toBe(true)
    expect(traffic.take({ once: () => {} } as never, 60)).toBe(false)
  })

  test('is bounded for who does not read, who is then cut off', async () => {
    const sockets = new Set<{ writableLength: number }>()
    const skew = { ms: 0 }
    const environment = {
      now: () => Date.now() + skew.ms,
      random: () => 0.5,
      fillRandom: (bytes: Uint8Array) =>
        void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
      setTimer: (callback: () => void, delayMs: number) => {
        const timer = setTimeout(callback, delayMs === 1000 ? 20 : delayMs)
        return () => clearTimeout(timer)
      },
      defer: (callback: () => void) => void setImmediate(callback),
    }
    const server = await serve({ store: memoryStore(), environment })
    server.app.server.on('connection', (socket) => sockets.add(socket))
    await server.app.flushout.snapshot(KEY)
    const quick = await open(server, { models: { [KEY]: null } })
    using deaf = await RawConnection.open(server.address)
    const body = JSON.stringify({ protocol: PROTOCOL, models: { [KEY]: null } })
    deaf.socket.pause()
    deaf.send(
      `POST /flushout/live HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await until(() => expect(usageOf(server).streams).toBe(2))
    const ada = new Writer(server.app.flushout, 'ada')
    let most = 0
    // Far more than the buffers of two kernels hold.
    for (let n = 0; n < 400; n += 1) {
      const props = { text: `${n} ${'x'.repeat(60_000)}` }
      await ada.flush({ action: 'update', path: [], props })
      for (const { writableLength } of sockets) most = Math.max(most, writableLength)
    }
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(150 * 1024)
    await until(() => expect(quick.ids.at(-1)).toContain(`@400@`))
    skew.ms = 31_000
    await until(() => expect(usageOf(server).streams).toBe(1))
    // The socket too, and not only what is known of it.
    await until(async () => expect(await countConnections(server)).toBe(1))
  })
})
