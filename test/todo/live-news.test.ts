import type { Model } from '@flushout/client'
import { memoryStore } from '@flushout/server'
import { fileURLToPath } from 'node:url'
import { describe, expect } from 'vitest'
import { createServer } from '../../examples/todo/src/server/server.ts'
import { eventually } from './support/eventually.ts'
import { liveTest } from './support/live-world.ts'
import type { TodoList } from './support/world.ts'

/** What support/many-lists.ts gives to its page. */
declare const show: (key: string) => Model<TodoList>

const test = liveTest(
  (app) => {
    const server = createServer(memoryStore(), app)
    const page =
      '<!doctype html><title>Lists</title><script type="module" src="/many-lists.js"></script>'
    server.get('/many', (_request, reply) => reply.type('text/html').send(page))
    return server
  },
  fileURLToPath(new URL('support/many-lists.ts', import.meta.url)),
)

describe.concurrent('two browsers on one list', () => {
  test('show each other what is done as it is done, and ask for nothing', async ({ live }) => {
    const [one, two] = await Promise.all([live.open(), live.open()])
    await Promise.all([one.isSettled(), two.isSettled()])
    expect(live.server.flushout.usage.streams).toBe(4)
    one.forgetAsked()
    two.forgetAsked()
    await one.a.add('Milk', 'Bread')
    await two.a.shows('Milk', 'Bread')
    await one.a.tick('Bread').check()
    await two.a.shows('Milk', '✓ Bread')
    await one.a.edit('Milk', 'Oat milk')
    await two.a.shows('Oat milk', '✓ Bread')
    await one.a.delete('Oat milk')
    for (const panel of [two.a, two.b, one.a, one.b]) await panel.shows('✓ Bread')
    await one.a.isSaved()
    // Who asked by timer would have done so many times by now.
    await Promise.all([one, two].map((each) => each.passes(10_000)))
    expect(two.asked).toEqual([])
    const asked = one.asked.filter((purpose) => purpose !== 'presence')
    expect(new Set(asked)).toEqual(new Set(['flush']))
    // One for each edit; or for several, where the typing was quick.
    expect(asked.length).toBeLessThanOrEqual(5)
    expect([one.streams, two.streams]).toEqual([2, 2])
    expect(live.server.flushout.usage.streams).toBe(4)
  })

  test('show ten quick edits in their order, and none of them twice', async ({ live }) => {
    const [one, two] = await Promise.all([live.open(), live.open()])
    await Promise.all([one.isSettled(), two.isSettled()])
    const texts = Array.from({ length: 10 }, (_, index) => `todo ${index + 1}`)
    await one.a.add(...texts)
    for (const panel of [one.a, one.b, two.a, two.b]) await panel.shows(...texts)
    await one.a.isSaved()
    const shown = [
      ...(await one.shown('A')),
      ...(await one.shown('B')),
      ...(await two.shown('A')),
      ...(await two.shown('B')),
    ]
    for (const some of shown) expect(some).toEqual(texts.slice(0, some.length))
  })
})

describe.concurrent('a tab', () => {
  test('with many lists has one stream, which ends with the tab', async ({ live }) => {
    const { server, list } = live
    const keys = Array.from({ length: 30 }, (_, index) => `todos:${list}-${index}`)
    const tab = await live.open({ path: '/many' })
    await tab.page.evaluate((all) => all.map(show), keys)
    const lines = () => tab.page.locator('p').allInnerTexts()
    await eventually(lines, Array(30).fill('live'))
    await eventually(() => tab.streams, 1)
    expect(server.flushout.usage).toMatchObject({ streams: 1, channels: 30 })
    tab.forgetAsked()
    const other = await live.open({ path: '/many' })
    for (const index of [0, 17, 29]) {
      await other.page.evaluate(async (key) => {
        const model = show(key)
        await model.ready
        model.create(['todos'], { text: 'Milk', done: false })
      }, keys[index]!)
    }
    const has = (index: number) => [0, 17, 29].includes(index)
    await eventually(
      lines,
      keys.map((_, index) => (has(index) ? 'live Milk' : 'live')),
    )
    await tab.passes(10_000)
    expect(tab.asked).toEqual([])
    // One more takes another stream, and the first goes.
    await tab.page.evaluate((key) => void show(key), `todos:${list}-30`)
    await eventually(async () => (await lines()).at(-1), 'live')
    await eventually(() => tab.streams, 1)
    await eventually(() => server.flushout.usage.streams, 2)
    await tab.page.close()
    await eventually(
      () => server.flushout.usage,
      expect.objectContaining({ streams: 1, channels: 3 }),
    )
  })

  test('that is reloaded ten times leaves no streams behind', async ({ live }) => {
    const tab = await live.open()
    const { page, a, b } = tab
    await a.add('Milk')
    await b.shows('Milk')
    for (let count = 0; count < 10; count += 1) {
      await page.reload()
      await a.shows('Milk')
      await tab.is('live')
    }
    const { flushout } = live.server
    await eventually(() => flushout.usage, expect.objectContaining({ streams: 2, channels: 1 }))
    await eventually(() => flushout.usage.peers, 2)
    await page.close()
    await eventually(() => flushout.usage, expect.objectContaining({ streams: 0, channels: 0 }))
  })

  test('shares the connections of its clients with the other tabs of the browser', async ({
    live,
  }) => {
    const first = await live.open()
    await first.isSettled()
    const tabs = [first, ...(await Promise.all(Array.from({ length: 3 }, () => first.another())))]
    for (const tab of tabs) await tab.is('live')
    for (const [index, { a }] of tabs.entries()) await a.add(`todo ${index}`)
    const texts = tabs.map((_, index) => `todo ${index}`)
    for (const { a, b } of tabs) {
      await a.isSaved()
      for (const panel of [a, b]) await panel.shows(...texts)
    }
    const { flushout } = live.server
    await eventually(() => flushout.usage.streams, 2)
    // The one that holds them goes, and another takes over.
    await first.page.close()
    await tabs[1]!.b.add('after')
    for (const { a, b } of tabs.slice(1)) {
      for (const panel of [a, b]) await panel.shows(...texts, 'after')
    }
    await eventually(() => flushout.usage.streams, 2)
  })

  test('whose client keeps nothing leaves others enough connections to save by', async ({
    live,
  }) => {
    const key = `todos:${live.list}`
    const first = await live.open({ path: '/many' })
    const pages = [first.page]
    while (pages.length < 7) {
      const page = await first.context.newPage()
      await page.goto(first.page.url())
      pages.push(page)
    }
    for (const [index, page] of pages.entries()) {
      await page.bringToFront()
      const queued = await page.evaluate(
        async ([name, text]) => {
          const model = show(name!)
          await model.ready
          await model.create(['todos'], { text: text!, done: false }).verdict
          return model.status.queued + model.status.inFlight
        },
        [key, `of ${index}`],
      )
      expect(queued).toBe(0)
    }
    // Of six that a browser opens to one address without HTTP/2.
    expect(live.server.flushout.usage.streams).toBe(3)
  })
})
