// Logins from a client to the database, over real sockets: who is logged in is told by
// a token, or by a cookie that other pages change.
import { createClient, type Client } from '@flushout/client'
import { flushout, memoryStore } from '@flushout/server'
import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

const KEY = 'todos:groceries'
const PATIENCE = { timeout: 20_000, interval: 5 }
const TIMING = { quietMs: 0, maxDelayMs: 2, retryBaseMs: 5, retryMaxMs: 50, pollMs: 20 }

interface TodoList {
  readonly todos: { readonly [id: string]: { readonly text: string } }
}

/** A server where a token is good as long as it is in `sessions`, and as which user commands took effect. */
async function serve() {
  const sessions = new Map<string, string>()
  const applied: string[] = []
  const app = Fastify({ forceCloseConnections: true })
  onTestFinished(() => app.close())
  await app.register(flushout, {
    store: memoryStore(),
    user({ headers: { authorization = '', cookie = '' } }) {
      const id = sessions.get(authorization.replace('Bearer ', '') || cookie)
      return id === undefined ? undefined : { id }
    },
    authorize: (user) => user !== undefined,
    models: [
      {
        pattern: 'todos:*',
        initial: { todos: {} },
        interceptors: [
          (_document, command, { user }) => {
            if (command.action === 'create')
              applied.push(`${user?.id} ${command.props?.['text'] as string}`)
          },
        ],
      },
    ],
  })
  const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/flushout`
  return { app, url, sessions, applied }
}

function load(client: Client) {
  onTestFinished(() => client.close())
  const model = client.model<TodoList>(KEY)
  onTestFinished(model.subscribe(() => {}))
  return model
}

const until = (condition: () => void) => vi.waitFor(condition, PATIENCE)

const streamsOf = (app: FastifyInstance) => app.flushout.usage.streams

test('edits from before a login and from after a token has run out go out once, by themselves', async () => {
  const { app, url, sessions, applied } = await serve()
  let token: string | undefined
  let login = () => {}
  const client = createClient({
    url,
    user: { id: 'ada' },
    flush: TIMING,
    auth: {
      token({ isRefused }) {
        if (isRefused) sessions.set((token = 'second'), 'ada')
        return token
      },
      subscribe(listener) {
        login = listener
        return () => {}
      },
    },
  })
  const model = load(client)
  await until(() => expect(model.status.state).toBe('needs-auth'))
  sessions.set((token = 'first'), 'ada')
  login()
  await until(() => expect(model.status.state).toBe('live'))
  const texts = Array.from({ length: 30 }, (_, index) => `todo ${index}`)
  const states = new Set<string>()
  model.subscribeStatus(() => states.add(model.status.state))
  for (const [index, text] of texts.entries()) {
    model.create(['todos'], { text })
    if (index === 15) {
      sessions.delete('first')
      app.flushout.permissionsChanged()
    }
    if (index % 5 === 0) await client.flush()
  }
  await until(() => expect(model.status).toMatchObject({ state: 'live', queued: 0, inFlight: 0 }))
  await until(() => expect(streamsOf(app)).toBe(1))
  expect(applied).toEqual(texts.map((text) => `ada ${text}`))
  expect(model.status).toMatchObject({ rejected: 0, confirmed: 30 })
  expect([...states]).not.toContain('needs-auth')
  expect(Object.values(model.read()!.todos).map(({ text }) => text)).toEqual(texts)
})

describe('a cookie that becomes that of another user', () => {
  test('neither sends what the first did nor shows what is new to the page of the first', async () => {
    const { app, url, sessions, applied } = await serve()
    sessions.set('a', 'ada').set('b', 'bob')
    let cookie = 'a'
    const headers = () => ({ cookie })
    const model = load(createClient({ url, headers, user: { id: 'ada' }, flush: TIMING }))
    await until(() => expect(model.status.state).toBe('live'))
    cookie = 'b'
    model.create(['todos'], { text: 'Of ada' })
    await until(() => expect(model.status.state).toBe('needs-auth'))
    expect(model.status).toMatchObject({ inFlight: 1, error: { code: 'USER_MISMATCH' } })
    // Logged out: the stream that was opened before ends as well.
    sessions.delete('a')
    app.flushout.permissionsChanged()
    await until(() => expect(streamsOf(app)).toBe(0))
    const bob = load(createClient({ url, headers, user: { id: 'bob' }, flush: TIMING }))
    await bob.ready
    await bob.create(['todos'], { text: 'Of bob' }).verdict
    await bob.flush()
    expect(applied).toEqual(['bob Of bob'])
    expect(Object.values(model.read()!.todos)).toEqual([{ text: 'Of ada' }])
  })

  test.each(['a load', 'a pull'])('refuses %s of the first', async (what) => {
    const { url, sessions } = await serve()
    sessions.set('a', 'ada').set('b', 'bob')
    let cookie = what === 'a load' ? 'b' : 'a'
    const headers = () => ({ cookie })
    const client = createClient({ url, headers, user: { id: 'ada' }, flush: TIMING })
    const model = load(client)
    if (what === 'a pull') {
      await until(() => expect(model.status.state).toBe('live'))
      cookie = 'b'
      client.resume()
    }
    await until(() => expect(model.status.state).toBe('needs-auth'))
    expect(model.status.error?.code).toBe('USER_MISMATCH')
    cookie = 'a'
    client.resume()
    await until(() => expect(model.status.state).toBe('live'))
  })
})
