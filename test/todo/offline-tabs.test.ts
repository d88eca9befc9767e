import { expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import { liveTest } from './support/live-world.ts'

const test = liveTest()

const texts = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`)

test('three tabs write at once while the one that speaks for them is closed: all is there once', async ({
  live,
}) => {
  const one = await live.open()
  await one.a.add('Milk')
  await one.a.isSaved()
  const [two, three] = [await one.another(), await one.another()]
  for (const tab of [two, three]) await tab.a.shows('Milk')
  // Nothing that it sends is answered any more, and every second flush does not even arrive.
  let held = 0
  await one.page.route('**/flush', async (route) => {
    held += 1
    if (held % 2 === 1) await route.fetch()
  })
  const written = { one: texts('one', 5), two: texts('two', 12), three: texts('three', 12) }
  const closeOne = async () => {
    const shown = () => two.a.texts()
    await eventually(shown, expect.arrayContaining(written.one))
    await eventually(() => held > 1, true)
    await one.page.close()
  }
  await Promise.all([
    one.a.add(...written.one).then(closeOne),
    two.a.add(...written.two),
    three.a.add(...written.three),
  ])
  await eventually(async () => (await live.saved()).commandCount, 1 + 5 + 12 + 12)
  const saved = (await live.saved()).texts
  for (const [name, all] of Object.entries(written)) {
    expect(saved.filter((text) => text.startsWith(name))).toEqual(all)
  }
  for (const tab of [two, three]) {
    await tab.a.isSaved()
    await eventually(async () => (await tab.a.texts()).toSorted(), saved.toSorted())
    expect(await tab.a.lost.count()).toBe(0)
  }
  expect(await two.a.texts()).toEqual(await three.a.texts())
})

test('three tabs that nobody answers show what each of them does, and a reload of all changes nothing', async ({
  live,
}) => {
  const one = await live.open()
  await one.a.add('Milk')
  await one.a.isSaved()
  await one.isKept()
  const tabs = [one, await one.another(), await one.another()] as const
  for (const tab of tabs) await tab.a.shows('Milk')
  await live.unplug()
  for (const [index, tab] of tabs.entries()) await tab.a.add(`Tea ${index}`)
  await tabs[2].a.edit('Milk', 'Oat milk')
  const all = ['Oat milk', 'Tea 0', 'Tea 1', 'Tea 2']
  for (const tab of tabs) await tab.a.shows(...all)
  await Promise.all(tabs.map(({ page }) => page.reload()))
  for (const tab of tabs) await tab.a.shows(...all)
  await live.plugIn()
  for (const tab of tabs) await tab.a.isSaved()
  await eventually(async () => (await live.saved()).commandCount, 5)
  // Each had sent its own, in vain: which comes first is for the master to say.
  const saved = (await live.saved()).texts
  expect(saved.toSorted()).toEqual(all)
  for (const { a, b } of tabs) {
    await a.shows(...saved)
    await b.shows(...saved)
  }
})
