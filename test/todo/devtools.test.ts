import axe from 'axe-core'
import { text } from 'node:stream/consumers'
import type { BrowserContextOptions, Locator, Page } from 'playwright-core'
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

const launcher = (page: Page) => page.getByRole('button', { name: /^Open Flushout devtools/ })
const panel = (page: Page) => page.getByRole('region', { name: 'Flushout devtools' })
const tab = (page: Page, name: string) => panel(page).getByRole('tab', { name })
const rows = (page: Page, name: string): Locator =>
  panel(page).getByRole('list', { name }).getByRole('listitem')
const shows = (found: Locator, ...expected: RegExp[]) =>
  eventually(
    () => found.allTextContents(),
    expected.map((one) => expect.stringMatching(one)),
  )

async function openDevtools({ page }: OpenPage): Promise<void> {
  await page.goto(`${page.url()}?devtools`)
  await launcher(page).click()
  await panel(page).waitFor()
}

describe.concurrent('the devtools', () => {
  test('show commands on their way, versions and what was lost', async ({ world }) => {
    const open = await world.open(desktop)
    const { page, a, b } = open
    await openDevtools(open)
    await a.isConnected(/^Live since/)
    await a.add('Milk', 'Bread')
    await b.shows('Milk', 'Bread')
    await shows(rows(page, 'Confirmed commands'), /^2create.*"Bread"/, /^1create.*"Milk"/)

    await a.offline.check()
    await a.edit('Milk', 'Oat milk')
    await b.delete('Milk')
    await b.isSaved()
    await shows(rows(page, 'Pending commands'), /^queuedupdate.*"Oat milk"/)
    // By a click of a script, as the panel may lie over it.
    await a.offline.evaluate((element: HTMLElement) => element.click())
    await shows(rows(page, 'Lost commands'), /^droppedupdate.*"Oat milk"PATH_NOT_FOUND/)

    await tab(page, 'Log').click()
    await eventually(
      () => rows(page, 'Log').allTextContents(),
      expect.arrayContaining([
        expect.stringMatching(/Flush \d+ of 1 command 1 dropped.*\d ms$/),
        // By its stream, or by the answer to its own flush, whichever is first.
        expect.stringMatching(/(Rebased 1 pending command|Advanced) from 2 to 3/),
        expect.stringMatching(/live → polling|live → offline/),
      ]),
    )

    await tab(page, 'Versions').click()
    await shows(rows(page, 'Differences'), /^todos \/ …\w+was \{"text":"Milk"/)
    const slider = panel(page).getByRole('slider', { name: 'Version' })
    await slider.press('ArrowLeft')
    await shows(rows(page, 'Differences'), /^todos \/ …\w+new \{"text":"Bread"/)
    await panel(page).getByText('Document at 2').waitFor()
  })

  test('save a report, and are as they were after a reload', async ({ world }) => {
    const open = await world.open(desktop)
    const { page, a } = open
    await openDevtools(open)
    await a.add('Secret tea')
    await a.isSaved()
    await panel(page).getByRole('button', { name: 'Bug report' }).click()
    const download = page.waitForEvent('download')
    await panel(page).getByRole('button', { name: 'Save file' }).click()
    const file = await download
    expect(file.suggestedFilename()).toMatch(/^flushout-report-[\dT-]+\.json$/)
    const report = await text(await file.createReadStream())
    expect(report).not.toContain('Secret tea')
    expect(JSON.parse(report)).toMatchObject({
      kind: 'flushout-report',
      clients: [{ name: 'A', models: [{ status: { confirmed: 1 } }] }, { name: 'B' }],
    })

    await tab(page, 'Log').click()
    await page.reload()
    await tab(page, 'Log').and(page.locator('[aria-selected=true]')).waitFor()
    expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true)
  })

  test('are opened, looked through and closed by keys', async ({ world }) => {
    const open = await world.open(desktop)
    const { page, a } = open
    await a.add('Milk', 'Bread')
    await a.isSaved()
    await page.goto(`${page.url()}?devtools`)
    await launcher(page).focus()
    await page.keyboard.press('Enter')
    await rows(page, 'Confirmed commands').first().waitFor()
    const focused = () =>
      page.evaluate(() => {
        const inner = document.activeElement?.shadowRoot?.activeElement
        return inner?.getAttribute('aria-label') ?? inner?.textContent ?? ''
      })
    const seen = [await focused()]
    for (let count = 0; count < 6; count += 1) {
      await page.keyboard.press('Tab')
      seen.push(await focused())
    }
    expect(seen).toEqual([
      'Flushout devtools',
      'Height of the devtools',
      'Bug report',
      'Close devtools',
      expect.stringMatching(/^todos:/),
      'Commands',
      expect.stringMatching(/^2create/),
    ])
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toMatch(/^1create/)
    await page.keyboard.press('Enter')
    await panel(page).getByRole('button', { name: 'Show version 1' }).waitFor()
    await page.keyboard.press('Escape')
    expect(await focused()).toMatch(/^Open Flushout devtools/)
  })
})

describe.concurrent.for([
  ['a wide page in light', { ...desktop, colorScheme: 'light' }],
  ['a wide page in dark', { ...desktop, colorScheme: 'dark' }],
  ['a phone in light', { ...phone, colorScheme: 'light' }],
  ['a phone in dark', { ...phone, colorScheme: 'dark' }],
] as const)('%s', ([name, options]) => {
  test(`has devtools that axe agrees with, and that fit (${name})`, async ({ world }) => {
    const open = await world.open(options)
    const { page, a, b } = open
    await a.add('Milk', 'Bread')
    await b.shows('Milk', 'Bread')
    await page.goto(`${page.url()}?devtools`)
    await a.newTodo.waitFor()
    await expectAccessible(page)
    await a.offline.check()
    await a.edit('Milk', 'Oat milk')
    await b.delete('Milk')
    await b.isSaved()
    await launcher(page).click()
    await rows(page, 'Pending commands').first().locator('summary').click()
    await expectAccessible(page)
    await a.offline.evaluate((element: HTMLElement) => element.click())
    await rows(page, 'Lost commands').first().waitFor()
    await rows(page, 'Confirmed commands').first().locator('summary').click()
    await expectAccessible(page)
    await tab(page, 'Log').click()
    await expectAccessible(page)
    await tab(page, 'Versions').click()
    await panel(page).getByRole('slider').press('Home')
    await panel(page).getByRole('slider').press('ArrowRight')
    await rows(page, 'Differences').first().waitFor()
    await panel(page).getByRole('button', { name: 'Bug report' }).click()
    await expectAccessible(page)
    const overflow = await page.evaluate(() => {
      const root = document.querySelector('flushout-devtools')!.shadowRoot!
      const shown = [...root.querySelectorAll<HTMLElement>('.panel, .bar, .report, .detail, .view')]
      return shown.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).length
    })
    expect(overflow).toBe(0)
  })
})

