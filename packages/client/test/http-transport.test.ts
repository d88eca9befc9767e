import { httpTransport, type FlushoutError } from '@flushout/client'
import type { Flush } from '@flushout/core'
import type { IncomingMessage } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { listen } from './support/http-server.ts'

const FLUSH: Flush = {
  protocol: 1,
  clientId: 'ada',
  sequence: 1,
  from: 0,
  hash: 'h',
  commands: [{ action: 'update', path: [], props: { a: 1 } }],
}

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string
  /** Close the connection after so many characters of the body. */
  readonly cutAt?: number
}

/** A transport to a server, or something before it, that always answers so. */
async function answering({ status = 200, headers = {}, body = '', cutAt }: Answer) {
  const { url, close } = await listen((_request, response) => {
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
    if (cutAt === undefined) response.end(body)
    else response.write(body.slice(0, cutAt), () => response.destroy())
  })
  onTestFinished(close)
  return httpTransport({ url })
}

async function refusalOf(answer: Answer): Promise<FlushoutError> {
  const transport = await answering(answer)
  const { signal } = new AbortController()
  const error = await transport.flush('todos', FLUSH, signal).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'FlushoutError' })
  return error as FlushoutError
}

describe('an answer that is not from the plugin', () => {
  test.each<[string, Answer, string]>([
    [
      'a page with 200',
      { headers: { 'content-type': 'text/html' }, body: '<html>Log in' },
      'ANSWER_INVALID',
    ],
    ['an empty body', {}, 'ANSWER_INVALID'],
    ['truncated JSON', { body: '{"sequence":1,"outco' }, 'ANSWER_INVALID'],
    ['a connection that breaks', { body: '{"sequence":1,"outcome":', cutAt: 10 }, 'NETWORK'],
    ['401 of a reverse proxy', { status: 401, body: '<h1>Who are you?' }, 'UNAUTHENTICATED'],
    ['404 without a code', { status: 404, body: '{"message":"Route not found"}' }, 'UNAVAILABLE'],
    ['403 of a firewall', { status: 403, body: 'Blocked' }, 'UNAVAILABLE'],
    ['413 of a reverse proxy', { status: 413, body: '<h1>Too large' }, 'UNAVAILABLE'],
    ['502 with an empty body', { status: 502 }, 'UNAVAILABLE'],
    ['a code of somebody else', { status: 404, body: '{"code":"NOT_FOUND"}' }, 'UNAVAILABLE'],
    [
      'a code nobody knows',
      { status: 400, body: '{"code":"toString","retry":"never"}' },
      'UNAVAILABLE',
    ],
    ['JSON that is no object', { status: 500, body: 'null' }, 'UNAVAILABLE'],
  ])('%s costs no edit', async (_title, answer, code) => {
    const error = await refusalOf(answer)
    expect(error.code).toBe(code)
    expect(['same-flush', 'after-auth']).toContain(error.retry)
  })

  test('says what came instead of JSON', async () => {
    const { message } = await refusalOf({
      headers: { 'content-type': 'text/html' },
      body: '<html>Log in',
    })
    expect(message).toBe('JSON was expected; 200 came with text/html, 12 characters.')
  })
})

describe('a refusal', () => {
  test('has code, message and pause of the body', async () => {
    const body = { code: 'BUSY', message: 'Too many.', retry: 'same-flush', retryAfterMs: 250 }
    const error = await refusalOf({ status: 503, body: JSON.stringify(body) })
    expect(error).toMatchObject({ code: 'BUSY', message: 'Too many.', retryAfterMs: 250 })
  })

  test.each([
    ['2', 2_000],
    ['0', 0],
    ['-1', undefined],
    ['Wed, 21 Oct 2015 07:28:00 GMT', undefined],
  ])('with Retry-After: %s asks for a pause of %s ms', async (value, retryAfterMs) => {
    const error = await refusalOf({ status: 503, headers: { 'retry-after': value } })
    expect(error.retryAfterMs).toBe(retryAfterMs)
  })

  test.each(['never', 'after-resync', 'same-flush'])(
    'with a code of a later version means what the server says: %s',
    async (retry) => {
      const body = JSON.stringify({ code: 'QUOTA_SPENT', message: 'Enough.', retry })
      const error = await refusalOf({ status: 400, body })
      expect(error).toMatchObject({ code: 'QUOTA_SPENT', message: 'Enough.', retry })
    },
  )

  test('whose body asks for another pause than its header is taken by the body', async () => {
    const body = JSON.stringify({
      code: 'BUSY',
      message: '',
      retry: 'same-flush',
      retryAfterMs: 70,
    })
    const error = await refusalOf({ status: 503, headers: { 'retry-after': '9' }, body })
    expect(error.retryAfterMs).toBe(70)
  })
})

test('where nobody listens, the failure is NETWORK, with its cause', async () => {
  const { url, close } = await listen(() => {})
  await close()
  const { signal } = new AbortController()
  const error = await httpTransport({ url })
    .load('todos', signal)
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'NETWORK', cause: { name: 'TypeError' } })
})

describe('a request', () => {
  async function recorder() {
    const requests: IncomingMessage[] = []
    const { url, close } = await listen((request, response) => {
      requests.push(request)
      response.end('{}')
    })
    onTestFinished(close)
    return { url, requests }
  }

  test('asks for the headers anew, and waits for them', async () => {
    const { url, requests } = await recorder()
    let token = 0
    const headers = async () => ({ authorization: `Bearer ${(token += 1)}` })
    const transport = httpTransport({ url, headers })
    const { signal } = new AbortController()
    await transport.load('todos', signal)
    await transport.flush('todos', FLUSH, signal)
    expect(requests.map((request) => request.headers.authorization)).toEqual([
      'Bearer 1',
      'Bearer 2',
    ])
  })

  test('that cannot have its headers fails as the network does', async () => {
    const { url, requests } = await recorder()
    const headers = () => Promise.reject(new Error('The token could not be refreshed.'))
    const transport = httpTransport({ url, headers })
    const error = await transport
      .load('todos', new AbortController().signal)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'NETWORK',
      cause: { message: 'The token could not be refreshed.' },
    })
    expect(requests).toEqual([])
  })

  test('loads by GET and flushes by POST of JSON', async () => {
    const { url, requests } = await recorder()
    const transport = httpTransport({ url })
    const { signal } = new AbortController()
    await transport.load('todos', signal)
    await transport.flush('todos', FLUSH, signal)
    expect(requests.map(({ method, headers }) => [method, headers['content-type']])).toEqual([
      ['GET', undefined],
      ['POST', 'application/json'],
    ])
  })

  test.each([
    ['/flushout', '/flushout/models/a%2Fb'],
    ['/flushout/', '/flushout/models/a%2Fb'],
    ['', '/models/a%2Fb'],
    ['https://example.com/api', 'https://example.com/api/models/a%2Fb'],
    ['https://example.com', 'https://example.com/models/a%2Fb'],
  ])('to a server at "%s" goes to %s', async (url, address) => {
    const asked: unknown[] = []
    const record: typeof fetch = async (input) => {
      asked.push(input)
      return new Response('{}')
    }
    await httpTransport({ url, fetch: record }).load('a/b', new AbortController().signal)
    expect(asked).toEqual([address])
  })
})
