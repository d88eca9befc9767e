// What peers do below HTTP: send slowly, do not read, hang on, talk nonsense. On
// real sockets, with times that are shorter than those of `fastifyOptions`.
import { PROTOCOL, type Command } from '@flushout/core'
import { fastifyOptions, memoryStore, type ModelStore } from '@flushout/server'
import Fastify from 'fastify'
import { describe, expect, test, vi } from 'vitest'
import { TestServer } from './support/http.ts'
import { getRequest, postRequest, RawConnection } from './support/raw-connection.ts'
import { add, KEY, wrapStore } from './support/world.ts'

const http = { headersTimeout: 100, connectionsCheckingInterval: 20 }

function flushBody(sequence: number, ...commands: Command[]): string {
  return JSON.stringify({
    protocol: PROTOCOL,
    clientId: 'eve',
    sequence,
    from: 0,
    hash: '',
    commands,
  })
}

/** A door that stays shut until it is opened. Defer that, so that a failed test ends. */
function createGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

describe('who sends slowly is cut off', () => {
  test('in the headers', async () => {
    await using server = await TestServer.start({}, { http })
    using slow = await RawConnection.open(server.address)
    slow.send('GET /flushout/healthz HTTP/1.1\r\nhost: lo')
    const answer = await slow.answer()
    expect(answer?.status).toBe(408)
    expect(JSON.parse(answer!.text)).toMatchObject({ code: 'UNAVAILABLE', retry: 'same-flush' })
    await slow.closed
  })

  test('in the body, which leaves the model as it was', async () => {
    await using server = await TestServer.start({}, { http, requestTimeout: 150 })
    using slow = await RawConnection.open(server.address)
    const request = postRequest(KEY, flushBody(1, add('a')))
    slow.send(request.subarray(0, -1))
    const answer = await slow.answer()
    expect(answer?.status).toBe(408)
    expect(JSON.parse(answer!.text)).toMatchObject({ code: 'UNAVAILABLE', retry: 'same-flush' })
    await slow.closed
    expect((await server.get(`/models/${KEY}`)).body['commandCount']).toBe(0)
  })

  test('before a first byte', async () => {
    await using server = await TestServer.start({}, { http })
    using mute = await RawConnection.open(server.address)
    await mute.closed
  })

  test('between two requests', async () => {
    await using server = await TestServer.start({}, { keepAliveTimeout: 50 })
    using idle = await RawConnection.open(server.address)
    expect((await idle.exchange(getRequest('/healthz')))?.status).toBe(200)
    await idle.closed
  })
})

describe('who does not read', () => {
  const models = [{ pattern: 'todos:*', initial: { text: 'x'.repeat(4_000_000) } }]
  const pull = getRequest(`/models/${KEY}?from=0&hash=`)

  test('is cut off', async () => {
    await using server = await TestServer.start({ models }, { connectionTimeout: 100 })
    using deaf = await RawConnection.open(server.address)
    deaf.socket.pause()
    // More than the buffers of two kernels hold.
    deaf.send(pull.repeat(10))
    await eventually(async () => expect(await countConnections(server)).toBe(1))
    await eventually(async () => expect(await countConnections(server)).toBe(0))
  })

  /** Let peers ask and not read until there is no room for an answer. */
  async function occupy(server: TestServer, deaf: DisposableStack): Promise<void> {
    await eventually(async () => {
      const connection = deaf.use(await RawConnection.open(server.address))
      connection.socket.pause()
      connection.send(pull.repeat(20))
      expect((await server.get(`/models/${KEY}`)).status).toBe(503)
    })
  }

  test('takes so many bytes and no more; others are told to come again until it is gone', async () => {
    await using server = await TestServer.start({ models, limits: { trafficBytes: 20_000_000 } })
    using deaf = new DisposableStack()
    await occupy(server, deaf)
    expect(await server.get(`/models/${KEY}`)).toMatchObject({
      status: 503,
      body: { code: 'BUSY', retry: 'same-flush', retryAfterMs: expect.any(Number) },
    })
    // The server is not ill.
    expect((await server.get('/readyz')).status).toBe(200)
    deaf.dispose()
    await eventually(async () => expect((await server.get(`/models/${KEY}`)).status).toBe(200))
  })

  test('and a flush whose answer found no room is applied once all the same', async () => {
    await using server = await TestServer.start({
      models: [{ pattern: 'todos:*', initial: { todos: {}, ...models[0]!.initial } }],
      limits: { trafficBytes: 20_000_000, documentBytes: 10_000_000 },
    })
    using deaf = new DisposableStack()
    await occupy(server, deaf)
    const flush = flushBody(1, add('a'))
    expect(await server.post(flush)).toMatchObject({ status: 503, body: { code: 'BUSY' } })
    deaf.dispose()
    await eventually(async () => {
      const { status, body } = await server.post(flush)
      expect([status, body['outcome'], body['commandCount']]).toEqual([200, 'repeated', 1])
    })
  })
})

