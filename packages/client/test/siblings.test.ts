// Several tabs of one browser with the same model: what each of them has not sent yet
// the others show at once, and what builds on it is sent after it.
import { memoryStorage, type StorageRow } from '@flushout/client'
import { createTestDisk, createTestEnvironment } from '@flushout/client/testing'
import type { Interceptor } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import {
  createWorld,
  KEY,
  OTHER_KEY,
  pass,
  type Page,
  type TodoList,
} from './support/page-world.ts'
import { TestBrowser } from './support/test-browser.ts'

/** Three tabs that show one list. */
async function openTabs(
  options?: Parameters<typeof createWorld>[0],
  interceptors: readonly Interceptor[] = [],
) {
  const world = createWorld(options)
  const browser = new TestBrowser()
  const tabs = [browser.open(), browser.open(), browser.open()]
  const pages = tabs.map((tab) => world.open({ tabs: tab, interceptors })) as [Page, Page, Page]
  await pass(1_000, ...pages)
  /** The tab is gone, without a word. */
  const kill = (index: 0 | 1 | 2) => {
    tabs[index]!.kill()
    pages[index].client.close()
  }
  return { ...world, browser, tabs, pages, kill }
}

const unplug = (...pages: readonly Page[]) => {
  for (const { network } of pages) network.dropRequests()
}
const plugIn = (...pages: readonly Page[]) => {
  for (const { network } of pages) network.heal()
}

describe('tabs of one browser', () => {
  test('show at once what the others have not sent, and agree on all of it', async () => {
    const { pages, texts } = await openTabs()
    const [one, two, three] = pages
    unplug(...pages)
    const { id } = one.add('Milk')
    await pass(100, ...pages)
    expect(two.texts()).toEqual(['Milk'])
    two.model.update(['todos', id], { text: 'Oat milk' })
    await pass(100, ...pages)
    three.add('Bread')
    one.model.update(['todos', id], { text: 'Rice milk' })
    await pass(100, ...pages)
    for (const page of pages) expect(page.texts()).toEqual(['Rice milk', 'Bread'])
    expect(texts()).toEqual([])
    // Counted where they were given.
    expect(pages.map(({ model }) => model.status.queued + model.status.inFlight)).toEqual([2, 1, 1])

    plugIn(...pages)
    await pass(60_000, ...pages)
    expect(texts().toSorted()).toEqual(['Bread', 'Rice milk'])
    for (const page of pages) {
      expect(page.texts()).toEqual(texts())
      expect(page.model.status).toMatchObject({ queued: 0, inFlight: 0, rejected: 0 })
    }
  })

  test('never show an edit less on its way from one tab over the server to the others', async () => {
    const { pages } = await openTabs()
    const [one, two, three] = pages
    const seen: string[][] = []
    one.add('Milk')
    for (const page of [two, three]) page.model.subscribe(() => void seen.push(page.texts()))
    await pass(10_000, ...pages)
    expect(seen).not.toEqual([])
    expect(seen.filter((list) => list.join() !== 'Milk')).toEqual([])
  })

  test('go on to show what was sent until they hear of it from the server', async () => {
    const { pages, texts } = await openTabs()
    const [one, two] = pages
    two.client.pause()
    one.add('Milk')
    await pass(10_000, ...pages)
    expect(texts()).toEqual(['Milk'])
    expect(two.texts()).toEqual(['Milk'])
    expect(two.model.status.confirmed).toBe(0)
    two.client.resume()
    await pass(10_000, ...pages)
    expect(two.texts()).toEqual(['Milk'])
    expect(two.model.status.confirmed).toBe(1)
  })

  test('show what is pending in tabs that were open before them', async () => {
    const { pages, tabs, open, browser } = await openTabs()
    unplug(...pages)
    pages[0].add('Milk')
    await pass(1_000, ...pages)
    // It cannot say so itself.
    tabs[0]!.freeze()
    const fourth = open({ tabs: browser.open() })
    fourth.network.dropRequests()
    await fourth.settle()
    expect(fourth.texts()).toEqual(['Milk'])
  })

  test('send what builds on an edit of another tab after that', async () => {
    const { pages, texts } = await openTabs()
    const [one, two] = pages
    one.client.pause()
    const { id } = one.add('Milk')
    await pass(100, ...pages)
    two.add('Bread')
    two.model.update(['todos', id], { text: 'Oat milk' })
    two.add('Tea')
    await pass(60_000, ...pages)
    expect(texts()).toEqual(['Bread'])
    expect(two.model.status).toMatchObject({ queued: 2, state: 'live' })
    expect(two.texts()).toEqual(['Bread', 'Oat milk', 'Tea'])
    one.client.resume()
    await pass(1_000, ...pages)
    expect(texts()).toEqual(['Bread', 'Oat milk', 'Tea'])
    expect(two.model.rejections).toEqual([])
  })

  test('wait no longer for one that is frozen', async () => {
    const { pages, tabs, texts } = await openTabs()
    const [one, two, three] = pages
    one.client.pause()
    const { id } = one.add('Milk')
    await pass(100, ...pages)
    two.model.update(['todos', id], { text: 'Oat milk' })
    two.add('Bread')
    await pass(100, ...pages)
    tabs[0]!.freeze()
    await pass(30_000, two, three)
    expect(texts()).toEqual(['Bread'])
    expect(two.model.rejections).toMatchObject([{ kind: 'dropped' }])
    // It is back, and so is what it had.
    tabs[0]!.thaw()
    one.client.resume()
    await pass(1_000, ...pages)
    expect(texts()).toEqual(['Bread', 'Milk'])
  })
})

