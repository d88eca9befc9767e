import { PROTOCOL, type Command, type Flush } from '@flushout/core'
import { memoryStore, type FlushoutOptions } from '@flushout/server'
import { prometheus, type PrometheusOptions } from '@flushout/server/prometheus'
import { Counter, Registry } from 'prom-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { EventStream } from './support/event-stream.ts'
import { TestServer } from './support/http.ts'
import { add, KEY, wrapStore } from './support/world.ts'

const TOKEN = 'a token that nobody guesses'
const LIVE = { protocol: PROTOCOL, models: { [KEY]: null } }

async function serve(options: Partial<FlushoutOptions> = {}): Promise<TestServer> {
  const server = await TestServer.start({ metrics: prometheus({ token: TOKEN }), ...options })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

async function ask(server: TestServer, authorization?: string): Promise<Response> {
  const headers = authorization === undefined ? {} : { authorization }
  return fetch(`${server.address}/flushout/metrics`, { headers })
}

/** What a figure is, as Prometheus reads it; 0 where nothing was counted. */
async function figure(server: TestServer, name: string): Promise<number> {
  const text = await (await ask(server, `Bearer ${TOKEN}`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`flushout_${name} `))
  return line === undefined ? 0 : Number(line.split(' ').at(-1))
}

function flushOf(clientId: string, ...commands: Command[]): Flush {
  return { protocol: PROTOCOL, clientId, sequence: 1, from: 0, hash: '', commands }
}

describe('who reads the figures', () => {
  test('nobody, unless they are asked for', async () => {
    const server = await serve({ metrics: undefined })
    expect((await ask(server, `Bearer ${TOKEN}`)).status).toBe(404)
  })

  test('only who has the token', async () => {
    const server = await serve()
    for (const wrong of [undefined, '', TOKEN, `Bearer ${TOKEN} `.repeat(2), 'Bearer undefined']) {
      const answer = await ask(server, wrong)
      expect(answer.status, String(wrong)).toBe(401)
      expect(await answer.text()).not.toContain('flushout_')
    }
    const answer = await ask(server, `Bearer ${TOKEN}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toContain('text/plain')
    const text = await answer.text()
    expect(text).toContain('# TYPE flushout_flush_seconds histogram')
    // Of the process.
    expect(text).toContain('nodejs_eventloop_lag_seconds')
  })

  test.each<[string, unknown]>([
    ['no token and no registry', {}],
    ['a token of a variable that is not set', { token: undefined }],
    ['the same beside a registry', { token: undefined, registry: new Registry() }],
    ['an empty token', { token: '' }],
    ['a token that is guessed', { token: 'secret' }],
  ])('not with %s: that is told at the start', (_title, options) => {
    expect(() => prometheus(options as PrometheusOptions)).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID' }),
    )
  })

  test('the application, in a registry of its own, without a route', async () => {
    const registry = new Registry()
    const own = new Counter({ name: 'own_total', help: 'Its own.', registers: [registry] })
    const server = await serve({ metrics: prometheus({ registry }) })
    await server.post(flushOf('a', add('a')))
    own.inc()
    expect((await ask(server, `Bearer ${TOKEN}`)).status).toBe(404)
    const text = await registry.metrics()
    expect(text).toContain('own_total 1')
    expect(text).toContain('flushout_flushes_total{kind="todos:*",result="applied"} 1')
  })
})

describe('counts', () => {
  test('flushes by what became of them, and how long they took', async () => {
    const server = await serve()
    const flush = flushOf('a', add('a'))
    await server.post(flush)
    expect(await figure(server, 'commits_total{result="stored"}')).toBe(1)
    expect(await figure(server, 'commit_flushes_sum')).toBe(1)
    expect(await figure(server, 'statements_total{result="ok"}')).toBe(1)
    await server.post(flush)
    await server.post({ ...flush, commands: [add('b')] })
    const counted = async (result: string) =>
      figure(server, `flushes_total{kind="todos:*",result="${result}"}`)
    expect(await counted('applied')).toBe(1)
    expect(await counted('repeated')).toBe(1)
    expect(await counted('SEQUENCE_REUSED')).toBe(1)
    expect(await figure(server, 'flush_seconds_count{kind="todos:*"}')).toBe(3)
    expect(await figure(server, 'refusals_total{code="SEQUENCE_REUSED"}')).toBe(1)
  })

  test('reads, and those of models that nobody has', async () => {
    const server = await serve()
    await server.get(`/models/${KEY}`)
    await server.get(`/models/${KEY}?from=0&hash=`)
    await server.get('/models/other:a')
    expect(await figure(server, 'reads_total{kind="todos:*",result="ok"}')).toBe(2)
    expect(await figure(server, 'reads_total{kind="",result="MODEL_NOT_FOUND"}')).toBe(1)
    expect(await figure(server, 'read_seconds_count{kind="todos:*"}')).toBe(2)
  })

  test('commands by their verdict, once', async () => {
    const server = await serve({
      models: [
        {
          pattern: 'todos:*',
          initial: { todos: {} },
          interceptors: [
            (_document, command) => {
              if (command.action !== 'create') return
              if (command.id === 'no') return { reject: { code: 'NO', message: 'No.' } }
              if (command.id === 'other') return { props: { text: 'another' } }
            },
          ],
        },
      ],
    })
    const flush = flushOf('a', add('a'), add('b'), add('no'), add('other'))
    await server.post(flush)
    await server.post(flush)
    const counted = async (verdict: string) =>
      figure(server, `verdicts_total{kind="todos:*",verdict="${verdict}"}`)
    expect(await counted('applied')).toBe(2)
    expect(await counted('rejected')).toBe(1)
    expect(await counted('amended')).toBe(1)
    expect(await counted('dropped')).toBe(0)
  })

  test('conflicts with other servers, each done again', async () => {
    const store = memoryStore()
    const server = await serve({ store })
    const other = await serve({ store: wrapStore(store, { close: async () => {} }) })
    await server.post(flushOf('a', add('a')))
    await other.post(flushOf('b', add('b')))
    // Known here, so that only the commit finds out that others wrote.
    await server.post({ ...flushOf('a', add('c')), sequence: 2 })
    expect(await figure(server, 'commits_total{result="conflict"}')).toBe(1)
    expect(await figure(server, 'commits_total{result="stored"}')).toBe(2)
    expect(await figure(server, 'flushes_total{kind="todos:*",result="applied"}')).toBe(2)
  })

  test('a store that fails', async () => {
    const store = memoryStore()
    const commit = async () => {
      throw new Error('The disk is full.')
    }
    const server = await serve({ store: wrapStore(store, { commit }) })
    await server.post(flushOf('a', add('a')))
    expect(await figure(server, 'commits_total{result="failed"}')).toBeGreaterThan(0)
    expect(await figure(server, 'statements_total{result="failed"}')).toBeGreaterThan(0)
    expect(await figure(server, 'flushes_total{kind="todos:*",result="UNAVAILABLE"}')).toBe(1)
  })

  test('live connections, what they follow, what is in memory, and how old the news are', async () => {
    const server = await serve()
    expect(await figure(server, 'streams')).toBe(0)
    using stream = await EventStream.open(server.address, '/live', { body: LIVE })
    await expect.poll(() => stream.has('ready')).toBe(true)
    await server.post(flushOf('a', add('a')))
    await expect.poll(() => stream.has('updates')).toBe(true)
    expect(await figure(server, 'streams')).toBe(1)
    expect(await figure(server, 'followed_models')).toBe(1)
    expect(await figure(server, 'hot_models')).toBe(1)
    expect(await figure(server, 'hot_model_bytes')).toBe(server.app.flushout.usage.bytes)
    expect(await figure(server, 'live_lag_seconds_count')).toBe(1)
  })

  test('who runs into limits, each time', async () => {
    const server = await serve({
      rates: { address: { requests: 2 } },
      limits: { flushBytes: 1_000 },
    })
    await server.post(flushOf('a', add('a', { text: 'x'.repeat(2_000) })))
    await server.get(`/models/${KEY}`)
    await server.get(`/models/${KEY}`)
    await server.get(`/models/${KEY}`)
    expect(await figure(server, 'limits_total{limit="request-size"}')).toBe(1)
    expect(await figure(server, 'limits_total{limit="address-requests"}')).toBe(2)
    expect(await figure(server, 'refusals_total{code="RATE_LIMITED"}')).toBe(2)
  })
})
