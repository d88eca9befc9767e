import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { createServer } from '../../examples/todo/src/server/server.ts'
import { buildApp } from './support/build-app.ts'
import { eventually } from './support/eventually.ts'
import { liveTest } from './support/live-world.ts'

const BAD_GATEWAY =
  'Failed to load resource: the server responded with a status of 502 (Bad Gateway)'

let isGatewayBad: boolean
const test = liveTest((app, store) => {
  isGatewayBad = false
  const server = createServer(store, app)
  server.addHook('onRequest', async (_request, reply) => {
    if (isGatewayBad) return reply.code(502).send('Bad gateway')
  })
  return server
})

/** The script that a page runs, which tells its build. */
function script(page: Page): Promise<string> {
  return page.evaluate(() => document.querySelector('script')!.src)
}

/** What is kept of the app, by path. */
function kept(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const names = await caches.keys()
    const caught = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))
    return caught.flat().map(({ url }) => new URL(url).pathname)
  })
}

describe('the app, once visited', () => {
  test('opens other lists without the server, and the one that the address alone leads to', async ({
    live,
  }) => {
    const tab = await live.open()
    const { page, a } = tab
    await tab.isKept()
    await live.unplug()
    for (const [path, title] of [
      ['/', 'Groceries'],
      ['/lists/party', 'Party'],
    ] as const) {
      await page.goto(new URL(path, page.url()).href)
      await page.getByRole('heading', { name: title, exact: true }).waitFor()
    }
    await a.root.getByText('never opened in this browser').waitFor()
    await live.plugIn()
    await a.newTodo.waitFor()
  })

  test('loads where nothing comes back', async ({ live }) => {
    const middleman = await live.middleman()
    const tab = await live.open({ at: middleman.address })
    await tab.a.add('Milk')
    await tab.a.isSaved()
    await tab.isKept()
    middleman.way = 'silent'
    await tab.page.reload()
    await tab.a.shows('Milk')
    middleman.way = 'open'
  })

  test('loads where only a gateway answers', async ({ live }) => {
    live.mayComplain(BAD_GATEWAY)
    const tab = await live.open()
    await tab.a.add('Milk')
    await tab.a.isSaved()
    await tab.isKept()
    isGatewayBad = true
    await tab.page.reload()
    await tab.a.shows('Milk')
  })

  test('keeps its own files and nothing of what the server says of models', async ({ live }) => {
    const tab = await live.open()
    const { page, a } = tab
    await tab.isKept()
    const loaded = page.waitForResponse((response) => response.url().includes('/models/'))
    await page.goto(new URL('/lists/party', page.url()).href)
    await loaded
    await a.add('Milk')
    await a.isSaved()
    const paths = await kept(page)
    expect(paths).toContain(new URL(await script(page)).pathname)
    expect(paths.filter((path) => !path.startsWith('/assets/'))).toEqual([])
  })
})

describe('a new build', () => {
  test('shows at the next load, leaves open pages alone, and is the one that loads offline', async ({
    live,
  }) => {
    const old = await live.open()
    await old.isKept()
    const before = await script(old.page)
    await buildApp(live.app, { minify: false })
    const next = await old.another()
    const after = await script(next.page)
    expect(after).not.toBe(before)
    await eventually(() => kept(next.page), expect.arrayContaining([new URL(after).pathname]))
    await next.isKept()
    await live.unplug()
    await next.page.reload()
    expect(await script(next.page)).toBe(after)
    await next.a.root.waitFor()
    expect(await old.page.evaluate(async (url) => (await fetch(url)).ok, before)).toBe(true)
    await live.plugIn()
  })
})
