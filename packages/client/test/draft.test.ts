import { createClient, directTransport, onDevice, type ModelVerdict } from '@flushout/client'
import { createTestEnvironment, createTestServer } from '@flushout/client/testing'
import { createUndo } from '@flushout/client/undo'
import type { Interceptor } from '@flushout/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { closeAll } from './readme/close-all.ts'
import { DeviceWorld, KEY, peek, type DevicePage } from './support/device-world.ts'
import { TestBrowser } from './support/test-browser.ts'

interface Plan {
  tasks: { [id: string]: { title: string; done?: boolean } }
}

const MILK = { a: { text: 'Milk' }, b: { text: 'Bread' } }

async function pass(...pages: DevicePage[]) {
  for (const { environment } of pages) await environment.advance(10_000)
}

async function start(options?: ConstructorParameters<typeof DeviceWorld>[1]) {
  const world = new DeviceWorld(MILK, options)
  const [page, bob] = [world.visit(), world.visit()]
  await pass(page, bob)
  const draft = await page.model.fork()
  let calls = 0
  const listen = () => draft.subscribe(() => void (calls += 1))
  const taken = () => {
    const count = calls
    calls = 0
    return count
  }
  return { world, page, bob, draft, listen, taken }
}

describe('a draft', () => {
  test('shows its edits on top of the model, and tells nobody of them', async () => {
    const { world, page, bob, draft } = await start()
    draft.update(['todos', 'a'], { text: 'Oat milk' })
    const { id } = draft.create(['todos'], { text: 'Tea' })
    draft.delete(['todos', 'b'])
    await pass(page, bob)
    expect(draft.read()).toEqual({ todos: { a: { text: 'Oat milk' }, [id]: { text: 'Tea' } } })
    expect(draft.keys(['todos'])).toEqual(['a', id])
    expect(draft.size(['todos'])).toBe(2)
    expect(draft.edits).toHaveLength(3)
    for (const shown of [page.model.read(), bob.model.read()]) expect(shown!.todos).toEqual(MILK)
    expect(world.todos).toEqual(MILK)
    expect(page.model.status).toMatchObject({ queued: 0, inFlight: 0 })
    expect(page.network.flushes.filter(({ commands }) => commands.length > 0)).toEqual([])
  })

  test('follows the model, live and before that knows of it, with its own on top', async () => {
    const { page, bob, draft, listen, taken } = await start()
    listen()
    draft.update(['todos', 'a'], { text: 'Oat milk' })
    expect(taken()).toBe(1)
    page.model.update(['todos', 'a'], { text: 'Soy milk', done: true })
    expect(taken()).toBe(1)
    expect(draft.read(['todos', 'a'])).toEqual({ text: 'Oat milk', done: true })
    await pass(page, bob)
    expect(taken()).toBe(0)
    bob.model.update(['todos', 'a'], { text: 'Rice milk', by: 'bob' })
    bob.model.create(['todos'], { text: 'Eggs' }, { id: 'eggs' })
    await pass(bob, page)
    expect(taken()).toBe(1)
    expect(draft.read(['todos', 'a'])).toEqual({ text: 'Oat milk', done: true, by: 'bob' })
    expect(draft.keys(['todos'])).toEqual(['a', 'b', 'eggs'])
    expect(page.model.read(['todos', 'a', 'text'])).toBe('Rice milk')
  })

  test('leaves to others what they wrote after the model had its own confirmed', async () => {
    const { page, bob, draft, listen } = await start()
    listen()
    page.model.update(['todos', 'a'], { text: 'Oat milk' })
    await pass(page, bob)
    bob.model.update(['todos', 'a'], { text: 'Soy milk' })
    await pass(bob, page)
    expect(draft.read(['todos', 'a', 'text'])).toBe('Soy milk')
  })

  test('is up to date whenever it is read, though nobody listens', async () => {
    const { page, bob, draft, listen } = await start()
    draft.update(['todos', 'a'], { text: 'Oat milk' })
    page.model.update(['todos', 'b'], { text: 'Rye' })
    expect(draft.read(['todos', 'b', 'text'])).toBe('Rye')
    const stop = listen()
    stop()
    bob.model.delete(['todos', 'b'])
    await pass(bob, page)
    expect(draft.read()).toEqual({ todos: { a: { text: 'Oat milk' } } })
  })

  test('keeps what does not apply, and shows it when that comes back', async () => {
    const { page, bob, draft, listen } = await start()
    listen()
    draft.update(['todos', 'a'], { done: true })
    bob.model.delete(['todos', 'a'])
    await pass(bob, page)
    expect(draft.keys(['todos'])).toEqual(['b'])
    expect(draft.edits).toHaveLength(1)
    bob.model.create(['todos'], { text: 'Milk' }, { id: 'a' })
    await pass(bob, page)
    expect(draft.read(['todos', 'a'])).toEqual({ text: 'Milk', done: true })
  })

  test('asks the rules of this side', async () => {
    const rule: Interceptor = (_document, command) =>
      command.action === 'delete' ? { reject: { code: 'KEEP', message: 'Keep it.' } } : undefined
    const world = new DeviceWorld(MILK)
    const page = world.open({ interceptors: [rule] })
    await pass(page)
    const draft = await page.model.fork()
    expect(draft.delete(['todos', 'a'])).toMatchObject({ ok: false, rejection: { code: 'KEEP' } })
    expect(draft.edits).toEqual([])
  })

  test('goes on when the server has another past', async () => {
    const { world, page, draft, listen } = await start()
    for (const isHeard of [false, true]) {
      if (isHeard) listen()
      draft.update(['todos', 'a'], { done: isHeard })
      page.model.update(['todos', 'b'], { done: true })
      await pass(page)
      world.server.restore(KEY, { todos: { a: { text: `Restored ${isHeard}` } } })
      await pass(page)
      const a = { text: `Restored ${isHeard}`, done: isHeard }
      expect(draft.read()).toEqual({ todos: { a } })
    }
  })

  test('does not show twice what landed before its answer came', async () => {
    const { page, draft, listen } = await start()
    listen()
    page.network.dropAnswers()
    page.model.create(['todos'], { text: 'Tea' })
    await page.environment.advance(500)
    const late = await page.model.fork()
    for (const one of [draft, late]) {
      expect(Object.values(one.read().todos).map(({ text }) => text)).toEqual(page.texts())
    }
    page.network.heal()
    await pass(page)
    expect(JSON.stringify(late.read())).toBe(JSON.stringify(page.model.read()))
    expect(JSON.stringify(draft.read())).toBe(JSON.stringify(page.model.read()))
  })
})