test('requests under way take so many bytes and no more, and give them back however they end', async () => {
  await using server = await TestServer.start({ limits: { trafficBytes: 100_000 } })
  const body = flushBody(1, add('a', { text: 'x'.repeat(30_000) }))
  const request = postRequest(KEY, body)
  const chunked = postRequest(KEY, '', { 'transfer-encoding': 'chunked' })
    .toString()
    .replace('content-length: 0\r\n', '')
  // Neither is complete: the first claims a length, the second may have any.
  const halves = [request.subarray(0, -10), chunked]
  for (const half of halves) {
    using slow = new DisposableStack()
    for (let count = 0; count < 4; count += 1) {
      slow.use(await RawConnection.open(server.address)).send(half)
    }
    await eventually(async () => {
      expect(await server.post(body)).toMatchObject({ status: 503, body: { code: 'BUSY' } })
    })
    slow.dispose()
    await eventually(async () => expect((await server.post(body)).status).toBe(200))
  }
})

test('who hangs up does not take back the room for what still waits', async () => {
  const store = memoryStore()
  const gate = createGate()
  let asked = 0
  const load: ModelStore['load'] = async (key, clientIds) => {
    await gate.opened
    return store.load(key, clientIds)
  }
  await using server = await TestServer.start({
    store: wrapStore(store, { load }),
    authorize: () => ++asked > 0,
    limits: { trafficBytes: 100_000, answerMs: 2000 },
  })
  using cleanup = new DisposableStack()
  cleanup.defer(gate.open)
  const body = flushBody(1, add('a', { text: 'x'.repeat(30_000) }))
  for (const count of [1, 2]) {
    using rude = await RawConnection.open(server.address)
    rude.send(postRequest(`todos:${count}`, body))
    await eventually(() => expect(asked).toBe(count))
  }
  await eventually(async () => expect(await countConnections(server)).toBe(0))
  const refused = await server.post(body)
  expect([refused.status, refused.body['code']]).toEqual([503, 'BUSY'])
  gate.open()
  await eventually(async () => expect((await server.post(body)).status).toBe(200))
})

describe('work that does not end', { timeout: 10_000 }, () => {
  test('is answered with 503, and takes effect once whatever becomes of it', async () => {
    const store = memoryStore()
    const gate = createGate()
    const commit: ModelStore['commit'] = async (writes) => {
      await gate.opened
      return store.commit(writes)
    }
    await using server = await TestServer.start({
      store: wrapStore(store, { commit }),
      limits: { answerMs: 100 },
    })
    using cleanup = new DisposableStack()
    cleanup.defer(gate.open)
    const flush = flushBody(1, add('a'))
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { status, body } = await server.post(flush)
      expect([status, body['code'], body['retry']]).toEqual([503, 'UNAVAILABLE', 'same-flush'])
      expect(body['retryAfterMs']).toBeGreaterThan(0)
    }
    gate.open()
    expect((await server.post(flush)).body).toMatchObject({ outcome: 'repeated', commandCount: 1 })
  })

  test.each([
    ['user', { user: () => new Promise<undefined>(() => {}) }],
    ['authorize', { authorize: () => new Promise<boolean>(() => {}) }],
  ])('in %s is answered with 503, and nothing is applied', async (_, options) => {
    const store = memoryStore()
    await using server = await TestServer.start({ store, ...options, limits: { answerMs: 50 } })
    for (const answer of [await server.post(flushBody(1)), await server.get(`/models/${KEY}`)]) {
      expect([answer.status, answer.body['code']]).toEqual([503, 'UNAVAILABLE'])
    }
    expect(await store.load(KEY, [])).toBeUndefined()
  })

  test('in a store is told by readyz', async () => {
    const ping = () => new Promise<void>(() => {})
    const store = wrapStore(memoryStore(), { ping })
    await using server = await TestServer.start({ store, limits: { answerMs: 50 } })
    expect((await server.get('/readyz')).status).toBe(503)
    expect((await server.get('/healthz')).status).toBe(200)
  })
})

