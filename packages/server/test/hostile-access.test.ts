// What strangers learn and cause: nothing.
import { PROTOCOL } from '@flushout/core'
import { memoryStore, type FlushoutOptions } from '@flushout/server'
import { describe, expect, test } from 'vitest'
import { TestServer } from './support/http.ts'
import { add, countCalls, createTestService, Writer } from './support/world.ts'

const THERE = 'todos:there'
const UNUSED = 'todos:unused'

const flush = {
  protocol: PROTOCOL,
  clientId: 'eve',
  sequence: 1,
  from: 0,
  hash: '',
  commands: [add('a')],
}

/** A server with one model that is in use, for Ada alone. */
async function startServer(kind: Partial<FlushoutOptions['models'][0]> = {}) {
  const { store, calls } = countCalls(memoryStore())
  await new Writer(createTestService({ store }), 'ada', { key: THERE }).add('secret')
  const server = await TestServer.start({
    store,
    models: [{ pattern: 'todos:*', ...kind }],
    user: ({ headers }) => (headers['x-user'] ? { id: String(headers['x-user']) } : undefined),
    authorize: (user) => user?.id === 'ada',
  })
  for (const name of Object.keys(calls)) delete calls[name]
  return { server, calls, store, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** Everything that can be asked about a model, well-formed or not. */
async function askAll(server: TestServer, key: string, headers: Record<string, string>) {
  const path = `/models/${encodeURIComponent(key)}`
  const post = (body: unknown) => server.post(body, { key, headers })
  return [
    await server.get(path, headers),
    await server.get(path, { ...headers, 'if-none-match': '"x"' }),
    await server.get(`${path}?from=0&hash=`, headers),
    await server.get(`${path}?from=1&hash=x`, headers),
    await server.get(`${path}?from=x`, headers),
    await post(flush),
    await post({ ...flush, commands: [] }),
    await post({ ...flush, sequence: 9, hash: 'x' }),
    await post({ ...flush, protocol: 2 }),
    await post({ ...flush, from: -1 }),
    await post('{'),
    await server.send('HEAD', path),
  ]
}

const withoutDate = ({ headers, status, text }: Awaited<ReturnType<TestServer['get']>>) => {
  const { date: _, ...others } = headers
  return { status, text, headers: others }
}

describe.each([
  ['nobody logged in', {}, 401],
  ['somebody who may not', { 'x-user': 'eve' }, 403],
])('%s', (_, headers, status) => {
  test.each([
    ['a model that is there only if it was made', {}],
    ['a model that comes into being by itself', { initial: { todos: {} } }],
  ])('hears the same of %s, used or unused, to the last header', async (_kind, kind) => {
    await using world = await startServer(kind)
    const { server } = world
    const there = (await askAll(server, THERE, headers)).map(withoutDate)
    const unused = (await askAll(server, UNUSED, headers)).map(withoutDate)
    expect(unused).toEqual(there)
    expect(there.map((answer) => answer.status)).toContain(status)
    expect(there.every((answer) => answer.status >= 400 && answer.status < 500)).toBe(true)
    expect(JSON.stringify(there)).not.toContain('secret')
  })

  test('causes no work: the store is not asked, and nothing comes into memory or being', async () => {
    await using world = await startServer({ initial: { todos: {} } })
    const { server, calls, store } = world
    for (const key of [THERE, UNUSED, 'lists:other', '__proto__']) {
      await askAll(server, key, headers)
    }
    expect(calls).toEqual({})
    expect(server.app.flushout.usage).toMatchObject({ models: 0, bytes: 0 })
    expect(await store.load(UNUSED, [])).toBeUndefined()
  })
})

test('a kind of models that there is not answers 404 to all alike', async () => {
  await using world = await startServer()
  const { server, calls } = world
  const answers = await Promise.all(
    [{}, { 'x-user': 'eve' }, { 'x-user': 'ada' }].map((headers) =>
      server.get('/models/lists:a', headers),
    ),
  )
  for (const answer of answers) expect(answer.status).toBe(404)
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(calls).toEqual({})
})

test('whoever may is told apart only after that: Ada learns what is there and what is not', async () => {
  await using world = await startServer()
  const { server } = world
  const ada = { 'x-user': 'ada' }
  expect((await server.get(`/models/${THERE}`, ada)).status).toBe(200)
  expect((await server.get(`/models/${UNUSED}`, ada)).status).toBe(404)
})

test('one user cannot speak as the client of another, nor learn what became of its flushes', async () => {
  await using server = await TestServer.start({
    user: ({ headers }) => ({ id: String(headers['x-user']) }),
  })
  const send = (user: string, body: object) => server.post(body, { headers: { 'x-user': user } })
  expect((await send('ada', flush)).status).toBe(200)
  for (const sequence of [1, 2, 3]) {
    const { status, body } = await send('eve', { ...flush, sequence })
    expect([status, body['code']]).toEqual([403, 'FORBIDDEN'])
  }
  expect((await send('ada', flush)).body['outcome']).toBe('repeated')
})

test('models that were asked for in vain leave nothing in memory', async () => {
  await using server = await TestServer.start({ models: [{ pattern: 'todos:*' }] })
  const keys = Array.from({ length: 500 }, (_, index) => `todos:${index}`)
  for (const answer of await Promise.all(keys.map((key) => server.get(`/models/${key}`)))) {
    expect(answer.status).toBe(404)
  }
  expect(server.app.flushout.usage).toMatchObject({ models: 0, bytes: 0 })
})
