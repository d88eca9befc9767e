import { PROTOCOL, type Flush } from '@flushout/core'
import { memoryStore } from '@flushout/server'
import { describe, expect, test } from 'vitest'
import { TestServer } from './support/http.ts'
import { add, KEY, wrapStore } from './support/world.ts'

const flush: Flush = {
  protocol: PROTOCOL,
  clientId: 'ada',
  sequence: 1,
  from: 0,
  hash: '',
  commands: [add('a')],
}

describe('a snapshot', () => {
  test('comes with its hash as etag, and not again while nothing changed', async () => {
    await using server = await TestServer.start()
    const first = await server.get(`/models/${KEY}`)
    expect(first).toMatchObject({ status: 200, body: { commandCount: 0, document: { todos: {} } } })
    expect(first.headers['etag']).toBe(`"${String(first.body['hash'])}"`)
    const ifNoneMatch = { 'if-none-match': String(first.headers['etag']) }
    expect(await server.get(`/models/${KEY}`, ifNoneMatch)).toMatchObject({ status: 304, text: '' })
    await server.flush(flush)
    expect(await server.get(`/models/${KEY}`, ifNoneMatch)).toMatchObject({
      status: 200,
      body: { commandCount: 1, document: { todos: { a: { text: 'a' } } } },
    })
  })

  test('is found under a key of any characters', async () => {
    await using server = await TestServer.start()
    const key = 'todos:ü/ %2F?#"\'<>'
    await server.post(flush, { key })
    const { body } = await server.get(`/models/${encodeURIComponent(key)}`)
    expect(body).toMatchObject({ commandCount: 1 })
  })
})

describe('a pull', () => {
  test('brings what the client lacks', async () => {
    await using server = await TestServer.start({
      models: [{ pattern: 'todos:*', initial: { todos: {}, text: 'x'.repeat(1000) } }],
    })
    const { hash } = (await server.get(`/models/${KEY}`)).body
    const from = (count: number) => server.get(`/models/${KEY}?from=${count}&hash=${String(hash)}`)
    expect((await from(0)).body).toMatchObject({ commandCount: 0, sync: { kind: 'none' } })
    await server.flush(flush)
    expect((await from(0)).body).toMatchObject({
      commandCount: 1,
      sync: { kind: 'updates', updates: [{ clientId: 'ada', commands: [{ id: 'a' }] }] },
    })
    expect((await server.get(`/models/${KEY}?from=0&hash=`)).body).toMatchObject({
      sync: { kind: 'snapshot' },
    })
    expect(await from(5)).toMatchObject({ status: 409, body: { code: 'HISTORY_CHANGED' } })
  })

  test.each([
    ['from=-1&hash=x', '?from'],
    ['from=1.5&hash=x', '?from'],
    ['from=NaN&hash=x', '?from'],
    ['from=9007199254740992&hash=x', '?from'],
    ['from=1&from=2&hash=x', '?from'],
    ['from=&hash=x', '?from'],
    ['hash=x', '?from'],
    [`from=1&hash=${'x'.repeat(200)}`, '?hash'],
    ['from=1&hash=x&hash=y', '?hash'],
    ['from=1&hash=x&limit=5', '?limit'],
  ])('with ?%s is refused', async (query, place) => {
    await using server = await TestServer.start()
    const { status, body } = await server.get(`/models/${KEY}?${query}`)
    expect(status).toBe(400)
    expect(body).toMatchObject({ code: 'FLUSH_INVALID', retry: 'never' })
    expect(body['message']).toContain(place)
  })
})

