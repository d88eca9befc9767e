import { memoryStore } from '@flushout/server'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { createServer } from '../../examples/todo/src/server/server.ts'
import { eventually } from './support/eventually.ts'
import { LivePage } from './support/live-page.ts'
import { liveTest, type LiveWorld } from './support/live-world.ts'
import type { TabsPage } from './support/tabs-page.ts'

declare const tabsPage: TabsPage

const test = liveTest(
  (app) => {
    const server = createServer(memoryStore(), app)
    const page =
      '<!doctype html><title>Tabs</title><script src="/tabs-page.js" type="module"></script>'
    server.get('/tabs', (_request, reply) => reply.type('text/html').send(page))
    return server
  },
  fileURLToPath(new URL('support/tabs-page.ts', import.meta.url)),
)

/** Tabs of one browser that show one list; the first speaks for all. */
async function openTabs(live: LiveWorld, count: number): Promise<LivePage[]> {
  const tabs: LivePage[] = []
  while (tabs.length < count) {
    const [first] = tabs
    const tab = first ? await openBeside(first) : await live.open({ path: '/tabs' })
    tabs.push(tab)
    await tab.page.waitForFunction(() => 'tabsPage' in globalThis)
    await tab.page.evaluate((key) => tabsPage.show(key), `todos:${live.list}`)
    await isLive(tab)
  }
  return tabs
}

async function openBeside({ context, page }: LivePage): Promise<LivePage> {
  const tab = new LivePage(context, await context.newPage())
  await tab.page.goto(page.url())
  return tab
}

const add = ({ page }: LivePage, text: string) => page.evaluate((one) => tabsPage.add(one), text)
const isLive = ({ page }: LivePage) =>
  eventually(() => page.evaluate(() => tabsPage.states.at(-1)), 'live')
const shows = ({ page }: LivePage, ...texts: string[]) =>
  eventually(() => page.evaluate(() => tabsPage.texts()), texts)
const isSaved = ({ page }: LivePage) =>
  eventually(() => page.evaluate(() => tabsPage.isSaved()), true)
const states = ({ page }: LivePage) => page.evaluate(() => tabsPage.states)
const streams = ({ server }: LiveWorld, count: number) =>
  eventually(() => server.flushout.usage.streams, count)

/** Let nothing happen in a page, as a browser does that needs the memory or the power; gives the way back. */
async function freeze(page: Page): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Debugger.enable')
  const paused = new Promise((resolve) => session.once('Debugger.paused', resolve))
  await session.send('Debugger.pause')
  // It pauses at the next statement.
  page.evaluate(() => 0).catch(() => {})
  await paused
  return () => session.detach()
}

describe('three tabs of one browser', () => {
  test('speak with the server through one of them, and hear each other and the rest', async ({
    live,
  }) => {
    const [one, two, three] = (await openTabs(live, 3)) as [LivePage, LivePage, LivePage]
    const [far] = (await openTabs(live, 1)) as [LivePage]
    await streams(live, 2)
    await add(two, 'Milk')
    for (const tab of [one, two, three, far]) await shows(tab, 'Milk')
    await add(far, 'Bread')
    for (const tab of [one, two, three]) await shows(tab, 'Milk', 'Bread')
    expect([two.asked, three.asked]).toEqual([[], []])
    expect(live.server.flushout.usage.streams).toBe(2)
    for (const tab of [two, three]) expect(await states(tab)).toEqual(['connecting', 'live'])
  })

  test('show each other who is there, and the rest that they are three', async ({ live }) => {
    const [one, two, three] = (await openTabs(live, 3)) as [LivePage, LivePage, LivePage]
    const [far] = (await openTabs(live, 1)) as [LivePage]
    for (const [name, tab] of Object.entries({ one, two, three, far })) {
      await tab.page.evaluate((own) => tabsPage.share(own), name)
    }
    const others = async ({ page }: LivePage, ...names: string[]) => {
      const read = () => page.evaluate(() => tabsPage.others().map(String).sort())
      await eventually(read, names.toSorted())
    }
    await others(one, 'two', 'three', 'far')
    await others(three, 'one', 'two', 'far')
    await others(far, 'one', 'two', 'three')
    await streams(live, 2)
    await two.page.close()
    await others(far, 'one', 'three')
    await others(one, 'three', 'far')
    await one.page.close()
    await others(far, 'three')
    await others(three, 'far')
  })

  test('go on without a pause when the one that speaks for them is closed', async ({ live }) => {
    const [one, two, three] = (await openTabs(live, 3)) as [LivePage, LivePage, LivePage]
    await add(three, 'Milk')
    await one.page.close()
    await add(two, 'Bread')
    for (const tab of [two, three]) {
      await isSaved(tab)
      await eventually(
        async () => (await tab.page.evaluate(() => tabsPage.texts())).toSorted(),
        ['Bread', 'Milk'],
      )
    }
    await streams(live, 1)
    for (const tab of [two, three]) expect(await states(tab)).toEqual(['connecting', 'live'])
  })

  test('go on when the one that speaks for them crashes', async ({ live }) => {
    const [one, two, three] = (await openTabs(live, 3)) as [LivePage, LivePage, LivePage]
    await add(three, 'Milk')
    const session = await one.context.newCDPSession(one.page)
    const crashed = one.page.waitForEvent('crash')
    session.send('Page.crash').catch(() => {})
    await crashed
    for (const tab of [two, three]) await shows(tab, 'Milk')
    await add(two, 'Bread')
    for (const tab of [two, three]) await shows(tab, 'Milk', 'Bread')
    await streams(live, 1)
  })

  test('go around the one that speaks for them while it is frozen', async ({ live }) => {
    const [one, two, three] = (await openTabs(live, 3)) as [LivePage, LivePage, LivePage]
    const thaw = await freeze(one.page)
    await add(two, 'Milk')
    await isSaved(two)
    await shows(three, 'Milk')
    expect(two.asked).toContain('flush')
    await thaw()
    await shows(one, 'Milk')
    await streams(live, 1)
    two.forgetAsked()
    await add(two, 'Bread')
    for (const tab of [one, two, three]) await shows(tab, 'Milk', 'Bread')
    expect(two.asked).toEqual([])
  })

  test('know which of them live, and tell each other what they like', async ({ live }) => {
    const [one, two, three] = (await openTabs(live, 3)) as [LivePage, LivePage, LivePage]
    const id = await three.page.evaluate(async () => {
      await tabsPage.life.ready
      return tabsPage.life.id
    })
    const isAlive = ({ page }: LivePage) => page.evaluate((one) => tabsPage.life.isAlive(one), id)
    expect(await isAlive(one)).toBe(true)
    for (const { page } of [one, two]) await page.evaluate((one) => tabsPage.watch(one), id)
    await three.page.evaluate(() => tabsPage.life.tell({ hello: 1 }))
    for (const { page } of [one, two]) {
      await eventually(() => page.evaluate(() => tabsPage.told), [{ hello: 1 }])
    }
    expect(await three.page.evaluate(() => tabsPage.told)).toEqual([])
    await three.page.close()
    for (const { page } of [one, two]) {
      await eventually(() => page.evaluate(() => tabsPage.dead), [id])
    }
    expect(await isAlive(one)).toBe(false)
  })
})
