// What a client does for one user is never done as another.
import { PROTOCOL, type Flush, type User } from '@flushout/core'
import type { FlushoutOptions } from '@flushout/server'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { EventStream } from './support/event-stream.ts'
import { TestServer, type Answer } from './support/http.ts'
import { add, KEY } from './support/world.ts'

const FLUSH: Flush = {
  protocol: PROTOCOL,
  clientId: 'page',
  sequence: 1,
  from: 0,
  hash: '',
  commands: [add('a')],
}
const LIVE = { protocol: PROTOCOL, models: { [KEY]: null } }
const PRESENCE = { token: 'long enough', sequence: 1, models: { [KEY]: {} } }

type Headers = Record<string, string>

/** Every route, as a client would ask for it. */
const ROUTES: readonly [string, (server: TestServer, headers: Headers) => Promise<Answer>][] = [
  ['a flush', (server, headers) => server.post(FLUSH, { headers })],
  ['an empty flush', (server, headers) => server.post(pull(), { headers })],
  ['a load', (server, headers) => server.get(`/models/${KEY}`, headers)],
  ['a pull', (server, headers) => server.get(`/models/${KEY}?from=0&hash=`, headers)],
  ['a stream', (server, headers) => server.send('POST', '/live', LIVE, stream(headers))],
  ['a poll', (server, headers) => server.send('POST', '/live', LIVE, headers)],
  ['presence', (server, headers) => server.send('POST', '/presence', PRESENCE, headers)],
  ['a list', (server, headers) => server.get('/models?pattern=todos:*', headers)],
  ['a new model', (server, headers) => server.send('PUT', '/models/todos:new', {}, headers)],
]

function pull(): Flush {
  return { ...FLUSH, sequence: 0, commands: [] }
}

function stream(headers: Headers): Headers {
  return { accept: 'text/event-stream', ...headers }
}

/** A server that believes a cookie, and lets everybody do everything. */
async function serve(options: Partial<FlushoutOptions> = {}): Promise<TestServer> {
  const server = await TestServer.start({
    user: ({ headers: { cookie } }) => (cookie === undefined ? undefined : { id: cookie }),
    administer: () => true,
    ...options,
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

const historyOf = async ({ app }: TestServer) => (await app.flushout.snapshot(KEY)).commandCount

describe.each(ROUTES)('%s of a client that works for ada', (_title, ask) => {
  test('is refused while bob is logged in, and nothing is done or told', async () => {
    const server = await serve()
    const answer = await ask(server, { cookie: 'bob', 'flushout-user': 'ada' })
    expect(answer).toMatchObject({
      status: 403,
      body: { code: 'USER_MISMATCH', retry: 'after-auth' },
    })
    expect(answer.text).not.toContain('document')
    expect(await historyOf(server)).toBe(0)
    expect(server.app.flushout.usage).toMatchObject({ streams: 0, peers: 0 })
    expect(await server.app.flushout.models.exists('todos:new')).toBe(false)
  })

  test('is refused while nobody is logged in, even where that would do', async () => {
    const server = await serve()
    const answer = await ask(server, { 'flushout-user': 'ada' })
    expect(answer).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED', retry: 'after-auth' },
    })
    expect(await historyOf(server)).toBe(0)
  })
})

test('the edits wait, and the same flush takes effect once when ada is back', async () => {
  const server = await serve()
  await server.post(FLUSH, { headers: { cookie: 'bob', 'flushout-user': 'ada' } })
  const headers = { cookie: 'ada', 'flushout-user': 'ada' }
  expect((await server.post(FLUSH, { headers })).body).toMatchObject({ outcome: 'applied' })
  expect((await server.post(FLUSH, { headers })).body).toMatchObject({ outcome: 'repeated' })
  expect(await historyOf(server)).toBe(1)
})

test('a claim makes nobody anybody: who sends it stays who the session says', async () => {
  const seen: (User | undefined)[] = []
  const server = await serve({ authorize: (user) => seen.push(user) > 0 })
  await server.get(`/models/${KEY}`, { cookie: 'bob', 'flushout-user': 'bob' })
  await server.get(`/models/${KEY}`, { cookie: 'bob' })
  expect(seen).toEqual([{ id: 'bob' }, { id: 'bob' }])
})

test.each(['', 'Zoë Ångström/東京', '100%, and more'])(
  'an id of any characters can be claimed: %j',
  async (id) => {
    const server = await serve({ user: () => ({ id }) })
    const claimed = (text: string) =>
      server.get(`/models/${KEY}`, { 'flushout-user': encodeURIComponent(text) })
    expect((await claimed(id)).status).toBe(200)
    expect((await claimed(`${id} `)).status).toBe(403)
  },
)

test('a claim that is not percent-encoded is malformed', async () => {
  const server = await serve()
  const answer = await server.get(`/models/${KEY}`, { cookie: '100%', 'flushout-user': '100%' })
  expect(answer).toMatchObject({ status: 400, body: { code: 'FLUSH_INVALID' } })
})

test('a server that tells no users apart compares nothing', async () => {
  await using server = await TestServer.start()
  expect((await server.get(`/models/${KEY}`, { 'flushout-user': 'ada' })).status).toBe(200)
})

test('a stream ends when the session of its user does', async () => {
  let user: User | undefined = { id: 'ada' }
  const server = await serve({ user: () => user })
  const headers = { 'flushout-user': 'ada' }
  const ear = await EventStream.open(server.address, '/live', { body: LIVE, headers })
  onTestFinished(() => ear[Symbol.dispose]())
  await vi.waitFor(() => expect(ear.has('heads')).toBe(true))
  user = { id: 'bob' }
  server.app.flushout.permissionsChanged()
  await vi.waitFor(() => expect(ear.isOver).toBe(true))
  expect(server.app.flushout.usage.streams).toBe(0)
})