describe('what was refused in one tab', () => {
  const refuseMilk = {
    interceptors: [
      (_: unknown, command: { readonly props?: { readonly text?: unknown } }) =>
        command.props?.text === 'Milk'
          ? { reject: { code: 'NO_MILK', message: 'There is no milk.' } }
          : undefined,
    ],
  } as unknown as Parameters<typeof createWorld>[0]

  test('is told in all, and gone from all when it was dismissed in one', async () => {
    const { pages, open, browser } = await openTabs(refuseMilk)
    const [one, two, three] = pages
    one.add('Milk')
    two.add('Milk')
    await pass(10_000, ...pages)
    for (const { model } of pages) {
      expect(model.rejections).toMatchObject([{ kind: 'rejected' }, { kind: 'rejected' }])
    }
    // The one that was given there, and one of another tab.
    const fourth = open({ tabs: browser.open() })
    await pass(1_000, ...pages, fourth)
    for (const lost of one.model.rejections) {
      one.model.dismiss(lost)
      await pass(1_000, ...pages, fourth)
    }
    for (const { model } of [...pages, fourth]) expect(model.rejections).toEqual([])
    const last = open({ tabs: browser.open() })
    await pass(1_000, ...pages, last)
    expect(last.model.rejections).toEqual([])
    expect(three.model.status.rejected).toBe(0)
  })

  test('is told once when that tab is gone', async () => {
    const { pages, kill } = await openTabs(refuseMilk)
    const [one, two, three] = pages
    one.client.pause()
    one.add('Milk')
    await pass(1_000, ...pages)
    kill(0)
    await pass(10_000, two, three)
    for (const { model } of [two, three]) {
      expect(model.rejections).toMatchObject([{ kind: 'rejected', rejection: { code: 'NO_MILK' } }])
    }
    two.model.dismiss(two.model.rejections[0]!)
    await pass(1_000, two, three)
    for (const { model } of [two, three]) expect(model.rejections).toEqual([])
  })
})

/** At most one todo is there: a new one has the others go. */
const onlyOne: Interceptor = (document, command) => {
  if (command.action !== 'create') return undefined
  const ids = document.keys(['todos'])
  return { follow: ids.map((id) => ({ action: 'delete', path: ['todos', id] })) }
}

