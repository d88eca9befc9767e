import axe from 'axe-core'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, describe, expect } from 'vitest'
import { runMain } from './support/app.ts'
import { eventually } from './support/eventually.ts'
import { worldTest, type OpenPage } from './support/world.ts'

const app = runMain({ DATABASE_URL: 'memory:' })
const test = worldTest(() => app.ready)
afterAll(() => app.end('SIGTERM'))

const phone: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  hasTouch: true,
  isMobile: true,
}
const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 860 } }

describe.concurrent('the keyboard alone', () => {
  test('adds, ticks off, edits, deletes and goes offline, and never loses its place', async ({
    world,
  }) => {
    const { page, a, b } = await world.open(desktop)
    const key = (name: string) => page.keyboard.press(name)
    await tabTo(page, 'New todo')
    await page.keyboard.type('Milk')
    await key('Enter')
    await page.keyboard.type('Bread')
    await key('Enter')
    expect(await focused(page)).toBe('New todo')
    await b.shows('Milk', 'Bread')
    await a.announces('Added Bread')

    await tabTo(page, 'Done: Bread', 'Shift+Tab')
    await key('Space')
    await b.shows('Milk', '✓ Bread')

    await tabTo(page, 'Edit Bread')
    await key('Enter')
    expect(await focused(page)).toBe('Text of Bread')
    await page.keyboard.type('Rye bread')
    await key('Escape')
    expect(await focused(page)).toBe('Edit Bread')
    await key('Enter')
    await page.keyboard.type('Rye bread')
    await key('Enter')
    await b.shows('Milk', '✓ Rye bread')
    expect(await focused(page)).toBe('Edit Rye bread')

    await tabTo(page, 'Delete Milk', 'Shift+Tab')
    await key('Enter')
    await b.shows('✓ Rye bread')
    expect(await focused(page)).toBe('Delete Rye bread')
    await a.announces('Deleted Milk')
    await key('Space')
    await b.shows()
    expect(await focused(page)).toBe('New todo')

    await tabTo(page, 'Offline', 'Shift+Tab')
    await key('Space')
    await a.announces('Offline')
  })

  test('always shows where it is', async ({ world }) => {
    const { page, a } = await world.open(desktop)
    await a.add('Milk')
    await a.openEditor('Milk')
    const seen = new Set<string>()
    // Once round the page and over its end.
    while (!seen.has('Text of Milk')) {
      await page.keyboard.press('Tab')
      const name = await focused(page)
      if (name === '') continue
      seen.add(name)
      const outline = await page.evaluate(() => {
        const element = document.activeElement!
        // The box of a switch is hidden; its track shows the focus.
        const shown = element.role === 'switch' ? element.nextElementSibling! : element
        const { outlineStyle, outlineWidth } = getComputedStyle(shown)
        return `${outlineWidth} ${outlineStyle}`
      })
      expect(outline, name).toBe('3px solid')
    }
    for (const name of [
      'Offline',
      'Flush',
      'Text of Milk',
      'Save',
      'New todo',
      'Add',
      'New list',
    ]) {
      expect(seen).toContain(name)
    }
  })
})

describe.concurrent.for([
  ['a wide page in light', { ...desktop, colorScheme: 'light' }],
  ['a wide page in dark', { ...desktop, colorScheme: 'dark' }],
  ['a phone in light', { ...phone, colorScheme: 'light' }],
  ['a phone in dark', { ...phone, colorScheme: 'dark' }],
] as const)('%s', ([name, options]) => {
  test(`has labels, roles and contrast that axe agrees with, and fits (${name})`, async ({
    world,
  }) => {
    const open = await world.open(options)
    await expectAccessible(open.page)
    await showEverything(open)
    await expectAccessible(open.page)
    await open.a.offline.uncheck()
    await open.b.openEditor('Bread')
    await open.a.root.locator('.writers').waitFor()
    await expectAccessible(open.page)
    expect(await open.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(
      0,
    )
  })
})

describe.concurrent('people who want less motion', () => {
  test('get none', async ({ world }) => {
    const { page } = await world.open({ reducedMotion: 'reduce' })
    const moving = await page.evaluate(
      () =>
        [...document.querySelectorAll('*')].filter((element) => {
          const styles = [getComputedStyle(element), getComputedStyle(element, '::after')]
          return styles.some(
            ({ transitionDuration, animationName }) =>
              transitionDuration.split(', ').some((time) => time !== '0s') ||
              animationName !== 'none',
          )
        }).length,
    )
    expect(moving).toBe(0)
  })
})

/** Bring both clients into the states that people meet: waiting, editing, refused, done. */
async function showEverything({ a, b }: OpenPage): Promise<void> {
  await a.add('Milk', 'Bread', 'x'.repeat(300), 'Eggs')
  await b.shows('Milk', 'Bread', 'x'.repeat(300), 'Eggs')
  await a.tick('Bread').check()
  await a.offline.check()
  await a.edit('Milk', 'Oat milk')
  await b.delete('Milk')
  await b.isSaved()
  await a.offline.uncheck()
  await a.lost.waitFor()
  await b.openEditor('Eggs')
  await a.delete('Eggs')
  await b.root.getByText('Deleted elsewhere meanwhile').waitFor()
  await b.add('y'.repeat(600))
  await b.root.getByText('At most 500 characters').waitFor()
  await a.offline.check()
  await a.add('Jam')
  await eventually(() => a.created(), expect.arrayContaining(['not yet saved']))
}

async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source)
  // What comes in is half there until then.
  await page.evaluate(() =>
    Promise.allSettled(document.getAnimations().map(({ finished }) => finished)),
  )
  const violations = await page.evaluate(async () => {
    // The page's own, which the line above has put there.
    const { axe: inPage } = globalThis as unknown as { axe: typeof axe }
    const result = await inPage.run()
    return result.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    )
  })
  expect(violations).toEqual([])
}

/** The label of what has the focus; '' where nothing has it. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (!element || element === document.body) return ''
    const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : undefined
    return element.getAttribute('aria-label') ?? label ?? element.textContent ?? ''
  })
}

async function tabTo(page: Page, name: string, key = 'Tab'): Promise<void> {
  for (let count = 0; count < 40; count += 1) {
    await page.keyboard.press(key)
    if ((await focused(page)) === name) return
  }
  throw new Error(`No key press leads to ${name}.`)
}
