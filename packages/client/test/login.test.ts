import {
  createClient,
  memoryStorage,
  onDevice,
  type Auth,
  type Client,
  type Model,
} from '@flushout/client'
import { createTestEnvironment, type TestEnvironment } from '@flushout/client/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { KEY, Session, SessionSite } from './support/session-site.ts'

interface TodoList {
  readonly todos: { readonly [id: string]: { readonly text: string } }
}

const HOUR_MS = 3_600_000

interface Page {
  readonly client: Client
  readonly model: Model<TodoList>
  readonly environment: TestEnvironment
  readonly type: (text: string) => void
}

/** Open a page of somebody at the site. */
function open(site: SessionSite, auth: Auth, user?: string): Page {
  const environment = createTestEnvironment()
  const options = user === undefined ? {} : { user: { id: user } }
  const client = createClient({
    transport: site.transport(environment, { auth, ...options }),
    environment,
    ...options,
  })
  onTestFinished(() => client.close())
  const model = client.model<TodoList>(KEY)
  onTestFinished(model.subscribe(() => {}))
  return { client, model, environment, type: (text) => void model.create(['todos'], { text }) }
}

/** A site where ada has a token, and a page of hers that is live. */
async function enter(options: { user?: string } = { user: 'ada' }) {
  const site = new SessionSite()
  const session = new Session()
  site.tokens.set('a1', 'ada')
  session.token = 'a1'
  const page = open(site, session.auth, options.user)
  await page.environment.advance(1_000)
  expect(page.model.status.state).toBe('live')
  return { site, session, page }
}

describe('before a login', () => {
  test('nothing is sent, and everything goes by itself after it', async () => {
    const site = new SessionSite()
    const session = new Session()
    const { model, environment } = open(site, session.auth, 'ada')
    await environment.advance(10_000)
    expect(model.status).toMatchObject({
      state: 'needs-auth',
      error: { code: 'UNAUTHENTICATED', message: 'Nobody is logged in.' },
    })
    expect(site.asked).toEqual([])
    site.tokens.set('a1', 'ada')
    session.change('a1')
    await environment.advance(100)
    expect(model.status.state).toBe('live')
    expect(session.asked.at(-1)).toBe(false)
  })

  test('edits queue, and each goes out once after it', async () => {
    const { site, session, page } = await enter()
    const { model, environment, type } = page
    session.change(undefined)
    await environment.settle()
    expect(model.status.state).toBe('needs-auth')
    const before = site.asked.length
    for (let count = 0; count < 20; count += 1) {
      type(`todo ${count}`)
      await environment.advance(10_000)
    }
    expect(site.asked).toHaveLength(before)
    expect(model.status).toMatchObject({ state: 'needs-auth', queued: 20 })
    session.change('a1')
    await environment.advance(100)
    expect(site.applied).toEqual(Array.from({ length: 20 }, (_, count) => `ada todo ${count}`))
    expect(model.status).toMatchObject({ state: 'live', queued: 0, inFlight: 0, rejected: 0 })
  })

  test('a login that nobody tells of is noticed within half a minute', async () => {
    const site = new SessionSite()
    const { token } = new Session().auth
    let isLoggedIn = false
    const { model, environment } = open(site, {
      token: (asked) => (isLoggedIn ? 'a1' : token!(asked)),
    })
    await environment.advance(100_000)
    site.tokens.set('a1', 'ada')
    isLoggedIn = true
    expect(site.asked).toEqual([])
    await environment.advance(33_000)
    expect(model.status.state).toBe('live')
  })

  test('and when the page is looked at', async () => {
    const site = new SessionSite()
    const session = new Session()
    const { model, environment } = open(site, session.auth)
    await environment.advance(1_000)
    site.tokens.set('a1', 'ada')
    session.token = 'a1'
    await environment.wake()
    await environment.advance(100)
    expect(model.status.state).toBe('live')
  })

  test('a page that was told to pause stays so', async () => {
    const { site, session, page } = await enter()
    page.client.pause()
    const before = site.asked.length
    session.change('a1')
    await page.environment.advance(HOUR_MS)
    expect(site.asked).toHaveLength(before)
    expect(page.client.isPaused).toBe(true)
  })

  test('a client that was closed asks for nothing and hears of nothing', async () => {
    const site = new SessionSite()
    const session = new Session()
    const { client, environment } = open(site, session.auth)
    await environment.advance(1_000)
    expect(session.listeners).toBe(1)
    client.close()
    const { length } = session.asked
    await environment.advance(HOUR_MS)
    expect(session.listeners).toBe(0)
    expect(session.asked).toHaveLength(length)
    expect(environment.timers).toBe(0)
  })
})

