// Logins as several pages of one browser see them, and as several users of it do.
import {
  createClient,
  memoryStorage,
  onDevice,
  type Auth,
  type Client,
  type Model,
} from '@flushout/client'
import { createTestEnvironment } from '@flushout/client/testing'
import { FlushoutError } from '@flushout/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TabLogins } from '../src/tabs/tab-logins.ts'
import { KEY, Session, SessionSite } from './support/session-site.ts'
import { TestBrowser } from './support/test-browser.ts'

const HOUR_MS = 3_600_000
const OPEN = 'todos:open'

interface TodoList {
  readonly todos: { readonly [id: string]: { readonly text: string } }
}

interface Page {
  readonly client: Client
  readonly model: Model<TodoList>
  readonly type: (text: string) => void
  readonly texts: () => string[]
}

const LOGGED_OUT = {
  event: 'refused',
  models: KEY,
  code: 'UNAUTHENTICATED',
  message: 'Log in first.',
  retry: 'after-auth',
} as const

/** A browser before a site with sessions. The first page that is opened is the gateway. */
function createWorld() {
  const site = new SessionSite()
  const environment = createTestEnvironment()
  const browser = new TestBrowser()
  const storage = memoryStorage()
  const open = async (user: string, auth?: Auth): Promise<Page> => {
    const whose = { user: { id: user } }
    const client = createClient({
      transport: site.transport(environment, { ...(auth && { auth }), ...whose }),
      storage: onDevice({ storage, tabs: browser.open() }),
      environment,
      ...whose,
    })
    onTestFinished(() => client.close())
    const model = client.model<TodoList>(KEY)
    onTestFinished(model.subscribe(() => {}))
    await environment.advance(1_000)
    return {
      client,
      model,
      type: (text) => void model.create(['todos'], { text }),
      texts: () => Object.values(model.read()?.todos ?? {}).map(({ text }) => text),
    }
  }
  const pass = (ms: number) => environment.advance(ms)
  return { site, environment, open, pass }
}

const statesOf = (pages: readonly Page[]) => pages.map(({ model }) => model.status.state)

describe('tabs that wait for a login', () => {
  test('go on at once when a page that is loaded after it gets through', async () => {
    const { site, open, pass } = createWorld()
    site.cookie = 'ada'
    const pages = [await open('ada'), await open('ada')]
    site.cookie = undefined
    pages.forEach(({ type }, index) => type(`Of ${index}`))
    await pass(HOUR_MS)
    expect(statesOf(pages)).toEqual(['needs-auth', 'needs-auth'])
    expect(site.applied).toEqual([])
    site.cookie = 'ada'
    await open('ada')
    expect(site.applied.toSorted()).toEqual(['ada Of 0', 'ada Of 1'])
    expect(statesOf(pages)).toEqual(['live', 'live'])
  })

  test('go on at once when one of them gets through', async () => {
    const { site, open, pass } = createWorld()
    site.cookie = 'ada'
    const pages = [await open('ada'), await open('ada')]
    site.cookie = undefined
    pages.forEach(({ type }, index) => type(`Of ${index}`))
    await pass(1_000)
    expect(statesOf(pages)).toEqual(['needs-auth', 'needs-auth'])
    site.cookie = 'ada'
    pages[1]!.client.resume()
    await pass(1_000)
    expect(site.applied.toSorted()).toEqual(['ada Of 0', 'ada Of 1'])
    expect(statesOf(pages)).toEqual(['live', 'live'])
  })

  test('go on at once too where the live connection told them first', async () => {
    const { site, open, pass } = createWorld()
    site.cookie = 'ada'
    const pages = [await open('ada'), await open('ada')]
    site.cookie = undefined
    site.server.hub.tell(LOGGED_OUT)
    await pass(1_000)
    expect(statesOf(pages)).toEqual(['needs-auth', 'needs-auth'])
    site.cookie = 'ada'
    await open('ada')
    expect(statesOf(pages)).toEqual(['live', 'live'])
  })

  test('do not take the word of the live connection for it, which may be from before a login', async () => {
    const { site, open, pass } = createWorld()
    site.cookie = 'ada'
    const pages = [await open('ada'), await open('ada')]
    const seen = new Set<string>()
    for (const { model } of pages) model.subscribeStatus(() => seen.add(model.status.state))
    site.server.hub.tell(LOGGED_OUT)
    await pass(HOUR_MS)
    expect(seen).toContain('needs-auth')
    expect(statesOf(pages)).toEqual(['live', 'live'])
  })

  test('believe a login more than a request from before it', async () => {
    let woken = 0
    const logins = new TabLogins(undefined, () => {})
    logins.onLogin(() => (woken += 1))
    let refuse = (_error: unknown) => {}
    const asked = logins.watch(KEY, () => {
      return new Promise((_resolve, reject) => {
        refuse = reject
      })
    })
    logins.heard()
    expect(woken).toBe(0)
    refuse(new FlushoutError('UNAUTHENTICATED', 'Log in first.'))
    await expect(asked).rejects.toThrow('Log in first.')
    expect(woken).toBe(1)
  })

  test('do not depend on the gateway, which may know of no login', async () => {
    const { site, open, pass } = createWorld()
    const sessions = [new Session(), new Session()]
    site.tokens.set('a1', 'ada')
    for (const session of sessions) session.token = 'a1'
    const pages = [await open('ada', sessions[0]!.auth), await open('ada', sessions[1]!.auth)]
    for (const session of sessions) session.change(undefined)
    pages.forEach(({ type }, index) => type(`Of ${index}`))
    await pass(1_000)
    expect(statesOf(pages)).toEqual(['needs-auth', 'needs-auth'])
    sessions[1]!.change('a1')
    await pass(1_000)
    expect(site.applied).toContain('ada Of 1')
    expect(pages[1]!.model.status).toMatchObject({ queued: 0, inFlight: 0 })
    sessions[0]!.change('a1')
    await pass(1_000)
    expect(site.applied.toSorted()).toEqual(['ada Of 0', 'ada Of 1'])
    expect(statesOf(pages)).toEqual(['live', 'live'])
  })

  test('do not wake each other without end, though something is for everybody', async () => {
    const { site, open, pass } = createWorld()
    site.publicKeys.add(OPEN)
    const pages = [await open(''), await open(''), await open('')]
    for (const { client } of pages) onTestFinished(client.model(OPEN).watch())
    for (const { client } of pages) void client.model(OPEN).ready
    await pass(60_000)
    expect(statesOf(pages)).toEqual(['needs-auth', 'needs-auth', 'needs-auth'])
    const refused = () =>
      site.asked.filter(({ path, isRefused }) => isRefused && path.startsWith('/models/')).length
    const before = refused()
    await pass(HOUR_MS)
    expect(refused()).toBe(before)
    expect(before).toBeLessThan(20)
  })
})

