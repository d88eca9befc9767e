// What one edit of one row costs, and how much of the page it renders, in Chromium.
import type { Page } from 'playwright-core'
import { median, percentile } from '../harness/measure.ts'
import type { Context, Row, Section } from '../harness/section.ts'
import { Browser } from './browser.ts'
import type { ListName, RenderPage, Shown } from './render-page.tsx'
import { whom } from './whom.ts'

declare const renderPage: RenderPage

const SIZES = [100, 1_000, 10_000]
const NAMES: readonly ListName[] = [
  'Flushout',
  'TanStack DB, live query',
  'Immer in one state',
  'Immer, each row asks',
  'Yjs, one snapshot',
  'Yjs, each row observes',
  'React alone, state in rows',
]
const ROUNDS = 6
const EDITS = 8
const MOUNTS = 3

/** One list in a page of its own. */
interface Stand {
  readonly name: ListName
  readonly page: Page
  readonly mounted: readonly Shown[]
  readonly edits: Shown[]
}

/** Show each list some times, in turn; the last pages stay. */
async function mount(browser: Browser, size: number, times: number): Promise<readonly Stand[]> {
  const mounted = new Map(NAMES.map((name) => [name, [] as Shown[]]))
  for (let time = 1; ; time += 1) {
    const pages: Page[] = []
    for (const name of NAMES) {
      const page = await browser.openPage()
      pages.push(page)
      const shown = await page.evaluate(([list, count]) => renderPage.mount(list, count), [
        name,
        size,
      ] as const)
      mounted.get(name)!.push(shown)
    }
    if (time === times) {
      return NAMES.map((name, index) => ({
        name,
        page: pages[index]!,
        mounted: mounted.get(name)!,
        edits: [],
      }))
    }
    for (const page of pages) await page.close()
  }
}

/** All lists of one size, which take turns. */
async function play(browser: Browser, size: number): Promise<readonly Stand[]> {
  const stands = await mount(browser, size, size === SIZES.at(-1) ? MOUNTS : 1)
  // What is compiled for the first edits is not what is asked for.
  for (const { page } of stands) await page.evaluate((times) => renderPage.edit(times), EDITS)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { page, edits } of stands) {
      edits.push(...(await page.evaluate((times) => renderPage.edit(times), EDITS)))
    }
  }
  const { name, page } = stands[0]!
  await browser.profile(page, `${name} ${size} rows`, () =>
    page.evaluate(() => renderPage.edit(100)),
  )
  return stands
}

/** What is rendered when nothing new comes, and when one row does. */
async function exchange(page: Page): Promise<{ confirmed: Shown; heard: Shown }> {
  const confirmed = await page.evaluate(() => renderPage.confirm())
  const heard = await page.evaluate(() => renderPage.hear())
  return { confirmed, heard }
}

const timesOf = ({ edits }: Stand) => edits.map(({ ms }) => ms).sort((a, b) => a - b)
const rowsOf = ({ edits }: Stand) => Math.max(...edits.map(({ rows }) => rows))
const listsOf = ({ edits }: Stand) => Math.max(...edits.map(({ lists }) => lists))

function toRow(stand: Stand): Row {
  const times = timesOf(stand)
  return {
    name: stand.name,
    values: [
      rowsOf(stand),
      listsOf(stand),
      percentile(times, 50),
      percentile(times, 95),
      median(stand.mounted.map(({ ms }) => ms)),
    ],
  }
}

/** What a list of 10,000 rendered in all. */
function editSection(stands: readonly Stand[]): Section {
  const ms = (name: string) => ({ name, unit: 'ms' }) as const
  const count = (name: string) => ({ name, unit: '' }) as const
  return {
    id: 'edit',
    title: 'A click on one of 10,000 rows, until the page shows the edit',
    columns: [count('rows rendered'), count('lists'), ms('median'), ms('p95'), ms('first render')],
    rows: stands.map(toRow),
    goals: [
      {
        what: 'rows rendered by one edit',
        value: rowsOf(stands[0]!) + listsOf(stands[0]!),
        unit: '',
        atMost: 1,
      },
    ],
  }
}

function growthSection(bySize: ReadonlyMap<number, readonly Stand[]>): Section {
  const lines = NAMES.map((name, index) => ({
    name,
    points: [...bySize].map(([size, stands]) => [size, median(timesOf(stands[index]!))] as const),
  }))
  return {
    id: 'growth',
    title: 'One edit of one row, by the number of rows',
    rowsAre: 'rows',
    columns: NAMES.map((name) => ({ name, unit: 'ms' })),
    rows: [...bySize].map(([size, stands]) => ({
      name: size.toLocaleString('en'),
      values: stands.map((stand) => median(timesOf(stand))),
    })),
    plot: { x: { name: 'rows', unit: '' }, y: { name: 'one edit', unit: 'ms' }, lines },
  }
}

function exchangeSection(confirmed: Shown, heard: Shown): Section {
  const all = ({ rows, lists }: Shown) => rows + lists
  return {
    id: 'exchange',
    title: 'What 10,000 rows of Flushout render by an exchange with the server',
    columns: [
      { name: 'rows', unit: '' },
      { name: 'lists', unit: '' },
    ],
    rows: [
      { name: 'edits are confirmed', values: [confirmed.rows, confirmed.lists] },
      { name: 'somebody else edits a row', values: [heard.rows, heard.lists] },
    ],
    goals: [
      { what: 'renders by a confirmed flush', value: all(confirmed), unit: '', atMost: 0 },
      { what: "renders by somebody's edit", value: all(heard), unit: '', atMost: 1 },
    ],
  }
}

export async function run(context: Context): Promise<Section[]> {
  await using browser = await Browser.open('render-page.tsx', context)
  const bySize = new Map<number, readonly Stand[]>()
  let exchanged: { confirmed: Shown; heard: Shown } | undefined
  for (const size of SIZES) {
    const stands = await play(browser, size)
    bySize.set(size, stands)
    if (size === SIZES.at(-1)) exchanged = await exchange(stands[0]!.page)
    for (const { page } of stands) await page.close()
  }
  return [
    editSection(bySize.get(SIZES.at(-1)!)!),
    growthSection(bySize),
    exchangeSection(exchanged!.confirmed, exchanged!.heard),
    await whom(),
  ]
}
