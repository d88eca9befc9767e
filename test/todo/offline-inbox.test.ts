import { expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import type { LivePage } from './support/live-page.ts'
import { liveTest } from './support/live-world.ts'

const test = liveTest()

/** What stands in the list of A from top to bottom: todos, and cards with what was lost. */
function items({ a }: LivePage): Promise<string[]> {
  return a.root
    .locator('.todo')
    .evaluateAll((all) =>
      all.map((item) => item.querySelector('blockquote, .text')?.textContent ?? ''),
    )
}

test('what was refused stands where its todo was, in all tabs and after a reload, until it is done again', async ({
  live,
}) => {
  const tab = await live.open()
  await tab.a.add('Milk', 'Bread', 'Tea')
  await tab.b.shows('Milk', 'Bread', 'Tea')
  await tab.isKept()
  await tab.a.offline.check()
  await tab.a.edit('Bread', 'Rye bread')
  await tab.b.delete('Bread')
  await tab.b.isSaved()
  await tab.a.offline.uncheck()
  await tab.a.lost.getByText('This todo was deleted elsewhere.').waitFor()
  const other = await tab.another()
  for (const one of [tab, other]) {
    await eventually(() => items(one), ['Milk', 'Rye bread', 'Tea'])
    expect(await one.a.texts()).toEqual(['Milk', 'Tea'])
  }

  await live.unplug()
  await tab.page.reload()
  await tab.a.lost.waitFor()
  expect(await items(tab)).toEqual(['Milk', 'Rye bread', 'Tea'])
  await tab.a.button('Try again').click()
  for (const one of [tab, other]) {
    await one.a.shows('Milk', 'Tea', 'Rye bread')
    await one.a.lost.waitFor({ state: 'detached' })
  }
  await live.plugIn()
  await tab.a.isSaved()
  await tab.b.shows('Milk', 'Tea', 'Rye bread')
  expect(await live.saved()).toEqual({ texts: ['Milk', 'Tea', 'Rye bread'], commandCount: 5 })
})