describe('requests one behind the other', () => {
  test('are answered in their order, each applied once', async () => {
    await using server = await TestServer.start()
    using eager = await RawConnection.open(server.address)
    const sequences = Array.from({ length: 50 }, (_, index) => index + 1)
    eager.send(...sequences.map((n) => postRequest(KEY, flushBody(n, add(`n${n}`)))))
    for (const sequence of sequences) {
      const answer = await eager.answer()
      expect(JSON.parse(answer!.text)).toMatchObject({ sequence, outcome: 'applied' })
    }
    expect((await server.get(`/models/${KEY}`)).body['commandCount']).toBe(50)
  })

  test('of which the second is nonsense: what is wrong with it is not the answer to the first', async () => {
    const gate = createGate()
    let asked = 0
    const authorize = async () => {
      asked += 1
      await gate.opened
      return true
    }
    await using server = await TestServer.start({ authorize })
    using cleanup = new DisposableStack()
    cleanup.defer(gate.open)
    using odd = await RawConnection.open(server.address)
    const flush = flushBody(1, add('a'))
    odd.send(postRequest(KEY, flush), 'nonsense\r\n\r\n')
    expect(await odd.answer()).toBeUndefined()
    await eventually(() => expect(asked).toBe(1))
    gate.open()
    // The connection is gone; the flush may be applied or not, but never twice.
    expect((await server.post(flush)).body).toMatchObject({ commandCount: 1 })
  })
})

test.each<[string, string, number]>([
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['an unknown method', 'EAT / HTTP/1.1\r\nhost: x\r\n\r\n', 400],
  ['another version of HTTP', 'GET / HTTP/9.9\r\nhost: x\r\n\r\n', 400],
  ['the beginning of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['a header without a colon', 'GET / HTTP/1.1\r\nhost x\r\n\r\n', 400],
  ['NUL in a header', 'GET / HTTP/1.1\r\nhost: x\r\na: \0\r\n\r\n', 400],
  ['headers that are too large', `GET / HTTP/1.1\r\nhost: x\r\na: ${'b'.repeat(20_000)}\r\n`, 431],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
    400,
  ],
  ['a length below zero', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n', 400],
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n',
    400,
  ],
  [
    'a chunk of no length',
    `POST /flushout/models/${KEY}/flush HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n`,
    400,
  ],
])('%s is answered in the form of all errors', async (_, request, status) => {
  await using server = await TestServer.start()
  using odd = await RawConnection.open(server.address)
  const answer = await odd.exchange(request)
  expect(answer?.status).toBe(status)
  expect(answer?.headers['content-type']).toContain('application/json')
  expect(JSON.parse(answer!.text)).toEqual({
    code: 'FLUSH_INVALID',
    message: 'The request is malformed.',
    retry: 'never',
  })
  await odd.closed
})

test('an instance made with `fastifyOptions` waits for nobody without end', async () => {
  await using app = Fastify({ ...fastifyOptions })
  const { server } = app
  expect(server.headersTimeout).toBe(10_000)
  expect(server.requestTimeout).toBe(30_000)
  expect(server.timeout).toBe(60_000)
  expect(server.keepAliveTimeout).toBe(72_000)
})

/** Wait until `check` passes, however busy the machine. */
function eventually(check: () => unknown): Promise<unknown> {
  return vi.waitFor(check, { timeout: 20_000, interval: 20 })
}

function countConnections(server: TestServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}