test('what follows an edit by a rule shows in all tabs, and outlives the tab', async () => {
  const { pages, texts, kill } = await openTabs({ interceptors: [onlyOne] }, [onlyOne])
  const [one, two, three] = pages
  two.add('Milk')
  await pass(10_000, ...pages)
  unplug(...pages)
  one.add('Bread')
  await pass(1_000, ...pages)
  for (const page of pages) expect(page.texts()).toEqual(['Bread'])
  kill(0)
  await pass(10_000, two, three)
  for (const page of [two, three]) expect(page.texts()).toEqual(['Bread'])
  expect(texts()).toEqual(['Milk'])
  plugIn(two, three)
  await pass(60_000, two, three)
  for (const page of [two, three]) {
    expect(page.texts()).toEqual(['Bread'])
    expect(page.model.status).toMatchObject({ queued: 0, inFlight: 0, confirmed: 3 })
  }
  expect(texts()).toEqual(['Bread'])
})

describe('a tab that dies', () => {
  test('leaves its edits to another, which sends them before what builds on them', async () => {
    const { pages, texts, kill, open, browser } = await openTabs()
    const [one, two, three] = pages
    for (const { client } of pages) client.pause()
    const { id } = one.add('Milk')
    await pass(1_000, ...pages)
    two.model.update(['todos', id], { text: 'Oat milk' })
    one.add('Bread')
    await pass(1_000, ...pages)
    kill(0)
    await pass(1_000, two, three)
    for (const page of [two, three]) expect(page.texts()).toEqual(['Oat milk', 'Bread'])
    // One has it, and who comes later does not take it, too.
    const late = open({ tabs: browser.open() })
    late.client.pause()
    await pass(1_000, two, three, late)
    expect(late.texts()).toEqual(['Oat milk', 'Bread'])
    const carried = [two, three, late].map(
      ({ model }) => model.status.queued + model.status.inFlight,
    )
    expect(carried.reduce((a, b) => a + b)).toBe(3)
    for (const { client } of [two, three, late]) client.resume()
    await pass(60_000, two, three, late)
    expect(texts()).toEqual(['Oat milk', 'Bread'])
    for (const { model } of [two, three]) {
      expect(model.status).toMatchObject({ queued: 0, inFlight: 0, rejected: 0 })
    }
  })

  test('leaves an atomic group as one: another tab sends all of it, and loses all of it', async () => {
    const { pages, texts, kill, open } = await openTabs()
    const [one, two, three] = pages
    const milk = one.add('Milk')
    await pass(1_000, ...pages)
    unplug(...pages)
    const swap = (text: string) =>
      one.model.batch(
        () => {
          one.model.update(['todos', milk.id], { text })
          one.add(`With ${text}`)
        },
        { atomic: true, label: `Swap for ${text}` },
      )
    swap('Oat milk')
    await pass(1_000, ...pages)
    expect(two.texts()).toEqual(['Oat milk', 'With Oat milk'])
    const elsewhere = open({ storage: memoryStorage() })
    await pass(1_000, elsewhere)
    elsewhere.model.delete(['todos', milk.id])
    await pass(1_000, elsewhere)
    kill(0)
    plugIn(two, three)
    await pass(60_000, two, three, elsewhere)
    const sent = [two, three].flatMap(({ network }) =>
      network.flushes.filter(({ commands }) => commands.length > 0),
    )
    const groups = [{ at: 0, count: 2, label: 'Swap for Oat milk', atomic: true }]
    expect(sent.map((flush) => flush.groups)).toEqual([groups])
    for (const page of [two, three]) {
      expect(page.texts()).toEqual([])
      expect(page.model.rejections).toHaveLength(2)
    }
    expect(texts()).toEqual([])
  })

  test('between sending and hearing leaves what takes effect once', async () => {
    const { pages, texts, kill } = await openTabs()
    const [one, two, three] = pages
    for (const { network } of pages) network.dropAnswers()
    one.add('Milk')
    await pass(1_000, ...pages)
    expect(texts()).toEqual(['Milk'])
    kill(0)
    plugIn(two, three)
    await pass(60_000, two, three)
    expect(texts()).toEqual(['Milk'])
    for (const page of [two, three]) expect(page.texts()).toEqual(['Milk'])
  })

  test('all of them, one after the other: the last one has everything', async () => {
    const { pages, texts, kill, open, browser } = await openTabs()
    unplug(...pages)
    for (const [index, page] of pages.entries()) {
      page.add(`${index} a`)
      page.add(`${index} b`)
    }
    await pass(1_000, ...pages)
    kill(0)
    await pass(1_000, pages[1], pages[2])
    kill(1)
    await pass(1_000, pages[2])
    kill(2)
    const last = open({ tabs: browser.open() })
    last.network.dropRequests()
    await last.settle()
    expect(last.texts()).toHaveLength(6)
    const { queued, inFlight } = last.model.status
    expect(queued + inFlight).toBe(6)
    last.network.heal()
    await pass(60_000, last)
    expect(texts().toSorted()).toEqual(['0 a', '0 b', '1 a', '1 b', '2 a', '2 b'])
    expect(last.texts()).toEqual(texts())
  })

  test('takes with it what it kept nowhere', async () => {
    const { open } = createWorld()
    const browser = new TestBrowser()
    const tab = browser.open()
    const one = open({ tabs: tab, storage: memoryStorage() })
    const two = open({ tabs: browser.open(), storage: memoryStorage() })
    await pass(1_000, one, two)
    unplug(one, two)
    const { id } = one.add('Milk')
    await pass(1_000, one, two)
    two.model.update(['todos', id], { text: 'Oat milk' })
    expect(two.texts()).toEqual(['Oat milk'])
    tab.kill()
    one.client.close()
    plugIn(two)
    await pass(10_000, two)
    expect(two.texts()).toEqual([])
    expect(two.model.rejections).toMatchObject([{ kind: 'dropped' }])
  })

  test('with a model that no other has open leaves its edits to whoever lives', async () => {
    const { pages, texts, start, browser } = await openTabs()
    const tab = browser.open()
    const fourth = start({ tabs: tab })
    const model = fourth.client.model<TodoList>(OTHER_KEY)
    const leave = model.subscribe(() => {})
    await pass(1_000, fourth, ...pages)
    fourth.client.pause()
    model.create(['todos'], { text: 'Report' })
    leave()
    await pass(1_000, fourth, ...pages)
    expect(texts(OTHER_KEY)).toEqual([])
    tab.kill()
    fourth.client.close()
    await pass(60_000, ...pages)
    expect(texts(OTHER_KEY)).toEqual(['Report'])
  })
})

