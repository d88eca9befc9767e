import { expect } from 'vitest'
import { LivePage } from './support/live-page.ts'
import { liveTest } from './support/live-world.ts'

const test = liveTest()

test('five tabs of one browser leave each other connections to save by', async ({ live }) => {
  const first = await live.open()
  const tabs = [first]
  while (tabs.length < 5) {
    const page = await first.context.newPage()
    tabs.push(new LivePage(first.context, page))
    await page.goto(first.page.url())
  }
  const texts: string[] = []
  for (const [index, tab] of tabs.entries()) {
    const text = `of tab ${index + 1}`
    texts.push(text)
    await tab.page.bringToFront()
    await tab.a.add(text)
    await tab.a.isSaved()
    await tab.b.shows(...texts)
  }
  // Of six connections that a browser opens to one address without HTTP/2.
  expect(live.server.flushout.usage.streams).toBeLessThanOrEqual(3)
  expect(live.server.flushout.usage.streams).toBeGreaterThan(0)
  for (const { page } of tabs.slice(1)) await page.close()
})