describe.concurrent('the page around the devtools', () => {
  test('keeps its looks, and cannot spoil theirs', async ({ world }) => {
    const open = await world.open(desktop)
    const { page } = open
    const looks = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('#root *')].map((element) => {
          const { font, color, padding, display } = getComputedStyle(element)
          return [element.tagName, font, color, padding, display].join(' ')
        }),
      )
    await page.goto(`${page.url()}?devtools`)
    await launcher(page).waitFor()
    await open.a.newTodo.waitFor()
    // Nothing comes any more that is not there yet.
    await eventually(() => page.locator('.connection[data-state=live]').count(), 2)
    await eventually(() => page.locator('.chip').count(), 2)
    const before = await looks()
    const launched = await launcher(page).boundingBox()
    await launcher(page).click()
    expect(await looks()).toEqual(before)

    await page.addStyleTag({
      content: `body * { font: 40px/3 serif !important; color: red !important; display: none !important; }
        html { font-size: 40px; } flushout-devtools { position: absolute; transform: scale(2) }`,
    })
    await panel(page).getByRole('button', { name: 'Close devtools' }).click()
    expect(await launcher(page).boundingBox()).toEqual(launched)
  })

  test('may have a strict policy for what it loads', async ({ world }) => {
    const open = await world.open(desktop)
    const { page } = open
    // Which would give the page that it keeps, without a policy.
    await page.evaluate(async () => {
      const { serviceWorker } = navigator
      await (await serviceWorker.ready).unregister()
    })
    await page.route('**/lists/*', async (route) => {
      const response = await route.fetch()
      const policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
      await route.fulfill({
        response,
        headers: { ...response.headers(), 'content-security-policy': policy },
      })
    })
    await openDevtools(open)
    const height = await panel(page).evaluate((element) => element.clientHeight)
    expect(Math.round((height / 860) * 100)).toBe(45)
    await open.a.add('Milk')
    await rows(page, 'Confirmed commands').first().waitFor()
  })
})

/** What axe finds in the panel, and in what it lies over. */
async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source)
  const violations = await page.evaluate(async () => {
    const { axe: inPage } = globalThis as unknown as { axe: typeof axe }
    const result = await inPage.run('flushout-devtools')
    return result.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    )
  })
  expect(violations).toEqual([])
}
