import { mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROTOCOL, type Flush } from '@flushout/core'
import {
  allowAnyone,
  fastifyOptions,
  flushout,
  memoryStore,
  type FlushoutOptions,
  type Log,
} from '@flushout/server'
import rateLimit from '@fastify/rate-limit'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { EventStream } from './support/event-stream.ts'
import { TestServer } from './support/http.ts'
import { add, KEY } from './support/world.ts'

const LIVE = { protocol: PROTOCOL, models: { [KEY]: null } }
const BUSY_MINUTE = { status: 429, body: { code: 'RATE_LIMITED', retry: 'same-flush' } }

afterEach(() => void vi.useRealTimers())

interface Line {
  readonly limit: string
  readonly userId: string | null
  readonly address: string
}

/** A server that believes the header `user`, behind a proxy, and what its log has of limits. */
async function serve(
  options: Partial<FlushoutOptions>,
  prepare?: (app: FastifyInstance) => void,
): Promise<{ server: TestServer; lines: Line[] }> {
  const lines: Line[] = []
  const log: Log = {
    error: () => {},
    info: (details, message) => {
      if (message === 'a limit was reached') lines.push(details as Line)
    },
    debug: () => {},
  }
  const server = await TestServer.start(
    {
      user: ({ headers }) =>
        headers.user === undefined ? undefined : { id: String(headers.user) },
      log,
      ...options,
    },
    { trustProxy: true },
    prepare,
  )
  onTestFinished(() => server[Symbol.asyncDispose]())
  return { server, lines }
}

const from = (address: string, user?: string): Record<string, string> => ({
  'x-forwarded-for': address,
  ...(user !== undefined && { user }),
})

describe('rates', () => {
  test('a user who comes too often is told when to come again, from wherever they come', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { server } = await serve({ rates: { user: { requests: 3, windowMs: 10_000 } } })
    const look = (address: string, user?: string) =>
      server.get(`/models/${KEY}`, from(address, user))
    for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) {
      expect((await look(address, 'ada')).status).toBe(200)
    }
    vi.advanceTimersByTime(2_000)
    const refused = await look('10.0.0.4', 'ada')
    expect(refused).toMatchObject(BUSY_MINUTE)
    expect(refused.body['retryAfterMs']).toBe(8_000)
    expect(refused.headers['retry-after']).toBe('8')
    // Nobody else has to wait for her, and neither has who is not logged in.
    expect((await look('10.0.0.4', 'bob')).status).toBe(200)
    expect((await look('10.0.0.4')).status).toBe(200)
    vi.advanceTimersByTime(8_000)
    expect((await look('10.0.0.4', 'ada')).status).toBe(200)
  })

  test('an address is counted before anybody is asked who it is, and a network of IPv6 as one', async () => {
    const asked: string[] = []
    const { server } = await serve({
      rates: { address: { requests: 2 } },
      user: ({ ip }) => void asked.push(ip),
    })
    const look = async (address: string) => server.get(`/models/${KEY}`, from(address))
    await look('2001:db8::1')
    await look('2001:db8::2')
    for (const address of ['2001:db8::3', '2001:db8::4', '2001:db8::3']) {
      expect(await look(address)).toMatchObject(BUSY_MINUTE)
    }
    // Two that were served, and each address once for the log.
    expect(asked).toEqual(['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8::4'])
    expect((await look('2001:db8:0:1::1')).status).toBe(200)
  })

  test('a flush that was refused has done nothing, and is applied when it comes again', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { server } = await serve({ rates: { user: { requests: 1 } } })
    const flush: Flush = {
      protocol: PROTOCOL,
      clientId: 'page',
      sequence: 1,
      from: 0,
      hash: '',
      commands: [add('a')],
    }
    const headers = from('10.0.0.1', 'ada')
    await server.get(`/models/${KEY}`, headers)
    expect(await server.post(flush, { headers })).toMatchObject(BUSY_MINUTE)
    expect((await server.app.flushout.snapshot(KEY)).commandCount).toBe(0)
    vi.advanceTimersByTime(60_000)
    expect(await server.post(flush, { headers })).toMatchObject({ body: { outcome: 'applied' } })
  })

  test('streams that are opened are counted by themselves; those that are open go on', async () => {
    const { server } = await serve({ rates: { user: { streams: 2 }, address: { streams: 3 } } })
    const open = (address: string, user: string) =>
      EventStream.open(server.address, '/live', { body: LIVE, headers: from(address, user) })
    using first = await open('10.0.0.1', 'ada')
    using second = await open('10.0.0.1', 'ada')
    using third = await open('10.0.0.1', 'ada')
    expect(third.response.statusCode).toBe(429)
    expect(Number(third.response.headers['retry-after'])).toBeGreaterThan(0)
    // The fourth from there, whoever it is.
    using fourth = await open('10.0.0.1', 'bob')
    expect(fourth.response.statusCode).toBe(429)
    using elsewhere = await open('10.0.0.2', 'bob')
    expect(elsewhere.response.statusCode).toBe(200)
    expect([first.response.statusCode, second.isOver]).toEqual([200, false])
    const answer = await server.get(`/models/${KEY}`, from('10.0.0.1', 'ada'))
    expect(answer.status).toBe(200)
  })

  test('who it is is asked once for a request, and again while a stream goes on', async () => {
    let asked = 0
    const user = ({ headers }: { headers: Record<string, unknown> }) => {
      asked += 1
      return { id: String(headers['user']) }
    }
    const { server } = await serve({ rates: { user: { requests: 9 } }, user })
    await server.get(`/models/${KEY}`, from('10.0.0.1', 'ada'))
    expect(asked).toBe(1)
    using stream = await EventStream.open(server.address, '/live', {
      body: LIVE,
      headers: from('10.0.0.1', 'ada'),
    })
    await expect.poll(() => stream.has('heads')).toBe(true)
    expect(asked).toBe(2)
    server.app.flushout.permissionsChanged()
    await expect.poll(() => asked).toBe(3)
  })

  test('whether the server is up can be asked as often as one likes', async () => {
    const { server } = await serve({ rates: { address: { requests: 1 } } })
    for (const path of ['/healthz', '/readyz', '/healthz']) {
      expect((await server.get(path, from('10.0.0.1'))).status).toBe(200)
    }
  })

  test('a limit of the application itself is told as such, so that no edit is given up', async () => {
    const { server } = await serve(
      { rates: { user: { requests: 100 } } },
      (app) => void app.register(rateLimit, { max: 1, timeWindow: 5_000 }),
    )
    await server.get(`/models/${KEY}`, from('10.0.0.1', 'ada'))
    const refused = await server.get(`/models/${KEY}`, from('10.0.0.1', 'ada'))
    expect(refused).toMatchObject(BUSY_MINUTE)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('who comes over a socket of the machine has no address, and is counted all the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flushout-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const app = Fastify(fastifyOptions)
    onTestFinished(() => app.close())
    await app.register(flushout, {
      store: memoryStore(),
      authorize: allowAnyone,
      models: [{ pattern: 'todos:*', initial: { todos: {} } }],
      rates: { address: { requests: 1 } },
    })
    const socketPath = join(folder, 'socket')
    await app.listen({ path: socketPath })
    const look = () =>
      new Promise<number | undefined>((resolve, reject) => {
        get({ socketPath, path: `/flushout/models/${KEY}`, agent: false }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode))
        }).on('error', reject)
      })
    expect([await look(), await look()]).toEqual([200, 429])
  })

  test.each<[object, string]>([
    [{ users: {} }, 'users'],
    [{ user: { request: 1 } }, 'user.request'],
    [{ address: { streams: 0 } }, 'address.streams'],
    [{ user: { windowMs: 1.5 } }, 'user.windowMs'],
  ])('%j are none', async (rates, word) => {
    await expect(TestServer.start({ rates })).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: expect.stringContaining(word),
    })
  })
})

