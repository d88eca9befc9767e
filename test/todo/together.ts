import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import type { WorldTest } from './support/world.ts'

/** What people see of each other, whatever the server keeps its lists in. */
export function togetherStories(test: WorldTest): void {
  describe.concurrent('people on one list', () => {
    test('see who else is here, by the names they give themselves', async ({ world }) => {
      const { page, a, b } = await world.open()
      expect(await a.name.inputValue()).toMatch(/^Guest \d\d$/)
      await b.isWith(await a.name.inputValue())
      await a.name.fill('Ada Lovelace')
      await b.name.fill('Bob')
      await a.isWith('Bob')
      await b.isWith('Ada Lovelace')
      const other = await world.open()
      await other.a.name.fill('Cy')
      await other.b.name.fill('Dee')
      await a.isWith('Bob', 'Cy', 'Dee')
      await other.b.isWith('Ada Lovelace', 'Bob', 'Cy')
      await other.page.close()
      await a.isWith('Bob')
      await page.reload()
      expect(await a.name.inputValue()).toBe('Ada Lovelace')
      await b.isWith('Ada Lovelace')
    })

    test('are counted where there are too many to show', async ({ world }) => {
      const [{ a }] = await Promise.all([world.open(), world.open(), world.open()])
      await a.root.getByText('and 2 more').waitFor({ state: 'attached' })
      expect(await a.root.locator('.chip').count()).toBe(4)
      expect(await a.root.locator('.chip [aria-hidden]').last().innerText()).toBe('+2')
    })

    test('who is offline neither sees the others nor is seen by them', async ({ world }) => {
      const { a, b } = await world.open()
      await a.name.fill('Ada')
      await b.isWith('Ada')
      await a.offline.check()
      await a.isWith()
      await b.isWith()
      await b.root.getByText('Nobody else is here').waitFor()
      await a.offline.uncheck()
      await b.isWith('Ada')
    })

    test('see on a todo that somebody else is writing in it, and nothing moves', async ({
      world,
    }) => {
      const [{ a, b }, other] = await Promise.all([world.open(), world.open()])
      await a.name.fill('Ada')
      await b.name.fill('Bob')
      await a.add('Milk', 'Bread')
      await other.a.shows('Milk', 'Bread')
      const rows = other.a.root.locator('.row')
      const places = () => Promise.all([0, 1].map((at) => rows.nth(at).boundingBox()))
      const before = await places()
      const draft = await a.openEditor('Milk')
      await other.a.tellsWriters('Ada is writing here')
      expect(await places()).toEqual(before)
      await b.openEditor('Milk')
      await eventually(
        async () => (await other.a.root.locator('.writers').allInnerTexts())[0],
        expect.stringMatching(/^(Ada|Bob) and 1 more are writing here$/),
      )
      // Where one writes too, the others are told of as well.
      await a.tellsWriters('Bob is writing here')
      await draft.press('Escape')
      await b.editor('Milk').press('Escape')
      await other.a.tellsWriters()
      expect(await places()).toEqual(before)
    })
  })

  describe.concurrent('what others change', () => {
    test('fades in, and what one changes oneself does not', async ({ world }) => {
      const [one, two] = await Promise.all([world.open(), world.open()])
      await Promise.all([one, two].map(({ page }) => watchFading(page)))
      await one.a.add('Milk')
      await two.b.shows('Milk')
      await eventually(() => fadedOn(two.page), ['A Milk', 'B Milk'])
      await two.b.edit('Milk', 'Oat milk')
      await one.a.shows('Oat milk')
      await eventually(() => fadedOn(one.page), ['A Oat milk', 'B Milk', 'B Oat milk'])
      await eventually(() => fadedOn(two.page), ['A Milk', 'A Oat milk', 'B Milk'])
    })

    test('just shows for those who want things to stand still', async ({ world }) => {
      const { page, a, b } = await world.open({ reducedMotion: 'reduce' })
      await watchFading(page)
      await a.add('Milk')
      await b.shows('Milk')
      await b.edit('Milk', 'Oat milk')
      await a.shows('Oat milk')
      expect(await fadedOn(page)).toEqual([])
    })
  })

  describe.concurrent('the connection', () => {
    test('is told in words, with since when', async ({ world }) => {
      const { a } = await world.open()
      await a.isConnected(/^Live since \d\d:\d\d$/)
      await a.offline.check()
      await a.isConnected(/^Switched off at \d\d:\d\d$/)
      await a.offline.uncheck()
      await a.isConnected(/^Live since/)
      await a.autoFlush.uncheck()
      await a.isConnected(/^Asks for news only at a flush, since \d\d:\d\d$/)
      await a.autoFlush.check()
      await a.isConnected(/^Live since/)
    })

    test('brings what another does without being asked', async ({ world }) => {
      const { page, a, b } = await world.open()
      await Promise.all([a.isConnected('Live'), b.isConnected('Live')])
      const asked: string[] = []
      page.on('request', (request) => {
        if (request.url().endsWith('/flush')) asked.push(request.postData() ?? '')
      })
      await a.add('Milk')
      await b.shows('Milk')
      await a.isSaved()
      expect(asked.map((body) => JSON.parse(body).commands.length)).toEqual([1])
    })
  })
}

/** Notes from now on which rows of the page fade in. */
async function watchFading(page: Page): Promise<void> {
  await page.evaluate(() => {
    const faded: string[] = []
    Object.assign(globalThis, { faded })
    const animate = Reflect.get(Element.prototype, 'animate') as (...args: unknown[]) => Animation
    Element.prototype.animate = function (this: Element, ...args: unknown[]) {
      const client = this.closest<HTMLElement>('.panel')?.dataset['client']
      const row = `${client} ${this.querySelector('.text')?.textContent}`
      if (!faded.includes(row)) faded.push(row)
      return animate.apply(this, args)
    }
  })
}

function fadedOn(page: Page): Promise<string[]> {
  return page.evaluate(() => (globalThis as unknown as { faded: string[] }).faded.toSorted())
}