describe('a flush', () => {
  test('is applied, and answered again when it is sent again', async () => {
    await using server = await TestServer.start()
    const first = await server.post(flush)
    expect(first).toMatchObject({
      status: 200,
      body: { sequence: 1, outcome: 'applied', commandCount: 1 },
    })
    expect((await server.post(flush)).body).toMatchObject({ outcome: 'repeated', commandCount: 1 })
  })

  test('with refused commands succeeds and lists them', async () => {
    await using server = await TestServer.start()
    const commands = [
      { action: 'explode' },
      { action: 'delete', path: [] },
      { action: 'create', id: '' },
      { action: 'create', id: 'x', props: { constructor: 1 } },
      add('a'),
    ]
    const { status, body } = await server.post({ ...flush, commands })
    expect(status).toBe(200)
    expect(body['verdicts']).toMatchObject([
      { index: 0, rejection: { code: 'COMMAND_UNKNOWN' } },
      { index: 1, rejection: { code: 'ROOT_UNDELETABLE' } },
      { index: 2, rejection: { code: 'ID_INVALID' } },
      { index: 3, rejection: { code: 'KEY_FORBIDDEN' } },
    ])
    expect(body['commandCount']).toBe(1)
  })

  test('of one change in 10,000 todos is answered to others in 300 bytes', async () => {
    const todos = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [
        `todo-${index}`,
        { text: `Todo ${index}`, done: false },
      ]),
    )
    await using server = await TestServer.start({
      models: [{ pattern: 'todos:*', initial: { todos } }],
    })
    const { hash } = (await server.get(`/models/${KEY}`)).body
    const position = { from: 0, hash: String(hash) }
    const commands = [
      { action: 'update', path: ['todos', 'todo-7'], props: { done: true } } as const,
    ]
    const own = await server.post({ ...flush, ...position, commands })
    expect(own.body['sync']).toEqual({ kind: 'none' })
    expect(own.text.length).toBeLessThan(200)
    const { text, body } = await server.get(`/models/${KEY}?from=0&hash=${String(hash)}`)
    expect(body['sync']).toMatchObject({ kind: 'updates' })
    expect(text.length).toBeLessThan(300)
  })

  test('carries no user: who sent it is told by the session alone', async () => {
    const store = memoryStore()
    await using server = await TestServer.start({ store, user: () => ({ id: 'ada' }) })
    for (const forged of [
      { ...flush, userId: 'eve' },
      { ...flush, user: { id: 'eve' } },
      { ...flush, commands: [{ ...add('a'), userId: 'eve' }] },
    ]) {
      expect((await server.post(forged)).status).toBe(400)
    }
    await server.post(flush, { headers: { 'x-user-id': 'eve' } })
    const { entries } = (await store.history(KEY, 0, 1, 1000))!
    expect(entries.map(({ userId }) => userId)).toEqual(['ada'])
  })
})

