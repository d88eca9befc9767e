import type { Page, Route } from 'playwright-core'
import { describe, expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import { LivePage } from './support/live-page.ts'
import { liveTest } from './support/live-world.ts'

const test = liveTest()

/** Hold each flush of edits, with what `meanwhile` does to it; gives how many are held. */
async function holdFlushes(
  page: Page,
  meanwhile?: (route: Route) => Promise<unknown>,
): Promise<() => number> {
  let held = 0
  await page.route('**/flush', async (route) => {
    const { commands } = route.request().postDataJSON() as { commands: unknown[] }
    if (commands.length === 0) return route.continue()
    await meanwhile?.(route)
    held += 1
  })
  return () => held
}

async function kill({ context, page }: LivePage): Promise<void> {
  const session = await context.newCDPSession(page)
  const crashed = page.waitForEvent('crash')
  session.send('Page.crash').catch(() => {})
  await crashed
}

describe('the page is killed, and what was done is there once in the next', () => {
  for (const [when, meanwhile, hasLanded] of [
    ['between store and send', undefined, false],
    ['between send and answer', (route: Route) => route.fetch(), true],
  ] as const) {
    test(when, async ({ live }) => {
      const tab = await live.open()
      await tab.a.add('Milk')
      await tab.a.isSaved()
      await tab.isKept()
      const held = await holdFlushes(tab.page, meanwhile)
      await tab.a.add('Bread')
      await tab.a.edit('Milk', 'Oat milk')
      await eventually(held, 1)
      expect((await live.saved()).commandCount > 1).toBe(hasLanded)
      // Behind what is on its way.
      await tab.a.tick('Oat milk').check()
      await tab.a.add('Tea')
      await tab.a.shows('✓ Oat milk', 'Bread', 'Tea')
      await kill(tab)

      const next = new LivePage(tab.context, await tab.context.newPage())
      await next.page.goto(tab.page.url())
      await next.a.shows('✓ Oat milk', 'Bread', 'Tea')
      await next.a.isSaved()
      const saved = { texts: ['✓ Oat milk', 'Bread', 'Tea'], commandCount: 5 }
      expect(await live.saved()).toEqual(saved)
      await next.b.shows(...saved.texts)
      expect(await next.a.lost.count()).toBe(0)
    })
  }
})