describe('published', () => {
  test('it is one batch of the model, one step of its undo, and empty afterwards', async () => {
    const { world, page, bob, draft, listen, taken } = await start()
    const stack = createUndo(page.model)
    listen()
    let calls = 0
    page.model.subscribe(() => void (calls += 1))
    const { id } = draft.create(['todos'], { text: 'Tea' })
    draft.update(['todos', id], { done: true })
    taken()
    const shown = JSON.stringify(draft.read())
    const seen: string[] = []
    draft.subscribe(() => void seen.push(JSON.stringify(draft.read())))
    const receipts = draft.publish({ label: 'Make tea' })
    expect(receipts).toMatchObject([{ ok: true, id }, { ok: true }])
    expect([draft.edits, calls]).toEqual([[], 1])
    expect(JSON.stringify(draft.read())).toBe(shown)
    expect(new Set(seen)).toEqual(new Set([shown]))
    await pass(page, bob)
    expect(world.todos).toEqual({ ...MILK, [id]: { text: 'Tea', done: true } })
    stack.undo()
    await pass(page)
    expect(world.todos).toEqual(MILK)
    draft.update(['todos', 'a'], { done: true })
    draft.publish()
    expect(page.model.read(['todos', 'a', 'done'])).toBe(true)
  })

  test('its receipts tell what becomes of the edits, and nothing before that', async () => {
    const rule: Interceptor = (_document, command) => {
      if (command.action === 'create') return { props: { ...command.props, by: 'server' } }
      return { reject: { code: 'NO', message: 'No.' } }
    }
    const { page, draft } = await start({ interceptors: [rule] })
    const verdicts: ModelVerdict[] = []
    page.client.subscribeVerdicts((verdict) => void verdicts.push(verdict))
    const made = draft.create(['todos'], { text: 'Tea' })
    const changed = draft.update(['todos', 'a'], { done: true })
    await pass(page)
    expect(await peek(made.verdict)).toBeUndefined()
    expect(verdicts).toEqual([])
    draft.publish()
    await pass(page)
    expect(await peek(made.verdict)).toMatchObject({ kind: 'amended', command: { id: made.id } })
    expect(await peek(changed.verdict)).toMatchObject({ kind: 'rejected' })
    expect(await peek(made.durable)).toBe(false)
    expect(verdicts).toHaveLength(2)
    expect(page.model.rejections).toHaveLength(1)
  })

  test('what does not apply any more is refused on the spot, and the rest is not', async () => {
    const { page, bob, draft } = await start()
    draft.update(['todos', 'a'], { done: true })
    draft.update(['todos', 'b'], { done: true })
    bob.model.delete(['todos', 'a'])
    await pass(bob, page)
    const [first, second] = draft.publish()
    expect(first).toMatchObject({ ok: false, rejection: { code: 'PATH_NOT_FOUND' } })
    expect(second).toMatchObject({ ok: true })
    expect(draft.edits).toEqual([])
    expect(page.model.read()).toEqual({ todos: { b: { text: 'Bread', done: true } } })
  })

  test('by a client that was closed it stays as it is', async () => {
    const { page, draft } = await start()
    draft.update(['todos', 'a'], { done: true })
    page.client.close()
    expect(() => draft.publish()).toThrow(/closed/)
    expect(draft.edits).toHaveLength(1)
    expect(draft.read(['todos', 'a', 'done'])).toBe(true)
  })
})