describe('the log names who runs into a limit', () => {
  const flushOf = (clientId: string, commands: Flush['commands']): Flush => {
    return { protocol: PROTOCOL, clientId, sequence: 1, from: 0, hash: '', commands }
  }

  test('of rates, once a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const rates = { user: { requests: 1 }, address: { requests: 4 } }
    const { server, lines } = await serve({ rates })
    const look = () => server.get(`/models/${KEY}`, from('10.0.0.1', 'ada'))
    for (let index = 0; index < 7; index += 1) await look()
    const address = '10.0.0.1'
    expect(lines).toMatchObject([
      { limit: 'user-requests', userId: 'ada', address },
      { limit: 'address-requests', userId: 'ada', address },
    ])
    vi.advanceTimersByTime(60_000)
    for (let index = 0; index < 3; index += 1) await look()
    expect(lines.map(({ limit }) => limit).slice(2)).toEqual(['user-requests'])
  })

  test('of what is sent: bytes, commands, levels, and the size of the document', async () => {
    const limits = { flushBytes: 2_000, flushCommands: 2, documentBytes: 500 }
    const { server, lines } = await serve({ limits })
    const send = (user: string, body: unknown) =>
      server.post(body, { headers: from('10.0.0.1', user) })
    await send('long', flushOf('a', [add('a', { text: 'x'.repeat(3_000) })]))
    await send('many', flushOf('b', [add('b'), add('c'), add('d')]))
    await send('deep', `{"commands":${'['.repeat(90)}${']'.repeat(90)}}`)
    await send('big', flushOf('c', [add('e', { text: 'x'.repeat(600) })]))
    expect(lines).toMatchObject([
      { limit: 'request-size', userId: 'long' },
      { limit: 'request-size', userId: 'many' },
      { limit: 'depth', userId: 'deep' },
      { limit: 'document-size', userId: 'big' },
    ])
  })

  test('nobody is named who is within them', async () => {
    const { server, lines } = await serve({ rates: { user: { requests: 9 } } })
    await server.post(flushOf('a', [add('a')]), { headers: from('10.0.0.1', 'ada') })
    await server.get('/models/nowhere', from('10.0.0.1', 'ada'))
    expect(lines).toEqual([])
  })
})
