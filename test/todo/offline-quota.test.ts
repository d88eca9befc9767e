import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import { liveTest } from './support/live-world.ts'

const test = liveTest()

/** Let the browser look how much room is left: it does when more is wanted than it remembers. */
function useUpRoom(page: Page): Promise<string> {
  return page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        const request = indexedDB.open('large')
        request.addEventListener('upgradeneeded', () => request.result.createObjectStore('rows'))
        request.addEventListener('success', () => {
          const transaction = request.result.transaction('rows', 'readwrite')
          for (const name of ['abort', 'complete']) {
            transaction.addEventListener(name, () => resolve(name))
          }
          const bytes = Array.from({ length: 100 }, () =>
            crypto.getRandomValues(new Uint8Array(65_536)),
          )
          transaction.objectStore('rows').put(bytes.map(String).join(), 1)
        })
      }),
  )
}

test('a browser that has no room left works in memory, says so, and loses nothing', async ({
  live,
}) => {
  const tab = await live.open({ storageBytes: 4_000_000 })
  await tab.a.add('Milk')
  await tab.a.isSaved()
  await tab.isKept()
  const nothingIsStored = tab.a.root.getByText('Nothing is stored here')
  await live.unplug()
  await tab.a.add('Bread')
  await tab.a.announces('Offline, 1 change kept here')
  expect(await nothingIsStored.count()).toBe(0)

  await tab.limitStorage(tab.page.url(), 1)
  expect(await useUpRoom(tab.page)).toBe('abort')
  await tab.a.add('Tea')
  await tab.a.announces('Offline, 2 changes only in this page')
  await nothingIsStored.waitFor()
  await tab.a.edit('Tea', 'Green tea')
  await tab.a.shows('Milk', 'Bread', 'Green tea')
  await live.plugIn()
  await tab.a.isSaved()
  await tab.b.shows('Milk', 'Bread', 'Green tea')
  expect(await live.saved()).toEqual({ texts: ['Milk', 'Bread', 'Green tea'], commandCount: 4 })

  await tab.limitStorage(tab.page.url())
  await eventually(() => nothingIsStored.count(), 0)
  await live.unplug()
  await tab.a.add('Jam')
  await tab.a.announces('Offline, 1 change kept here')
  await tab.page.reload()
  await tab.a.shows('Milk', 'Bread', 'Green tea', 'Jam')
  await live.plugIn()
  await tab.a.isSaved()
  expect(await live.saved()).toMatchObject({ commandCount: 5 })
})

test('closing the page asks first only where changes would be lost', async ({ live }) => {
  const tab = await live.open({ storageBytes: 4_000_000 })
  await tab.a.add('Milk')
  await tab.a.isSaved()
  await tab.isKept()
  await live.unplug()
  await tab.a.add('Bread')
  await tab.a.announces('1 change kept here')
  const asked: string[] = []
  tab.page.on('dialog', async (dialog) => {
    asked.push(dialog.type())
    await dialog.accept()
  })
  await tab.page.reload()
  await tab.a.shows('Milk', 'Bread')
  expect(asked).toEqual([])
  await tab.limitStorage(tab.page.url(), 1)
  expect(await useUpRoom(tab.page)).toBe('abort')
  await tab.a.add('Tea')
  await tab.a.announces('only in this page')
  await tab.page.reload()
  await tab.a.shows('Milk', 'Bread')
  expect(asked).toEqual(['beforeunload'])
  await live.plugIn()
  await tab.a.isSaved()
})