test('discarded, nothing of it is left, and its receipts say so', async () => {
  const { world, page, draft, listen, taken } = await start()
  listen()
  const receipt = draft.update(['todos', 'a'], { done: true })
  taken()
  draft.discard()
  expect(taken()).toBe(1)
  expect(draft.edits).toEqual([])
  expect(draft.read()).toEqual({ todos: MILK })
  expect(await peek(receipt.verdict)).toMatchObject({
    kind: 'dropped',
    rejection: { code: 'WITHDRAWN' },
  })
  await pass(page)
  expect(world.todos).toEqual(MILK)
  expect(page.model.rejections).toEqual([])
})

test('a preview says where its edits meet those of others, and takes some out', async () => {
  const { page, bob, draft } = await start()
  page.network.dropRequests()
  page.model.update(['todos', 'b'], { done: true })
  draft.update(['todos', 'a'], { text: 'Oat milk' })
  draft.update(['todos', 'b'], { text: 'Rye' })
  bob.model.update(['todos', 'a'], { text: 'Soy milk' })
  bob.model.delete(['todos', 'b'])
  await pass(bob)
  page.network.heal()
  page.client.flushMode = 'manual'
  const preview = await draft.preview()
  expect(preview.commands).toMatchObject([
    { kind: 'applied', conflicts: [{ path: ['todos', 'a', 'text'], theirs: 'Soy milk' }] },
    { kind: 'dropped', rejection: { code: 'PATH_NOT_FOUND' } },
  ])
  preview.withdraw(preview.commands.filter(({ kind }) => kind === 'dropped'))
  expect(draft.edits).toMatchObject([{ path: ['todos', 'a'] }])
})

test('the example closes all tasks if that is confirmed', async () => {
  const tasks = { a: { title: 'Sow' }, b: { title: 'Reap' } }
  for (const isSure of [false, true]) {
    const server = createTestServer({ plan: { tasks } })
    const environment = createTestEnvironment()
    const client = createClient({ transport: directTransport(server), environment })
    onTestFinished(() => client.close())
    let asked = ''
    await closeAll(client.model<Plan>('plan'), async (question) => {
      asked = question
      return isSure
    })
    await client.flush()
    expect(asked).toBe('Close 2 tasks?')
    const done = isSure ? { done: true } : {}
    expect(server.master('plan').read()).toEqual({
      tasks: { a: { title: 'Sow', ...done }, b: { title: 'Reap', ...done } },
    })
  }
})

test('it has an undo of its own', async () => {
  const { page, draft } = await start()
  const stack = createUndo(draft)
  draft.update(['todos', 'a'], { text: 'Oat milk' })
  draft.delete(['todos', 'b'])
  stack.undo()
  expect(draft.read()).toEqual({ todos: { a: { text: 'Oat milk' }, b: { text: 'Bread' } } })
  expect(createUndo(page.model).undo()).toBeUndefined()
  stack.undo()
  expect(draft.read()).toEqual({ todos: MILK })
})

test('what other tabs have not sent yet shows in it, too', async () => {
  const world = new DeviceWorld(MILK)
  const browser = new TestBrowser()
  const storage = world.disk.open()
  const [page, other] = [1, 2].map(() =>
    world.open({ storage: onDevice({ storage, tabs: browser.open() }) }),
  ) as [DevicePage, DevicePage]
  await pass(page, other)
  const draft = await page.model.fork()
  draft.subscribe(() => {})
  for (const { network } of [page, other]) network.dropRequests()
  draft.update(['todos', 'a'], { text: 'Oat milk' })
  other.model.create(['todos'], { text: 'Tea' }, { id: 'tea' })
  other.model.update(['todos', 'a'], { text: 'Soy milk' })
  await pass(other, page)
  expect(draft.read(['todos', 'tea', 'text'])).toBe('Tea')
  expect(draft.read(['todos', 'a', 'text'])).toBe('Oat milk')
  expect(other.model.read(['todos', 'a', 'text'])).toBe('Soy milk')
})
