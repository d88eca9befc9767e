// The server of docs/auth.md, with sessions in a cookie.
import { randomBytes } from 'node:crypto'
import { createClient, httpTransport, type Client } from '@flushout/client'
import { PROTOCOL, type User } from '@flushout/core'
import { memoryStore } from '@flushout/server'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createApp, type Accounts } from '../readme/auth-server.ts'

const PATIENCE = { timeout: 20_000, interval: 5 }
const TIMING = { quietMs: 0, maxDelayMs: 2, retryBaseMs: 5, retryMaxMs: 50, pollMs: 20 }

interface Notes {
  readonly notes: { readonly [id: string]: { readonly text: string } }
}

const reverse = (name: string) => Array.from(name).toReversed().join('')

/** Everybody's password is their name backwards. */
function createAccounts(): Accounts {
  const sessions = new Map<string, User>()
  return {
    checkPassword: async (name, password) =>
      reverse(name) === password ? { id: name } : undefined,
    async beginSession(user) {
      const id = randomBytes(16).toString('hex')
      sessions.set(id, user)
      return id
    },
    findUser: async (session) => sessions.get(session),
    endSession: async (session) => void sessions.delete(session),
  }
}

async function start() {
  const app = await createApp(createAccounts(), { store: memoryStore(), secret: randomBytes(32) })
  onTestFinished(async () => {
    const closed = app.close()
    // What `fetch` keeps alive would hold it up.
    app.server.closeAllConnections()
    await closed
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  return {
    app,
    url: `${url}/flushout`,
    /** The cookie of whoever logs in. */
    login: async (name: string) => {
      const response = await post('/login', { name, password: reverse(name) })
      expect(await response.json()).toEqual({ id: name })
      const [cookie = ''] = response.headers.getSetCookie()
      expect(cookie).toMatch(/; HttpOnly; Secure; SameSite=Lax$/)
      return cookie.split(';')[0]!
    },
    logout: (cookie: string) => post('/logout', {}, { cookie }),
    post,
    /** A flush as anybody may send it. */
    flush: (key: string, headers: Record<string, string>, more: object = {}) => {
      const commands = [{ action: 'create', path: ['notes'], id: 'x', props: { text: 'x' } }]
      const sender = { clientId: 'forger', sequence: 1, from: 0, hash: '' }
      const body = { protocol: PROTOCOL, ...sender, commands, ...more }
      return post(`/flushout/models/${encodeURIComponent(key)}/flush`, body, headers)
    },
  }
}

const codeOf = async (response: Response) =>
  [response.status, ((await response.json()) as { code?: string }).code] as const

function open(url: string, id: string, cookies: { now: string | undefined }) {
  const listeners = new Set<() => void>()
  const client: Client = createClient({
    transport: httpTransport({
      url,
      headers: () => (cookies.now ? { cookie: cookies.now } : {}),
      auth: {
        subscribe(listener) {
          listeners.add(listener)
          return () => void listeners.delete(listener)
        },
      },
    }),
    user: { id },
    flush: TIMING,
  })
  onTestFinished(() => client.close())
  const told = () => {
    for (const listener of listeners) listener()
  }
  return { client, model: client.model<Notes>(`notes:${id}`), told }
}

describe('a session', () => {
  test('says who somebody is, and nothing else does', async () => {
    const { login, flush, app } = await start()
    const cookie = await login('ada')
    expect(await codeOf(await flush('notes:ada', {}))).toEqual([401, 'UNAUTHENTICATED'])
    expect(await codeOf(await flush('notes:bob', { cookie }))).toEqual([403, 'FORBIDDEN'])
    for (const more of [{ user: { id: 'bob' } }, { userId: 'bob' }]) {
      expect(await codeOf(await flush('notes:ada', { cookie }, more))).toEqual([
        400,
        'FLUSH_INVALID',
      ])
    }
    expect((await flush('notes:ada', { cookie })).status).toBe(200)
    const { entries } = await app.flushout.history('notes:ada', {}, { id: 'ada' })
    expect(entries.map(({ userId }) => userId)).toEqual(['ada'])
  })

  test('that somebody made up or changed is none', async () => {
    const { login, flush } = await start()
    const cookie = await login('ada')
    const [name, value = ''] = cookie.split('=')
    const changed = `${value.slice(0, 8)}${value[8] === 'A' ? 'B' : 'A'}${value.slice(9)}`
    for (const forged of [`${name}=${changed}`, `${name}=`, `${name}=ada`, 'session=ada']) {
      expect(await codeOf(await flush('notes:ada', { cookie: forged }))).toEqual([
        401,
        'UNAUTHENTICATED',
      ])
    }
  })

  test('of another user than the one whom the page works for is refused', async () => {
    const { login, flush } = await start()
    const headers = { cookie: await login('bob'), 'flushout-user': 'ada' }
    expect(await codeOf(await flush('notes:bob', headers))).toEqual([403, 'USER_MISMATCH'])
  })

  test('that has ended is worth nothing, whoever kept the cookie', async () => {
    const { login, logout, flush } = await start()
    const cookie = await login('ada')
    expect((await logout(cookie)).status).toBe(204)
    expect(await codeOf(await flush('notes:ada', { cookie }))).toEqual([401, 'UNAUTHENTICATED'])
  })

  test('begins with the right password only', async () => {
    const { post } = await start()
    expect((await post('/login', { name: 'ada', password: 'ada!' })).status).toBe(401)
    expect((await post('/login', { name: 'ada' })).status).toBe(400)
  })
})

test('a page that is connected is refused at once after the logout, and goes on after the next login', async () => {
  const { app, url, login, logout } = await start()
  const cookies = { now: (await login('ada')) as string | undefined }
  const { model, told } = open(url, 'ada', cookies)
  onTestFinished(model.subscribe(() => {}))
  await vi.waitFor(() => expect(model.status.state).toBe('live'), PATIENCE)
  await logout(cookies.now!)
  await vi.waitFor(() => expect(model.status.state).toBe('needs-auth'), PATIENCE)

  model.create(['notes'], { text: 'Milk' }, { id: 'a' })
  cookies.now = await login('ada')
  told()
  await vi.waitFor(
    () => expect(model.status).toMatchObject({ state: 'live', queued: 0, inFlight: 0 }),
    PATIENCE,
  )
  const { document } = await app.flushout.snapshot('notes:ada', { id: 'ada' })
  expect(document).toEqual({ notes: { a: { text: 'Milk' } } })
})