test('what was done in several pages before a login goes out once after it', async () => {
  const { site, open, pass } = createWorld()
  const session = new Session()
  site.tokens.set('a1', 'ada')
  session.token = 'a1'
  const first = await open('ada', session.auth)
  first.client.close()
  session.token = undefined
  const { length } = site.asked
  for (const text of ['Milk', 'Bread', 'Tea']) {
    const page = await open('ada', session.auth)
    page.type(text)
    await pass(1_000)
    expect(page.model.status).toMatchObject({ state: 'needs-auth' })
    page.client.close()
  }
  expect(site.asked).toHaveLength(length)
  const last = await open('ada', session.auth)
  expect(last.texts()).toEqual(['Milk', 'Bread', 'Tea'])
  session.change('a1')
  await pass(60_000)
  expect(site.applied).toEqual(['ada Milk', 'ada Bread', 'ada Tea'])
  expect(last.model.status).toMatchObject({ state: 'live', queued: 0, inFlight: 0, rejected: 0 })
})

describe('two users of one browser', () => {
  test('neither see nor send what the other has, and each finds their own again', async () => {
    const { site, open, pass } = createWorld()
    site.cookie = 'ada'
    const ada = await open('ada')
    site.cookie = undefined
    ada.type('Of ada')
    await pass(1_000)
    ada.client.close()
    site.cookie = 'bob'
    const bob = await open('bob')
    expect(bob.texts()).toEqual([])
    bob.type('Of bob')
    await pass(60_000)
    expect(site.applied).toEqual(['bob Of bob'])
    bob.client.close()
    site.cookie = 'ada'
    const again = await open('ada')
    await pass(60_000)
    expect(site.applied).toEqual(['bob Of bob', 'ada Of ada'])
    expect(again.texts().toSorted()).toEqual(['Of ada', 'Of bob'])
  })

  test('may have pages open at the same time: those of the one who is not logged in wait', async () => {
    const { site, open, pass } = createWorld()
    site.cookie = 'ada'
    const ada = await open('ada')
    site.cookie = 'bob'
    const bob = await open('bob')
    ada.type('Of ada')
    bob.type('Of bob')
    await pass(60_000)
    expect(site.applied).toEqual(['bob Of bob'])
    expect(ada.texts()).toContain('Of ada')
    expect(ada.model.status).toMatchObject({
      state: 'needs-auth',
      error: { code: 'USER_MISMATCH' },
    })
    site.cookie = 'ada'
    ada.client.resume()
    bob.type('Of bob, too')
    await pass(60_000)
    expect(site.applied).toEqual(['bob Of bob', 'ada Of ada'])
    expect(bob.model.status.state).toBe('needs-auth')
  })
})