describe('what is refused, and how', () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  const withProps = (props: string) =>
    JSON.stringify({ ...flush, commands: [{ ...add('a'), props: 0 }] }).replace(
      '"props":0',
      `"props":${props}`,
    )

  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'not JSON'],
    ['nothing', '', 'not JSON'],
    ['null', 'null', 'At ""'],
    ['a list', [], 'At ""'],
    ['a missing field', { ...flush, from: undefined }, "'from'"],
    ['an unknown field', { ...flush, extra: 1 }, '"/extra"'],
    [
      'an unknown field of a command',
      { ...flush, commands: [{ ...add('a'), extra: 1 }] },
      '"/commands/0/extra"',
    ],
    ['a string for a number', { ...flush, from: '0' }, '"/from"'],
    ['true for a number', { ...flush, sequence: true }, '"/sequence"'],
    ['sequence 0', { ...flush, sequence: 0 }, '"/sequence"'],
    ['a negative count', { ...flush, from: -1 }, '"/from"'],
    ['a fraction', { ...flush, from: 0.5 }, '"/from"'],
    ['an inexact number', { ...flush, sequence: 2 ** 53 }, '"/sequence"'],
    ['an infinite number', JSON.stringify(flush).replace('"from":0', '"from":1e400'), '"/from"'],
    ['an empty client id', { ...flush, clientId: '' }, '"/clientId"'],
    ['a client id with blanks', { ...flush, clientId: 'a b' }, '"/clientId"'],
    ['a client id with NUL', { ...flush, clientId: 'a\u0000' }, '"/clientId"'],
    ['a long client id', { ...flush, clientId: 'a'.repeat(129) }, '"/clientId"'],
    ['null for a hash', { ...flush, hash: null }, '"/hash"'],
    ['a command that is none', { ...flush, commands: [null] }, '"/commands/0"'],
    [
      'a path that is none',
      { ...flush, commands: [{ action: 'update', path: 'todos' }] },
      '"/commands/0/path"',
    ],
    [
      'a number in a path',
      { ...flush, commands: [{ action: 'update', path: ['a', 1] }] },
      '"/commands/0/path/1"',
    ],
    [
      'props that are a list',
      { ...flush, commands: [{ action: 'create', props: [] }] },
      '"/commands/0/props"',
    ],
    [
      '__proto__ as a key',
      withProps('{"b":{"__proto__":{"polluted":1}}}'),
      '"/commands/0/props/b"',
    ],
    [
      '__proto__ in escapes',
      withProps(String.raw`{"_\u005fproto__":{"polluted":1}}`),
      '"/commands/0/props"',
    ],
    ['65 levels and more', withProps(nested(70)), 'more than 64 levels'],
    ['100,000 levels', withProps(nested(30_000)), 'more than 64 levels'],
  ])('%s: 400 with the place', async (_, body, place) => {
    await using server = await TestServer.start()
    const answer = await server.post(body)
    expect(answer.body).toMatchObject({ code: 'FLUSH_INVALID', retry: 'never' })
    expect(answer.status).toBe(400)
    expect(answer.body['message']).toContain(place)
    expect((await server.get(`/models/${KEY}`)).body['commandCount']).toBe(0)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('another media type: 400', async () => {
    await using server = await TestServer.start()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'nonsense']) {
      const { status, body } = await server.post(flush, { headers: { 'content-type': type } })
      expect([status, body['code']]).toEqual([400, 'FLUSH_INVALID'])
    }
  })

  test('nobody logged in: 401; somebody who may not: 403, whether the model is there or not', async () => {
    await using server = await TestServer.start({
      models: [{ pattern: 'todos:*' }],
      user: ({ headers }) => (headers['x-user'] ? { id: String(headers['x-user']) } : undefined),
      authorize: (user, action) => user?.id === 'ada' && action === 'read',
    })
    expect(await server.get(`/models/${KEY}`)).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED', retry: 'after-auth' },
    })
    const ada = { 'x-user': 'ada' }
    const eve = { 'x-user': 'eve' }
    expect(await server.get(`/models/${KEY}`, ada)).toMatchObject({ status: 404 })
    expect(await server.post(flush, { headers: ada })).toMatchObject({ status: 403 })
    const unknown = await server.get('/models/todos:unknown', eve)
    expect(unknown).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    expect((await server.get(`/models/${KEY}`, eve)).body).toEqual(unknown.body)
  })

  test('who may only read may ask for news by an empty flush, and change nothing', async () => {
    await using server = await TestServer.start({ authorize: (_user, action) => action === 'read' })
    const news = await server.post({ ...flush, commands: [] })
    expect(news).toMatchObject({ status: 200, body: { commandCount: 0 } })
    const { status } = await server.post(flush)
    expect(status).toBe(401)
    expect((await server.get(`/models/${KEY}`)).body).toMatchObject({ commandCount: 0 })
  })

  test('only `true` opens the door', async () => {
    await using server = await TestServer.start({ authorize: (() => 'yes') as never })
    expect((await server.get(`/models/${KEY}`)).status).toBe(401)
  })

  test('a permission or a session that cannot be checked: 503, for nobody is refused for good', async () => {
    const fail = () => {
      throw new Error('secret')
    }
    for (const options of [{ authorize: fail }, { user: fail }]) {
      await using server = await TestServer.start(options)
      const { status, body, text } = await server.post(flush)
      expect([status, body['code'], body['retry']]).toEqual([503, 'UNAVAILABLE', 'same-flush'])
      expect(text).not.toContain('secret')
    }
  })

  test('an unknown model or route: 404', async () => {
    await using server = await TestServer.start()
    for (const key of ['lists:a', 'todos', 'todos:a:b', 'todos:', '__proto__', '%']) {
      const { status, body } = await server.get(`/models/${encodeURIComponent(key)}`)
      expect([key, status, body['code']]).toEqual([key, 404, 'MODEL_NOT_FOUND'])
    }
    for (const path of ['/', '/model', `/models/${KEY}/past`, '/models/a/b/c']) {
      const { status, body } = await server.get(path)
      expect([path, status, body['code']]).toEqual([path, 404, 'NOT_FOUND'])
    }
    expect((await server.send('DELETE', `/models/${KEY}/flush`)).status).toBe(404)
  })

  test('a malformed or long key: 400', async () => {
    await using server = await TestServer.start()
    for (const key of [
      'todos:%00',
      'todos:%0a',
      `todos:${'x'.repeat(300)}`,
      'todos:%ff',
      '%E0%A4%A',
    ]) {
      const { status, body } = await server.get(`/models/${key}`)
      expect([key, status, body['code']]).toEqual([key, 400, 'FLUSH_INVALID'])
    }
    expect((await server.get(`/models/todos:${'x'.repeat(5000)}`)).status).toBeLessThan(500)
  })

  test('a flush that disagrees about the past: 409', async () => {
    await using server = await TestServer.start()
    const { hash } = await server.flush(flush)
    const refuse = async (changes: Partial<Flush>) => {
      const { status, body } = await server.post({ ...flush, from: 1, hash, ...changes })
      return [status, body['code'], body['retry']]
    }
    expect(await refuse({ commands: [add('b')] })).toEqual([409, 'SEQUENCE_REUSED', 'after-resync'])
    expect(await refuse({ sequence: 3 })).toEqual([409, 'SEQUENCE_GAP', 'after-resync'])
    expect(await refuse({ clientId: 'new', sequence: 3 })).toEqual([
      409,
      'CLIENT_EXPIRED',
      'after-resync',
    ])
    expect(await refuse({ sequence: 2, from: 7, hash: 'x' })).toEqual([
      409,
      'HISTORY_CHANGED',
      'after-resync',
    ])
    expect(await refuse({ sequence: 2, from: 1, hash: 'x' })).toEqual([
      409,
      'HISTORY_CHANGED',
      'after-resync',
    ])
  })

  test('too many bytes or commands: 413', async () => {
    await using server = await TestServer.start()
    const large = { ...flush, commands: [add('a', { text: 'x'.repeat(300_000) })] }
    const many = { ...flush, commands: Array.from({ length: 501 }, () => add('a')) }
    for (const body of [large, many]) {
      const { status, body: error } = await server.post(body)
      expect([status, error['code'], error['retry']]).toEqual([413, 'FLUSH_TOO_LARGE', 'never'])
    }
    await using small = await TestServer.start({ limits: { flushBytes: 100 } })
    expect((await small.post(flush)).status).toBe(413)
  })

  test('a document that would grow too large: the command is refused', async () => {
    await using server = await TestServer.start({ limits: { documentBytes: 1000 } })
    const { status, body } = await server.post({
      ...flush,
      commands: [add('a', { text: 'x'.repeat(2000) })],
    })
    expect(status).toBe(200)
    expect(body['verdicts']).toMatchObject([
      { kind: 'rejected', rejection: { code: 'DOCUMENT_TOO_LARGE' } },
    ])
  })

  test('another protocol: 426', async () => {
    await using server = await TestServer.start()
    const { status, body } = await server.post({ ...flush, protocol: 2, whatever: 'new' })
    expect([status, body['code'], body['retry']]).toEqual([
      426,
      'PROTOCOL_UNSUPPORTED',
      'after-upgrade',
    ])
  })

  test('a store that is down: 503 with Retry-After, and nothing of what went wrong inside', async () => {
    const load = async () => {
      throw new Error('connect ECONNREFUSED 10.0.0.1:5432')
    }
    await using server = await TestServer.start({ store: wrapStore(memoryStore(), { load }) })
    const { status, body, headers, text } = await server.post(flush)
    expect([status, body['code'], body['retry']]).toEqual([503, 'UNAVAILABLE', 'same-flush'])
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    expect(text).not.toContain('ECONNREFUSED')
  })
})

test('healthz says that the process runs, readyz that flushes can be served', async () => {
  let isDown = false
  const ping = async () => {
    if (isDown) throw new Error('down')
  }
  await using server = await TestServer.start({ store: wrapStore(memoryStore(), { ping }) })
  expect((await server.get('/readyz')).status).toBe(200)
  isDown = true
  expect((await server.get('/readyz')).status).toBe(503)
  expect((await server.get('/healthz')).status).toBe(200)
  isDown = false
  server.app.flushout.drain()
  expect((await server.get('/readyz')).status).toBe(503)
  expect((await server.post(flush)).body['code']).toBe('UNAVAILABLE')
})