describe('a token that has run out', () => {
  test('is replaced in the middle of a queue, and each edit goes out once', async () => {
    const { site, session, page } = await enter()
    const { model, environment, type } = page
    const states = new Set<string>()
    model.subscribeStatus(() => states.add(model.status.state))
    session.next = 'a2'
    for (let count = 0; count < 6; count += 1) {
      type(`todo ${count}`)
      if (count === 3) {
        site.tokens.clear()
        site.tokens.set('a2', 'ada')
      }
      await environment.advance(60)
    }
    expect(site.applied).toEqual(Array.from({ length: 6 }, (_, count) => `ada todo ${count}`))
    expect(session.asked).toEqual([false, true])
    expect(site.asked.filter(({ isRefused }) => isRefused)).toHaveLength(1)
    expect([...states]).toEqual(['live'])
  })

  test('is asked for once by all who need another', async () => {
    const { site, session, page } = await enter()
    const { client, environment } = page
    site.tokens.clear()
    site.tokens.set('a2', 'ada')
    session.next = 'a2'
    let release = () => {}
    session.gate = new Promise((resolve) => {
      release = resolve
    })
    const models = ['todos:b', 'todos:c', 'todos:d', 'todos:e'].map((key) => client.model(key))
    for (const { ready } of models) void ready
    await environment.advance(1_000)
    expect(models.map(({ isLoaded }) => isLoaded)).toEqual([false, false, false, false])
    release()
    await environment.settle()
    expect(models.map(({ isLoaded }) => isLoaded)).toEqual([true, true, true, true])
    expect(session.asked).toEqual([false, true])
    expect(site.count('/models/todos%3Ab')).toBe(2)
  })

  test('of a request that was slow takes no newer one away', async () => {
    const { site, session, page } = await enter()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    site.hold = (path) => (path.endsWith('b') ? held : undefined)
    const slow = page.client.model('todos:b')
    void slow.ready
    await page.environment.settle()
    site.tokens.clear()
    site.tokens.set('a2', 'ada')
    session.change('a2')
    await page.environment.advance(100)
    const asked = session.asked.length
    release()
    await page.environment.advance(1_000)
    expect(slow.isLoaded).toBe(true)
    expect(session.asked).toHaveLength(asked)
    expect(session.asked).not.toContain(true)
  })

  test('ends nothing for longer than it takes, where only the stream tells of it', async () => {
    const { site, session, page } = await enter({})
    const { model, environment, type } = page
    site.tokens.clear()
    site.tokens.set('a2', 'ada')
    session.next = 'a2'
    site.server.hub.tell({
      event: 'refused',
      models: KEY,
      code: 'UNAUTHENTICATED',
      message: 'Log in first.',
      retry: 'after-auth',
    })
    await environment.advance(1_000)
    expect(session.asked).toEqual([false, true])
    expect(model.status.state).toBe('live')
    type('Milk')
    await environment.advance(100)
    expect(site.texts).toEqual(['Milk'])
  })
})

test('a token that was asked for before another login is not used after it', async () => {
  const site = new SessionSite()
  site.tokens.set('old', 'ada').set('new', 'bob')
  let answer: (token: string) => void = () => {}
  let change = () => {}
  let isFirst = true
  const { model, environment } = open(site, {
    token() {
      if (!isFirst) return 'new'
      isFirst = false
      return new Promise<string>((resolve) => {
        answer = resolve
      })
    },
    subscribe(listener) {
      change = listener
      return () => {}
    },
  })
  await environment.settle()
  change()
  await environment.settle()
  answer('old')
  await environment.advance(1_000)
  expect(model.status.state).toBe('live')
  expect(site.asked.map(({ token }) => token)).not.toContain('old')
})

test('a client that keeps its edits on the device hears of logins as any other', async () => {
  const site = new SessionSite()
  const session = new Session()
  const environment = createTestEnvironment()
  const client = createClient({
    transport: site.transport(environment, { auth: session.auth }),
    storage: onDevice({ storage: memoryStorage(), tabs: undefined }),
    environment,
  })
  onTestFinished(() => client.close())
  void client.model(KEY).ready
  await environment.advance(1_000)
  site.tokens.set('a1', 'ada')
  session.change('a1')
  await environment.settle()
  expect(client.model(KEY).isLoaded).toBe(true)
})

describe('a token that is not taken', () => {
  test.each([
    ['and the same again', (): string => 'x'],
    [
      'and another each time',
      (() => {
        let count = 0
        return () => `x${(count += 1)}`
      })(),
    ],
  ])('%s: the client needs a login, and does not spin', async (_title, token) => {
    const site = new SessionSite()
    const { client, model, environment } = open(site, { token }, 'ada')
    for (const key of ['todos:b', 'todos:c']) void client.model(key).ready
    await environment.advance(HOUR_MS)
    expect(model.status).toMatchObject({ state: 'needs-auth', error: { code: 'UNAUTHENTICATED' } })
    // Two for each model, when the page was opened and every half minute at most.
    expect(site.asked.length).toBeLessThanOrEqual(3 * 2 * (1 + HOUR_MS / 27_000))
    if (token() === 'x') expect(site.asked.length).toBeLessThanOrEqual(3)
  })

  test('does not spin where streams are open to anybody, and bring nothing', async () => {
    const site = new SessionSite()
    site.tokens.set('x1', 'ada')
    let count = 0
    const { model, environment } = open(site, { token: () => `x${(count += 1)}` })
    await environment.advance(1_000)
    expect(model.status.state).toBe('live')
    site.tokens.clear()
    site.isDoorOpen = true
    site.server.hub.end(0)
    await environment.advance(1_000)
    const { length } = site.asked
    await environment.advance(HOUR_MS)
    expect(model.status).toMatchObject({ state: 'needs-auth', error: { code: 'UNAUTHENTICATED' } })
    expect(site.asked.length - length).toBeLessThan((5 * HOUR_MS) / 27_000)
  })

  test('may be taken after all when the page is looked at again', async () => {
    const { site, session, page } = await enter()
    const { model, environment, type } = page
    site.tokens.clear()
    type('Milk')
    await environment.advance(100)
    expect(model.status).toMatchObject({ state: 'needs-auth', inFlight: 1 })
    site.tokens.set('a1', 'ada')
    await environment.wake()
    await environment.advance(60_000)
    expect(site.applied).toEqual(['ada Milk'])
    expect(model.status.state).toBe('live')
    const asked = [site.asked.length, session.asked.length]
    await environment.advance(HOUR_MS)
    expect([site.asked.length, session.asked.length]).toEqual(asked)
    type('Bread')
    await environment.advance(1_000)
    expect(site.applied).toEqual(['ada Milk', 'ada Bread'])
    expect(session.asked).toHaveLength(asked[1]!)
  })
})

