import { createClient, httpTransport, type FlushoutError } from '@flushout/client'
import { createTestServer } from '@flushout/client/testing'
import type { LiveEvent, LiveRequest } from '@flushout/core'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { listen, serve } from './support/http-server.ts'

const REQUEST: LiveRequest = { protocol: 1, models: { todos: { from: 0, hash: 'h' } } }
const READY = 'data: {"event":"ready","heartbeatMs":20000}\n\n'
const SSE = { 'content-type': 'text/event-stream; charset=utf-8' }

/** A transport to a server, or something before it, that answers so. */
async function reach(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
  headers?: () => Record<string, string>,
) {
  const { url, close } = await listen((request, response) => answer(response, request))
  onTestFinished(close)
  return httpTransport({ url, ...(headers && { headers }) }).live!
}

/** What is heard on a stream until it ends, and how that is. */
async function hearAll(answer: Parameters<typeof reach>[0]) {
  const { stream } = await reach(answer)
  const events: LiveEvent[] = []
  const { signal } = new AbortController()
  const ended = stream(REQUEST, (event) => events.push(event), signal)
  const error = await ended.catch((thrown: unknown) => thrown as FlushoutError)
  return { events, error: error as FlushoutError | undefined }
}

describe('a stream', () => {
  test('that the server ends with a word is over', async () => {
    const { events, error } = await hearAll((response) => {
      response.writeHead(200, SSE).write(`retry: 2000\n\n${READY}`)
      response.end('data: {"event":"bye","retryAfterMs":9}\n\n')
    })
    expect(events.map(({ event }) => event)).toEqual(['ready', 'bye'])
    expect(error).toBe(undefined)
  })

  test.each([
    ['ends without one', (response: ServerResponse) => response.end()],
    ['breaks', (response: ServerResponse) => response.destroy()],
  ])('that %s was cut, and is asked for within the time the server said', async (_title, end) => {
    const { events, error } = await hearAll((response) => {
      response.writeHead(200, SSE).write(`retry: 2000\n\n${READY}data: {"event":`, () => {
        end(response)
      })
    })
    expect(events).toHaveLength(1)
    expect(error).toMatchObject({ code: 'NETWORK', retryAfterMs: 2_000 })
  })

  test.each([
    ['a page', { 'content-type': 'text/html' }],
    ['JSON', { 'content-type': 'application/json' }],
    ['nothing known', {}],
  ])('that is %s is none', async (_title, headers) => {
    const { error } = await hearAll((response) => response.writeHead(200, headers).end(READY))
    expect(error?.code).toBe('LIVE_BLOCKED')
  })

  test('is none where fetch cannot give an answer piece by piece', async () => {
    const { stream } = httpTransport({
      url: '',
      fetch: async () => new Response(null, { headers: SSE }),
    }).live!
    const ended = stream(REQUEST, () => {}, new AbortController().signal)
    await expect(ended).rejects.toMatchObject({ code: 'LIVE_BLOCKED' })
  })

  test('goes on after what is no event', async () => {
    const { events } = await hearAll((response) => {
      response.writeHead(200, SSE).end(`data: OK\n\ndata: null\n\ndata: 7\n\n${READY}`)
    })
    expect(events).toEqual([{ event: 'ready', heartbeatMs: 20_000 }])
  })

  test('with an event without end is closed', async () => {
    let isClosed = false
    const { error } = await hearAll((response) => {
      response.on('close', () => (isClosed = true))
      response.writeHead(200, SSE)
      const line = `data: ${'x'.repeat(100_000)}`
      const write = () => {
        while (!response.destroyed && response.write(line));
        response.once('drain', write)
      }
      write()
    })
    expect(error?.code).toBe('ANSWER_INVALID')
    await vi.waitFor(() => expect(isClosed).toBe(true))
  })

  test('is closed on the other side when it is aborted', async () => {
    let isClosed = false
    const { stream } = await reach((response) => {
      response.on('close', () => (isClosed = true))
      response.writeHead(200, SSE).write(READY)
    })
    const abort = new AbortController()
    const ended = stream(REQUEST, () => abort.abort(), abort.signal)
    await expect(ended).rejects.toMatchObject({ code: 'NETWORK' })
    await vi.waitFor(() => expect(isClosed).toBe(true))
  })

  test('that a proxy refuses may be tried again', async () => {
    const { error } = await hearAll((response) => response.writeHead(502).end('<h1>Bad gateway'))
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retry: 'same-flush' })
  })
})