test('what was done with edits of a tab that died while a page began shows there, too', async () => {
  const { open, browser, pages, kill, texts } = await openTabs()
  const [one, two, three] = pages
  unplug(one)
  const { id } = one.add('Milk')
  await pass(1_000, ...pages)
  let openGate = () => {}
  const gate = new Promise<void>((resolve) => {
    openGate = resolve
  })
  const tab = browser.open()
  const ask = tab.isHeld
  const isHeld = async (name: string) => {
    const isAlive = await ask(name)
    await gate
    return isAlive
  }
  const late = open({ tabs: Object.assign(tab, { isHeld }) })
  await pass(1_000, two, three, late)
  kill(0)
  await pass(1_000, two, three)
  expect(texts()).toEqual(['Milk'])
  two.model.delete(['todos', id])
  await pass(1_000, two, three)
  expect(texts()).toEqual([])
  openGate()
  await pass(10_000, two, three, late)
  expect(late.texts()).toEqual([])
})

test('what a tab gave up is not shown by another that read the disk before', async () => {
  const { open, storage, texts } = createWorld()
  const browser = new TestBrowser()
  const one = open({ tabs: browser.open() })
  const gate = { isShut: false, open: () => {} }
  const read: typeof storage.read = async (prefix) => {
    const rows = await storage.read(prefix)
    // All rows of the model.
    const isShelf = prefix.length === 2 && prefix[1] === KEY
    if (isShelf && gate.isShut) await new Promise<void>((resolve) => (gate.open = resolve))
    return rows
  }
  const two = open({ tabs: browser.open(), storage: { ...storage, read } })
  const tab = browser.open()
  const three = open({ tabs: tab })
  await pass(1_000, one, two, three)
  one.network.dropRequests()
  one.add('Milk')
  await pass(1_000, one, two, three)
  expect(two.texts()).toEqual(['Milk'])
  gate.isShut = true
  tab.kill()
  three.client.close()
  await pass(1_000, one, two)
  // It goes on under another id.
  one.network.heal()
  one.network.refuse('SEQUENCE_PAST', { times: 1 })
  await pass(10_000, one, two)
  expect(one.model.rejections).toMatchObject([{ kind: 'dropped' }])
  gate.isShut = false
  gate.open()
  await pass(10_000, one, two)
  for (const page of [one, two]) expect(page.texts()).toEqual(texts())
  expect(texts()).toEqual([])
})