describe('a token that cannot be told now', () => {
  test('is a passing fault, and is asked for again', async () => {
    const site = new SessionSite()
    const session = new Session()
    session.fault = new Error('The identity server is down.')
    const { model, environment } = open(site, session.auth)
    await environment.advance(10_000)
    expect(model.status).toMatchObject({
      state: 'offline',
      error: { code: 'NETWORK', cause: session.fault },
    })
    site.tokens.set('a1', 'ada')
    session.fault = undefined
    session.token = 'a1'
    await environment.advance(60_000)
    expect(model.status.state).toBe('live')
  })

  test('because nobody answers is asked for again', async () => {
    const site = new SessionSite()
    site.tokens.set('a1', 'ada')
    let isMute = true
    const { model, environment } = open(site, {
      token: () => (isMute ? new Promise<string>(() => {}) : 'a1'),
    })
    await environment.advance(20_000)
    expect(model.status.state).toBe('offline')
    isMute = false
    await environment.advance(90_000)
    expect(model.status.state).toBe('live')
  })

  test('since its function throws is the same', async () => {
    const site = new SessionSite()
    const { model, environment } = open(site, {
      token: () => {
        throw new Error('Not now.')
      },
    })
    await environment.advance(10_000)
    expect(model.status).toMatchObject({ state: 'offline', error: { code: 'NETWORK' } })
  })
})

describe('another user', () => {
  test('whose token is given sends nothing of the first, and the first goes on', async () => {
    const { site, session, page } = await enter()
    const { model, environment, type } = page
    site.tokens.set('b1', 'bob')
    session.change('b1')
    type('Milk')
    await environment.advance(HOUR_MS)
    expect(model.status).toMatchObject({ state: 'needs-auth', error: { code: 'USER_MISMATCH' } })
    expect(site.applied).toEqual([])
    expect(site.asked.filter(({ token }) => token === 'b1').length).toBeLessThanOrEqual(4)
    expect(session.asked).not.toContain(true)
    session.token = 'a1'
    await environment.advance(33_000)
    expect(site.applied).toEqual(['ada Milk'])
    expect(model.status.state).toBe('live')
  })

  test('whose cookie came from another tab does so neither', async () => {
    const site = new SessionSite()
    site.cookie = 'ada'
    const { model, environment, type } = open(site, {}, 'ada')
    await environment.advance(1_000)
    site.cookie = 'bob'
    type('Milk')
    await environment.advance(HOUR_MS)
    expect(model.status).toMatchObject({ state: 'needs-auth', error: { code: 'USER_MISMATCH' } })
    expect(site.applied).toEqual([])
    site.cookie = 'ada'
    await environment.wake()
    await environment.advance(1_000)
    expect(site.applied).toEqual(['ada Milk'])
  })

  test('is told from the first by ids of any characters', async () => {
    const site = new SessionSite()
    site.cookie = 'Zoë/東京'
    const { model, environment } = open(site, {}, 'Zoë/東京')
    await environment.advance(1_000)
    expect(model.status.state).toBe('live')
  })
})

describe('with cookies', () => {
  test('a login that is told of is believed at once', async () => {
    const site = new SessionSite()
    let tell = () => {}
    const { model, environment } = open(site, {
      subscribe(listener) {
        tell = listener
        return () => {}
      },
    })
    await environment.advance(60_000)
    expect(model.status.state).toBe('needs-auth')
    expect(environment.timers).toBeLessThanOrEqual(1)
    site.cookie = 'ada'
    tell()
    await environment.advance(100)
    expect(model.status.state).toBe('live')
  })

  test('a logout that is told of ends what comes from others', async () => {
    const { site, session, page } = await enter()
    expect(site.server.hub.open).toBe(1)
    session.change(undefined)
    await page.environment.advance(100)
    expect(site.server.hub.open).toBe(0)
    expect(page.model.status.state).toBe('needs-auth')
  })
})