test('each request has headers asked anew, and says what it wants', async () => {
  const seen: unknown[] = []
  let token = 0
  const live = await reach(
    async (response, request) => {
      const { method, url, headers } = request
      const body = JSON.parse(await text(request)) as object
      seen.push([method, url, headers.accept, headers.authorization, Object.keys(body)])
      if (url === '/presence') response.writeHead(204).end()
      else if (headers.accept === 'application/json') response.end('{"events":[]}')
      else response.writeHead(200, SSE).end()
    },
    () => ({ authorization: `${(token += 1)}` }),
  )
  const { signal } = new AbortController()
  await live.stream(REQUEST, () => {}, signal).catch(() => {})
  expect(await live.poll(REQUEST, signal)).toEqual([])
  await live.announce({ token: 't', sequence: 1, models: {} }, signal)
  expect(seen).toEqual([
    ['POST', '/live', 'text/event-stream', '1', ['protocol', 'models']],
    ['POST', '/live', 'application/json', '2', ['protocol', 'models']],
    ['POST', '/presence', 'application/json', '3', ['token', 'sequence', 'models']],
  ])
})

test.each(['', '<html>', '{}', '{"events":{}}', 'null'])(
  'a poll that is answered with %j has failed',
  async (body) => {
    const { poll } = await reach((response) => response.end(body))
    const answered = poll(REQUEST, new AbortController().signal)
    await expect(answered).rejects.toMatchObject({ code: 'ANSWER_INVALID', retry: 'same-flush' })
  },
)

describe('two clients over a socket', () => {
  async function meet(handler?: (request: IncomingMessage, response: ServerResponse) => boolean) {
    const backend = createTestServer({ todos: { items: {} } })
    const serveAll = serve(backend, () => {})
    const server = await listen((request, response) => {
      if (!handler?.(request, response)) return serveAll(request, response)
    })
    onTestFinished(server.close)
    const clients = [1, 2].map(() => createClient({ url: `${server.url}/flushout` }))
    for (const client of clients) onTestFinished(() => client.close())
    const [ada, bob] = clients.map((client) => client.model('todos'))
    ada!.watch()
    await Promise.all([ada!.ready, bob!.ready])
    return { ada: ada!, bob: bob!, backend }
  }

  test('see each other’s edits without asking', async () => {
    const asked: (string | undefined)[] = []
    const { ada, bob } = await meet(({ url }) => {
      asked.push(url)
      return false
    })
    await vi.waitFor(() => expect(ada.status.state).toBe('live'))
    asked.length = 0
    const seen = new Promise<void>((resolve) => {
      ada.subscribe(resolve)
    })
    bob.create(['items'], { text: 'Milk' })
    await seen
    expect(Object.values(ada.read(['items']) as object)).toEqual([{ text: 'Milk' }])
    expect(asked).toEqual(['/flushout/models/todos/flush'])
  })

  test('do so through something that makes one page of every stream', async () => {
    const { ada, bob } = await meet(({ headers }, response) => {
      if (headers.accept !== 'text/event-stream') return false
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>All of it')
      return true
    })
    await vi.waitFor(() => expect(ada.status.state).toBe('polling'))
    bob.create(['items'], { text: 'Milk' })
    await vi.waitFor(() => expect(ada.status.confirmed).toBe(1))
  })
})