test('what a page takes over while the disk refuses it leaves to no other, until it dies', async () => {
  const { start, open, texts } = createWorld()
  const browser = new TestBrowser()
  const environment = createTestEnvironment()
  const disk = createTestDisk(environment)
  const openTab = () => {
    const tab = browser.open()
    return { tab, page: open({ tabs: tab, storage: disk.open() }) }
  }
  const first = openTab()
  await pass(1_000, first.page)
  first.page.client.pause()
  first.page.add('Milk')
  await pass(1_000, first.page)
  first.tab.kill()
  first.page.client.close()

  disk.refuse()
  const second = openTab()
  second.page.client.pause()
  await pass(1_000, second.page)
  const third = openTab()
  third.page.client.pause()
  await pass(1_000, second.page, third.page)
  const counts = () => [second, third].map(({ page }) => page.model.status.queued)
  expect(counts()).toEqual([1, 0])
  for (const { page } of [second, third]) expect(page.texts()).toEqual(['Milk'])
  second.tab.kill()
  second.page.client.close()
  await pass(1_000, third.page)
  expect(counts()[1]).toBe(1)
  third.page.client.resume()
  await pass(10_000, third.page)
  expect(texts()).toEqual(['Milk'])

  // What is on disk again leaves nothing that holds up the next.
  disk.accept()
  await environment.advance(60_000)
  await pass(1_000, third.page)
  third.tab.kill()
  third.page.client.close()
  const last = start({ tabs: browser.open(), storage: disk.open() })
  await pass(10_000, last)
  expect(texts()).toEqual(['Milk'])
  expect(disk.rows.filter(({ key }) => key[2] === 'session')).toEqual([])
})

test('what was left in a model is sent by the next page, whatever that shows', async () => {
  const { open, start, texts } = createWorld()
  const before = open()
  await before.settle()
  before.network.dropRequests()
  before.add('Milk')
  await pass(1_000, before)
  before.client.close()
  const after = start()
  await pass(60_000, after)
  expect(texts()).toEqual(['Milk'])
})

test.each([
  ['sent', (page: Page) => page.network.dropRequests(), ['Tea']],
  ['queued', (page: Page) => page.client.pause(), ['Tea']],
  ['queued last', (page: Page) => page.client.pause(), []],
])('a profile that was put back sends nothing twice of what was %s', async (_, cutOff, more) => {
  const { open, storage, texts } = createWorld()
  const before = open()
  await before.settle()
  cutOff(before)
  before.add('Milk')
  before.add('Bread')
  await pass(1_000, before)
  before.client.close()
  const copy: readonly StorageRow[] = await storage.read([])
  const after = open()
  await pass(10_000, after)
  for (const text of more) after.add(text)
  await pass(10_000, after)
  expect(texts()).toEqual(['Milk', 'Bread', ...more])
  after.client.close()

  const restored = memoryStorage()
  await restored.write(copy.map(({ key, value }) => ({ put: key, value })))
  const again = open({ storage: restored })
  again.client.pause()
  await again.settle()
  again.add('Salt')
  again.client.resume()
  await pass(60_000, again)
  expect(texts().filter((text) => text !== 'Salt')).toEqual(['Milk', 'Bread', ...more])
  expect(again.texts()).toEqual(texts())
  expect(again.model.status).toMatchObject({ queued: 0, inFlight: 0 })
  // What nobody can know is told.
  const told = again.model.rejections.map(({ command }) => JSON.stringify(command))
  expect(texts().includes('Salt')).toBe(!told.some((command) => command.includes('Salt')))
})
