// What a tab can undo after it was loaded again. A page that ends here ends like one
// that crashes, without another word.
import { memoryStorage, type ClientStorage, type Interceptor } from '@flushout/client'
import type { TestServerOptions } from '@flushout/client/testing'
import { createUndo, type UndoOptions } from '@flushout/client/undo'
import { describe, expect, test } from 'vitest'
import { createWorld, KEY, pass } from './support/page-world.ts'
import { TestBrowser, type TestTab } from './support/test-browser.ts'

type World = ReturnType<typeof createDevice>

const DAY_MS = 24 * 60 * 60 * 1_000
const describeStep: UndoOptions = { describe: ({ action }) => `the ${action}` }

/** A server, and a disk that is one to those who ask. */
function createDevice(options?: TestServerOptions) {
  const disk: ClientStorage = { ...memoryStorage(), isDurable: true }
  return { ...createWorld(options), disk }
}

/** A page in `tab` that can undo. */
function open(world: World, tab: TestTab, user = 'ada') {
  const page = world.open({ tabs: tab, user, storage: world.disk })
  const stack = createUndo(page.model, describeStep)
  return { ...page, stack, tab }
}

/** The page in `tab` ends, and the next one of that tab opens. */
async function reload(world: World, browser: TestBrowser, page: ReturnType<typeof open>) {
  await page.settle()
  page.client.close()
  page.tab.kill()
  const next = open(world, browser.openAfter(page.tab), 'ada')
  await next.settle()
  return next
}

async function start(options?: TestServerOptions) {
  const world = createDevice(options)
  const browser = new TestBrowser()
  const page = open(world, browser.open())
  await page.settle()
  return { world, browser, page }
}

const SIGN: Interceptor = (_document, command) =>
  command.action === 'create' ? { props: { ...command.props, signed: true } } : undefined

/** Each create is noted in the document by a command that follows it. */
const COUNT: Interceptor = (_document, command) =>
  command.action === 'create'
    ? { follow: [{ action: 'update', props: { last: command.id! } }] }
    : undefined

describe('after a reload', () => {
  test('undo and redo go on with the steps of before', async () => {
    const { world, browser, page } = await start()
    page.add('Milk')
    const { id } = page.add('Bread')
    await page.environment.advance(2_000)
    page.model.update(['todos', id], { text: 'Rye bread' })
    await page.environment.advance(2_000)
    page.stack.undo()
    const next = await reload(world, browser, page)
    expect(next.texts()).toEqual(['Milk', 'Bread'])
    expect(next.stack.state).toEqual({
      canUndo: true,
      canRedo: true,
      label: 'the create',
      redoLabel: 'the update',
    })
    expect(next.stack.redo()).toMatchObject({ skipped: [] })
    expect(next.texts()).toEqual(['Milk', 'Rye bread'])
    for (let steps = 0; steps < 3; steps += 1) next.stack.undo()
    await next.environment.advance(2_000)
    expect(world.texts()).toEqual([])
    expect(next.stack.state.canUndo).toBe(false)
  })

  test('and after another one', async () => {
    const { world, browser, page } = await start()
    page.add('Milk')
    const second = await reload(world, browser, page)
    second.add('Bread')
    const third = await reload(world, browser, second)
    third.stack.undo()
    expect(third.texts()).toEqual(['Milk'])
    const last = await reload(world, browser, third)
    last.stack.undo()
    expect(last.texts()).toEqual([])
    last.stack.redo()
    last.stack.redo()
    expect(last.texts()).toEqual(['Milk', 'Bread'])
  })

  test('what was not sent yet is taken back, as the server has it by then', async () => {
    const { world, browser, page } = await start({ interceptors: [SIGN] })
    page.network.dropRequests()
    page.add('Milk')
    const next = await reload(world, browser, page)
    await next.environment.advance(2_000)
    expect(next.model.read()).toMatchObject({
      todos: { [next.model.keys(['todos'])[0]!]: { signed: true } },
    })
    expect(next.stack.undo()).toMatchObject({ skipped: [], receipts: [{ ok: true }] })
    expect(next.texts()).toEqual([])
  })

  test('what was confirmed while nobody was there is taken back', async () => {
    const { world, browser, page } = await start()
    page.network.dropAnswers()
    page.add('Milk')
    await page.environment.advance(100)
    expect(world.texts()).toEqual(['Milk'])
    const next = await reload(world, browser, page)
    await next.environment.advance(2_000)
    next.stack.undo()
    await next.environment.advance(2_000)
    expect(world.texts()).toEqual([])
  })

  test.each([true, false])(
    'what followed by a rule is taken back with it, confirmed before: %s',
    async (isConfirmed) => {
      const { world, browser, page } = await start({ interceptors: [COUNT], isLive: false })
      const document = () => world.server.master(KEY).read()
      if (!isConfirmed) page.network.dropRequests()
      const { id } = page.add('Milk')
      await page.environment.advance(2_000)
      const next = await reload(world, browser, page)
      await next.environment.advance(2_000)
      expect(document()).toEqual({ todos: { [id]: { text: 'Milk' } }, last: id })
      expect(next.stack.undo()).toMatchObject({ skipped: [] })
      await next.environment.advance(2_000)
      expect(document()).toEqual({ todos: {} })
    },
  )

  test('what the server refused is no step', async () => {
    const refuse: Interceptor = () => ({ reject: { code: 'CLOSED', message: 'It is closed.' } })
    const { world, browser, page } = await start({ interceptors: [refuse] })
    page.network.dropRequests()
    page.add('Milk')
    await page.settle()
    page.client.close()
    page.tab.kill()
    const next = open(world, browser.openAfter(page.tab))
    next.network.dropRequests()
    await next.settle()
    expect(next.stack.state.canUndo).toBe(true)
    next.network.heal()
    await next.environment.advance(60_000)
    expect(next.stack.state.canUndo).toBe(false)
  })

  test('what another tab sent for the one that was away is taken back', async () => {
    const { world, browser, page } = await start()
    const other = open(world, browser.open())
    await pass(1_000, page, other)
    page.network.dropRequests()
    page.add('Milk')
    await page.settle()
    page.client.close()
    page.tab.kill()
    await pass(10_000, other)
    expect(world.texts()).toEqual(['Milk'])
    expect(other.stack.state.canUndo).toBe(false)
    const next = open(world, browser.openAfter(page.tab))
    await pass(1_000, next, other)
    next.stack.undo()
    await pass(1_000, next, other)
    expect(world.texts()).toEqual([])
  })

  test('what somebody else has changed since stays, and is named', async () => {
    const { world, browser, page } = await start()
    const { id } = page.add('Milk')
    await page.environment.advance(2_000)
    page.model.update(['todos', id], { text: 'Oat milk' })
    await page.environment.advance(2_000)
    page.client.close()
    page.tab.kill()
    const bob = world.open({ user: 'bob', tabs: new TestBrowser().open() })
    await bob.environment.advance(1_000)
    bob.model.update(['todos', id], { text: 'Soy milk' })
    await bob.environment.advance(1_000)
    const next = open(world, browser.openAfter(page.tab))
    await next.environment.advance(1_000)
    const path = ['todos', id, 'text']
    expect(next.stack.undo()).toMatchObject({ skipped: [{ path, reason: 'changed' }] })
    expect(next.texts()).toEqual(['Soy milk'])
  })

  test('what was given before the steps could be read comes after them', async () => {
    const { world, browser, page } = await start()
    page.add('Eggs')
    page.add('Milk')
    await page.settle()
    // The old page seems to live for a moment.
    const next = open(world, browser.openAfter(page.tab))
    await next.settle()
    next.add('Bread')
    next.add('Ham')
    page.tab.kill()
    await next.settle()
    next.stack.undo()
    expect(next.texts()).toEqual(['Eggs', 'Milk', 'Bread'])
    const last = await reload(world, browser, next)
    for (const left of [['Eggs', 'Milk'], ['Eggs'], []]) {
      last.stack.undo()
      expect(last.texts()).toEqual(left)
    }
    last.stack.redo()
    const again = await reload(world, browser, last)
    again.stack.redo()
    expect(again.texts()).toEqual(['Eggs', 'Milk'])
    again.stack.undo()
    expect(again.texts()).toEqual(['Eggs'])
  })
})

