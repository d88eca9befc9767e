import type { StorageKey, StorageNews } from '@flushout/client'
import { storageContract } from '@flushout/client/testing'
import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import type { OpenStorage, StoragePage } from './support/storage-page.ts'
import { storageTest } from './support/storage-world.ts'

declare global {
  var storagePage: StoragePage
  var opened: OpenStorage
}

const test = storageTest()

describe('indexedDbStorage in a browser', () => {
  storageContract(
    (title) => {
      test(title, async ({ world }) => {
        const page = await world.open()
        await page.evaluate((name) => storagePage.keep(name), title)
      })
    },
    () => {
      throw new Error('The storages are made in the page.')
    },
  )
})

test('writes of one turn are few transactions', async ({ world }) => {
  const page = await openApp(world)
  const count = await page.evaluate(async () => {
    const before = storagePage.writeCount
    const writes = Array.from({ length: 1000 }, (_, n) =>
      opened.storage.write([{ put: ['n', n], value: n }]),
    )
    await Promise.all(writes)
    return storagePage.writeCount - before
  })
  expect(count).toBe(1)
  expect(await keys(page)).toHaveLength(1000)
})

test('tabs see what each of them writes', async ({ world }) => {
  const [first, second] = [await openApp(world), await openApp(world)]
  await Promise.all([put(first, ['first']), put(second, ['second'])])
  expect(await keys(first)).toEqual([['first'], ['second']])
  expect(await keys(second)).toEqual([['first'], ['second']])
})

test('what was written survives a crash of the page, and nothing is half there', async ({
  world,
}) => {
  const page = await openApp(world)
  let stored = -1
  await page.exposeFunction('onStored', (n: number) => {
    stored = n
  })
  await page.evaluate(() => {
    const { onStored } = globalThis as unknown as { onStored: (n: number) => void }
    const write = async (n: number): Promise<void> => {
      const text = 'x'.repeat(10_000)
      const changes = ['a', 'b', 'c'].map((part) => ({ put: [part, n], value: text }))
      await opened.storage.write(changes)
      onStored(n)
      return write(n + 1)
    }
    void write(0)
  })
  await eventually(() => stored > 30, true)
  const session = await world.context.newCDPSession(page)
  const crashed = page.waitForEvent('crash')
  session.send('Page.crash').catch(() => {})
  await crashed

  const next = await openApp(world)
  const found = (await keys(next)) as [string, number][]
  const of = (part: string) => found.filter(([name]) => name === part).map(([, n]) => n)
  expect(of('a').length).toBeGreaterThan(stored)
  expect(of('b')).toEqual(of('a'))
  expect(of('c')).toEqual(of('a'))
})

describe('where nothing may be stored', () => {
  const cases: readonly [string, string, (() => void) | undefined][] = [
    ['the page is sandboxed', '/sandboxed', undefined],
    [
      'there is no IndexedDB',
      '/',
      () => Object.defineProperty(globalThis, 'indexedDB', { value: undefined }),
    ],
    [
      'opening fails later',
      '/',
      () => {
        // As in private windows of older browsers.
        const open = indexedDB.open.bind(indexedDB)
        indexedDB.open = (name, version) => {
          const request = open(name, version)
          request.addEventListener('upgradeneeded', () => request.transaction?.abort())
          return request
        }
      },
    ],
  ]
  test.for(cases)('%s: rows are kept in memory', async ([, path, before], { world }) => {
    const page = await openApp(world, path, before)
    await put(page, ['a', 1])
    expect(await keys(page)).toEqual([['a', 1]])
    expect(await isDurable(page)).toBe(false)
    expect(await news(page)).toEqual(['volatile'])
  })
})

test('with the quota used up rows are kept in memory, until there is room again', async ({
  world,
}) => {
  const page = await openApp(world)
  const session = await world.context.newCDPSession(page)
  const { origin } = world
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 200_000 })
  await put(page, ['before'])
  await page.evaluate(() => {
    // Nothing that the browser could make smaller.
    const bytes = Array.from({ length: 100 }, () => crypto.getRandomValues(new Uint8Array(65_536)))
    return opened.storage.write([{ put: ['large'], value: bytes.map(String).join() }])
  })
  expect(await isDurable(page)).toBe(false)
  expect(await keys(page)).toEqual([['before'], ['large']])
  const other = await openApp(world)
  expect(await keys(other)).toEqual([['before']])

  await session.send('Storage.overrideQuotaForOrigin', { origin })
  await put(page, ['after'])
  expect(await isDurable(page)).toBe(true)
  expect(await news(page)).toEqual(['volatile', 'durable'])
  expect(await keys(other)).toEqual([['after'], ['before'], ['large']])
})

test('a tab can delete the database, which all others are told, and begin anew', async ({
  world,
}) => {
  const tabs = [await openApp(world), await openApp(world)]
  for (const [index, tab] of tabs.entries()) await put(tab, ['before', index])
  const other = await world.open()
  await other.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase('app')
        request.addEventListener('success', resolve)
        request.addEventListener('error', reject)
      }),
  )
  for (const [index, tab] of tabs.entries()) {
    await eventually(() => news(tab), ['erased'])
    await put(tab, ['after', index])
    expect(await isDurable(tab)).toBe(true)
  }
  expect(await keys(await openApp(world))).toEqual([
    ['after', 0],
    ['after', 1],
  ])
})

test('the user can delete the data of the site, which is told and begins anew', async ({
  world,
}) => {
  const page = await openApp(world)
  await put(page, ['a'])
  const session = await world.context.newCDPSession(page)
  await session.send('Storage.clearDataForOrigin', {
    origin: world.origin,
    storageTypes: 'indexeddb',
  })
  // The browser opens nothing while it deletes.
  await eventually(() => news(page), expect.arrayContaining(['erased']))
  await eventually(() => isDurable(page), true)
  await put(page, ['b'])
  expect(await keys(await openApp(world))).toEqual([['b']])
})

test('a newer version of the app in another tab takes over at once', async ({ world }) => {
  const page = await openApp(world)
  await put(page, ['before'])
  const newer = await world.open()
  const rows = await newer.evaluate(
    () =>
      new Promise<number>((resolve, reject) => {
        const request = indexedDB.open('app', 2)
        request.addEventListener('blocked', () => reject(new Error('It was blocked.')))
        request.addEventListener('success', () => {
          const count = request.result.transaction('rows').objectStore('rows').count()
          count.addEventListener('success', () => resolve(count.result))
        })
      }),
  )
  expect(rows).toBe(1)
  await put(page, ['after'])
  expect(await isDurable(page)).toBe(false)
  expect(await news(page)).toEqual(['volatile'])
})

async function openApp(
  world: { open(path?: string, before?: () => void): Promise<Page> },
  path?: string,
  before?: () => void,
): Promise<Page> {
  const page = await world.open(path, before)
  await page.evaluate(() => {
    globalThis.opened = storagePage.open('app')
  })
  return page
}

function put(page: Page, key: StorageKey): Promise<void> {
  return page.evaluate((at) => opened.storage.write([{ put: at, value: 1 }]), key)
}

function keys(page: Page): Promise<StorageKey[]> {
  return page.evaluate(async () => (await opened.storage.read([])).map(({ key }) => key))
}

function isDurable(page: Page): Promise<boolean> {
  return page.evaluate(() => opened.storage.isDurable)
}

function news(page: Page): Promise<readonly StorageNews[]> {
  return page.evaluate(() => opened.news)
}
