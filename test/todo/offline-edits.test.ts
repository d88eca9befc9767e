import { describe, expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import { liveTest } from './support/live-world.ts'

const test = liveTest()

describe('what is done while nothing can be reached', () => {
  test('is there after a reload, goes on, and reaches the server once and in order', async ({
    live,
  }) => {
    const tab = await live.open()
    await tab.a.add('Milk', 'Bread')
    await tab.a.isSaved()
    await tab.isKept()
    await live.unplug()
    await tab.a.add('Tea')
    await tab.a.edit('Milk', 'Oat milk')
    await tab.a.announces('2 changes kept here')
    await tab.page.reload()
    await tab.a.shows('Oat milk', 'Bread', 'Tea')
    await tab.a.announces('2 changes kept here')
    await tab.a.edit('Oat milk', 'Rice milk')
    await tab.a.tick('Tea').check()
    await tab.a.add('Jam')
    await tab.page.reload()
    await tab.a.shows('Rice milk', 'Bread', '✓ Tea', 'Jam')
    await tab.a.delete('Bread')
    await tab.a.announces('6 changes kept here')
    await live.plugIn()
    await tab.a.isSaved()
    await tab.b.shows('Rice milk', '✓ Tea', 'Jam')
    expect(await live.saved()).toEqual({ texts: ['Rice milk', '✓ Tea', 'Jam'], commandCount: 8 })
    await eventually(() => tab.a.texts(), ['Rice milk', '✓ Tea', 'Jam'])
    expect(await tab.a.lost.count()).toBe(0)
  })

  test('is saved when the browser has its network again', async ({ live }) => {
    live.mayComplain('Failed to load resource: net::ERR_INTERNET_DISCONNECTED')
    const tab = await live.open()
    await tab.a.add('Milk')
    await tab.a.isSaved()
    await tab.isKept()
    await tab.context.setOffline(true)
    await tab.page.reload()
    await tab.a.edit('Milk', 'Oat milk')
    await tab.a.announces('Offline, 1 change kept here')
    await tab.page.reload()
    await tab.a.shows('Oat milk')
    await tab.context.setOffline(false)
    await tab.a.isSaved()
    await tab.b.shows('Oat milk')
    expect(await live.saved()).toEqual({ texts: ['Oat milk'], commandCount: 2 })
  })
})
