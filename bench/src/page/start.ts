// How soon a page shows what the device keeps, without any server. Each start is a page of
// its own, as after a reload.
import { median, percentile } from '../harness/measure.ts'
import type { Context, Section } from '../harness/section.ts'
import { Browser } from './browser.ts'
import type { StartPage, StoreName } from './start-page.tsx'

declare const startPage: StartPage

const NAMES: readonly StoreName[] = [
  'Flushout',
  'Flushout, suspended',
  'Replicache',
  'Yjs, y-indexeddb',
  'by hand, one text',
]
// Of a hundred bytes each.
const SIZES = [1_000, 10_000]
const STARTS = 13
const GOAL_MS = 100

async function fill(browser: Browser, name: StoreName, count: number): Promise<void> {
  await using page = await browser.openPage()
  await page.evaluate(([store, todos]) => startPage.fill(store, todos), [name, count] as const)
}

async function start(browser: Browser, name: StoreName, count: number): Promise<number> {
  await using page = await browser.openPage()
  const ms = await browser.profile(page, `${name} ${count}`, () =>
    page.evaluate((store) => startPage.start(store), name),
  )
  const heading = await page.evaluate(() => startPage.readHeading())
  const expected = `10 of ${count} done`
  if (heading !== expected) throw new Error(`${name} shows "${heading}" for "${expected}".`)
  return ms
}

/** What starts took, by store, shortest first. */
async function play(context: Context, count: number): Promise<Map<StoreName, number[]>> {
  // An empty profile.
  await using browser = await Browser.open('start-page.tsx', context)
  // The second one finds what the first has left.
  for (const name of NAMES) if (name !== 'Flushout, suspended') await fill(browser, name, count)
  const samples = new Map(NAMES.map((name) => [name, [] as number[]]))
  for (let time = 0; time < STARTS; time += 1) {
    for (const name of NAMES) samples.get(name)!.push(await start(browser, name, count))
  }
  for (const times of samples.values()) times.sort((a, b) => a - b)
  return samples
}

export async function run(context: Context): Promise<Section[]> {
  const bySize: Map<StoreName, number[]>[] = []
  for (const size of SIZES) bySize.push(await play(context, size))
  const [small, large] = bySize as [Map<StoreName, number[]>, Map<StoreName, number[]>]
  const ofSize = (samples: Map<StoreName, number[]>, name: StoreName) => [
    median(samples.get(name)!),
    percentile(samples.get(name)!, 95),
  ]
  return [
    {
      id: 'disk',
      title: 'From an empty page to one that shows the list on the device, 40 unsent edits in it',
      columns: ['100 KB', 'p95', '1 MB', 'p95'].map((name) => ({ name, unit: 'ms' })),
      rows: NAMES.map((name) => ({
        name,
        values: [...ofSize(small, name), ...ofSize(large, name)],
      })),
      goals: [
        {
          what: 'first render of 100 KB',
          value: median(small.get('Flushout')!),
          unit: 'ms',
          atMost: GOAL_MS,
        },
      ],
      plot: {
        x: { name: 'first render of 1 MB', unit: 'ms', isLinear: true },
        bars: NAMES.map((name) => ({ name, value: median(large.get(name)!) })),
      },
    },
  ]
}