describe('the steps belong to their tab and user', () => {
  test('another tab, a duplicated one and another user have none of them', async () => {
    const { world, browser, page } = await start()
    page.add('Milk')
    await page.settle()
    const twin = open(world, browser.openAfter(page.tab))
    const other = open(world, browser.open())
    await pass(3_000, page, twin, other)
    expect(other.texts()).toEqual(['Milk'])
    expect([twin, other].map(({ stack }) => stack.undo())).toEqual([undefined, undefined])
    page.client.close()
    page.tab.kill()
    await pass(3_000, twin, other)
    const bob = open(world, browser.openAfter(page.tab), 'bob')
    await pass(3_000, twin, other, bob)
    expect([twin, other, bob].map(({ stack }) => stack.undo())).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    const ada = open(world, browser.openAfter(bob.tab))
    await pass(3_000, ada)
    expect(ada.stack.state.label).toBe('the create')
  })

  test('a tab that is opened again within a week still has its own, later nobody keeps them', async () => {
    const { world, browser, page } = await start()
    page.add('Milk')
    await page.settle()
    page.client.close()
    page.tab.kill()
    const prefix = ['ada', KEY, 'step']
    /** How many are left when the last was done so long before another tab opens. */
    const after = async (days: number) => {
      for (const { key, value } of await world.disk.read(prefix)) {
        const at = page.environment.now() - days * DAY_MS
        const text = JSON.stringify({ ...JSON.parse(value as string), at })
        await world.disk.write([{ put: key, value: text }])
      }
      await open(world, browser.open()).settle()
      return (await world.disk.read(prefix)).length
    }
    expect(await after(6)).toBe(1)
    expect(await after(8)).toBe(0)
  })
})

test('of large steps the latest are kept, and none below one that is too large', async () => {
  const { world, browser, page } = await start()
  const text = (length: number) => 'x'.repeat(length)
  for (const length of [10, 90_000, 20_000, 30_000]) page.add(text(length))
  const next = await reload(world, browser, page)
  for (let steps = 0; steps < 9; steps += 1) next.stack.undo()
  expect(next.texts().map((one) => one.length)).toEqual([10, 90_000])
})

test('rows that are spoiled are no steps', async () => {
  const { world, browser, page } = await start()
  page.add('Milk')
  await page.settle()
  const [row] = await world.disk.read(['ada', KEY, 'step'])
  const broken = [
    '{',
    '7',
    '{"edits":[{}]}',
    '{"isRedo":false,"at":1,"edits":[{"effects":[{"isUpdate":false,"path":["__proto__"],"places":[]}]}],"left":[]}',
  ]
  await world.disk.write(
    broken.map((value, index) => ({ put: [...row!.key.slice(0, 4), 100 + index], value })),
  )
  const next = await reload(world, browser, page)
  expect(next.stack.state.label).toBe('the create')
  next.stack.undo()
  expect(next.texts()).toEqual([])
})
