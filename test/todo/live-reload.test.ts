import { expect } from 'vitest'
import { liveTest } from './support/live-world.ts'

const test = liveTest()

test('what was typed without a server is there after a reload, and saved once', async ({
  live,
}) => {
  live.mayComplain('Failed to load resource: net::ERR_FAILED')
  const tab = await live.open()
  await tab.a.add('Milk')
  await tab.a.isSaved()
  // The page itself still loads: only the way to the models is gone.
  await tab.page.route('**/flushout/**', (route) => route.abort())
  await tab.a.add('Bread')
  await tab.a.add('Tea')
  await tab.a.shows('Milk', 'Bread', 'Tea')
  await tab.page.reload()
  await tab.a.shows('Milk', 'Bread', 'Tea')
  await tab.page.unroute('**/flushout/**')
  await tab.a.isSaved()
  await tab.b.shows('Milk', 'Bread', 'Tea')
  const { document } = await live.server.flushout.snapshot(`todos:${live.list}`)
  const { todos } = document as { todos: Record<string, { text: string }> }
  expect(Object.values(todos).map(({ text }) => text)).toEqual(['Milk', 'Bread', 'Tea'])
})

test('a tab that crashes leaves its edits to the next', async ({ live }) => {
  live.mayComplain('Failed to load resource: net::ERR_FAILED')
  const tab = await live.open()
  await tab.a.add('Milk')
  await tab.a.isSaved()
  await tab.isKept()
  let isDown = true
  await tab.context.route('**/flushout/**', (route) => (isDown ? route.abort() : route.continue()))
  await tab.a.add('Bread')
  await tab.a.shows('Milk', 'Bread')
  const session = await tab.context.newCDPSession(tab.page)
  const next = await tab.context.newPage()
  const crashed = tab.page.waitForEvent('crash')
  session.send('Page.crash').catch(() => {})
  await crashed
  await next.goto(tab.page.url())
  await next.locator('[data-client=A] .row', { hasText: 'Bread' }).waitFor()
  isDown = false
  await expect
    .poll(
      async () => {
        const { document } = await live.server.flushout.snapshot(`todos:${live.list}`)
        const { todos } = document as { todos: Record<string, { text: string }> }
        return Object.values(todos).map(({ text }) => text)
      },
      { timeout: 30_000 },
    )
    .toEqual(['Milk', 'Bread'])
})
