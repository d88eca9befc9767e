import serveFiles from '@fastify/static'
import type { Interceptor } from '@flushout/client'
import { fastifyOptions, flushout, type FlushoutOptions } from '@flushout/server'
import Fastify, { type FastifyInstance } from 'fastify'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import { liveTest, type LiveWorld } from './support/live-world.ts'
import type { UsersPage } from './support/users-page.ts'

declare const usersPage: UsersPage

const signTodo: Interceptor = (_document, command, { user }) => {
  if (command.action !== 'create') return
  return { props: { ...command.props, text: `${command.props!['text'] as string} of ${user?.id}` } }
}

/** A server whose users are who their cookie says, and whose todos tell who made them. */
function serve(app: string, store: FlushoutOptions['store']): FastifyInstance {
  const server = Fastify({ ...fastifyOptions, logger: { level: 'warn' } })
  server.register(flushout, {
    store,
    user: ({ headers }) => {
      const id = /\buser=(\w+)/.exec(headers.cookie ?? '')?.[1]
      return id === undefined ? undefined : { id }
    },
    authorize: () => true,
    models: [
      {
        pattern: 'todos:*',
        initial: { todos: {} },
        interceptors: [signTodo],
      },
    ],
  })
  server.register(serveFiles, { root: app, index: false })
  const page =
    '<!doctype html><title>Users</title><script src="/users-page.js" type="module"></script>'
  server.get('/users', (_request, reply) => reply.type('text/html').send(page))
  return server
}

const test = liveTest(serve, fileURLToPath(new URL('support/users-page.ts', import.meta.url)))

async function logIn(live: LiveWorld, page: Page, user: string): Promise<void> {
  await page.waitForFunction(() => 'usersPage' in globalThis)
  await page.evaluate(([who, key]) => usersPage.logIn(who, key), [
    user,
    `todos:${live.list}`,
  ] as const)
}

const add = (page: Page, text: string) => page.evaluate((one) => usersPage.add(one), text)
const shows = (page: Page, ...texts: string[]) =>
  eventually(() => page.evaluate(() => usersPage.texts()), texts)
const keeps = (page: Page, count: number) =>
  eventually(() => page.evaluate(() => usersPage.unsaved()), { count, isDurable: true })

const NOBODY = 'Failed to load resource: the server responded with a status of 401 (Unauthorized)'
const ANOTHER = 'Failed to load resource: the server responded with a status of 403 (Forbidden)'

test('what one user did offline waits for them while another works on the same machine', async ({
  live,
}) => {
  // The tab that goes on for both when the other has logged out.
  live.mayComplain(NOBODY)
  const { page, context } = await live.open({ path: '/users' })
  const sent: string[] = []
  context.on('request', (request) => sent.push(request.postData() ?? ''))
  await logIn(live, page, 'ada')
  await shows(page)
  await add(page, 'Milk')
  await shows(page, 'Milk of ada')
  await live.unplug()
  await add(page, 'Bread')
  await add(page, 'Tea')
  await keeps(page, 2)
  await page.evaluate(() => usersPage.logOut())
  await live.plugIn()
  sent.length = 0

  // In the same page, and in another tab beside it.
  await logIn(live, page, 'bob')
  const beside = await context.newPage()
  await beside.goto(page.url())
  await logIn(live, beside, 'bob')
  for (const tab of [page, beside]) await shows(tab, 'Milk of ada')
  await add(page, 'Jam')
  await add(beside, 'Honey')
  await eventually(async () => (await live.saved()).commandCount, 3)
  // Long enough for what a page that died would have left.
  for (let second = 0; second < 15; second += 1) {
    await page.clock.runFor(1_000)
    // The disk has no other clock than the real one.
    await wait(100)
  }
  for (const tab of [page, beside]) {
    await keeps(tab, 0)
    const texts = await tab.evaluate(() => usersPage.texts())
    expect(texts.toSorted()).toEqual(['Honey of bob', 'Jam of bob', 'Milk of ada'])
  }
  expect(sent.join()).toContain('Jam')
  expect(sent.join()).not.toMatch(/Bread|Tea/)
  for (const tab of [page, beside]) await tab.evaluate(() => usersPage.logOut())

  await beside.reload()
  await logIn(live, beside, 'ada')
  await eventually(async () => (await live.saved()).commandCount, 5)
  const { texts } = await live.saved()
  expect(texts.slice(-2)).toEqual(['Bread of ada', 'Tea of ada'])
  await shows(beside, ...texts)
  await keeps(beside, 0)
})

test('a page that is still open when another user logs in beside it waits, and sends nothing as that user', async ({
  live,
}) => {
  live.mayComplain(NOBODY)
  live.mayComplain(ANOTHER)
  const { page, context } = await live.open({ path: '/users' })
  const beside = await context.newPage()
  await beside.goto(page.url())
  await logIn(live, page, 'ada')
  await add(page, 'Milk')
  await shows(page, 'Milk of ada')
  await live.unplug()
  await add(page, 'Bread')
  await keeps(page, 1)
  const isOpen = logIn(live, beside, 'bob')
  await eventually(() => page.evaluate(() => document.cookie), 'user=bob')
  await live.plugIn()
  await isOpen
  await add(beside, 'Jam')
  await eventually(async () => (await live.saved()).commandCount, 2)
  await eventually(() => page.evaluate(() => usersPage.state()), 'needs-auth')
  await keeps(page, 1)
  await shows(beside, 'Milk of ada', 'Jam of bob')

  await beside.evaluate(() => usersPage.logOut())
  await logIn(live, beside, 'ada')
  await keeps(page, 0)
  for (const tab of [page, beside]) await shows(tab, 'Milk of ada', 'Jam of bob', 'Bread of ada')
  expect(await live.saved()).toMatchObject({ commandCount: 3 })
})
