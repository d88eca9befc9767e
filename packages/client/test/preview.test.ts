import { onDevice, type ModelPreview, type ModelVerdict } from '@flushout/client'
import type { Interceptor } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { openAfterAbsence } from './readme/long-absence.ts'
import { DeviceWorld, KEY, type DevicePage } from './support/device-world.ts'
import { TestBrowser } from './support/test-browser.ts'

const LONG_MS = 60_000
const MANUAL = { mode: 'manual' } as const

const rule: Interceptor = (_document, command) => {
  if (command.action === 'update' && command.props?.['text'] === 'Gin') {
    return { reject: { code: 'NO_SPIRITS', message: 'Tea only.' } }
  }
  return command.action === 'create' ? { props: { ...command.props, by: 'ada' } } : undefined
}

async function pass(...pages: DevicePage[]) {
  for (const { environment } of pages) await environment.advance(LONG_MS)
}

/** A page left 41 edits long ago; others went on meanwhile, and the rules are others by now. */
async function leave() {
  const todos = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`t${n}`, { text: `Todo ${n}` }]),
  )
  const world = new DeviceWorld(todos, { interceptors: [rule] })
  const page = world.open()
  const bob = world.visit()
  await pass(page, bob)
  page.network.dropRequests()
  const { model } = page
  // This one may have been sent, for all the page knows; the others wait for its answer.
  model.update(['todos', 't0'], { done: true })
  await pass(page)
  for (let n = 1; n < 36; n += 1) model.update(['todos', `t${n}`], { done: true })
  model.update(['todos', 't38'], { text: 'Gin' })
  model.create(['todos'], { text: 'Tea' }, { id: 'new' })
  model.update(['todos', 'new'], { done: false })
  model.update(['todos', 't39'], { text: 'Mine' })
  model.delete(['todos', 't37'])
  await pass(page)
  page.client.close()
  bob.model.delete(['todos', 't1'])
  bob.model.delete(['todos', 't2'])
  bob.model.update(['todos', 't39'], { text: 'Theirs' })
  bob.model.update(['todos', 't37'], { text: 'Not yet' })
  await pass(bob)
  return { world, bob }
}

/** Load the page again, which sends nothing by itself. */
async function comeBack(world: DeviceWorld) {
  const page = world.open({ interceptors: [rule], flush: MANUAL })
  await pass(page)
  return page
}

const count = (preview: ModelPreview) => {
  const counts: Record<string, number> = {}
  for (const { kind } of preview.commands) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

describe('a preview', () => {
  test('tells what would become of 41 edits, and sends none of them', async () => {
    const { world } = await leave()
    const page = await comeBack(world)
    expect(page.model.status).toMatchObject({ state: 'polling' })
    expect(page.model.status).toMatchObject({ queued: 40, inFlight: 1 })
    const before = { todos: world.todos, memory: page.model.read(), rows: world.disk.rows }
    const preview = await page.model.preview()
    expect(count(preview)).toEqual({ applied: 37, amended: 1, rejected: 1, dropped: 2 })
    expect(preview.commands.map(({ serial }) => serial)).toEqual(
      Array.from({ length: 41 }, (_, n) => n + 1),
    )
    const conflicts = preview.commands.flatMap((command) => command.conflicts)
    expect(conflicts).toMatchObject([
      { path: ['todos', 't39', 'text'], mine: 'Mine', theirs: 'Theirs' },
      { path: ['todos', 't37'], mine: undefined, theirs: { text: 'Not yet' } },
    ])
    expect(preview.commands.map(({ isSent }) => isSent)).toEqual([true, ...Array(40).fill(false)])
    expect(preview.commandCount).toBe(world.server.master(KEY).commandCount)
    expect(world.todos).toEqual(before.todos)
    expect(page.model.read()).toBe(before.memory)
    expect(world.disk.rows).toEqual(before.rows)
    expect(page.network.flushes.flatMap(({ commands }) => commands)).toEqual([])
  })

  test('rejects without the network, while paused, and when the client was closed', async () => {
    const { world } = await leave()
    const page = await comeBack(world)
    page.network.dropRequests()
    const cut = page.model.preview()
    await expect(cut).rejects.toMatchObject({ code: 'NETWORK' })
    page.network.heal()
    page.client.pause()
    await expect(page.model.preview()).rejects.toMatchObject({ code: 'NETWORK' })
    page.client.resume()
    expect((await page.model.preview()).commands).toHaveLength(41)
    const release = page.network.hold()
    const held = page.model.preview()
    page.client.close()
    await expect(held).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    await expect(page.model.preview()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    release()
  })

  test('waits no longer for an answer than an exchange does', async () => {
    const { world } = await leave()
    const page = await comeBack(world)
    page.network.hold()
    const held = page.model.preview()
    await Promise.all([
      expect(held).rejects.toMatchObject({ code: 'NETWORK' }),
      page.environment.advance(LONG_MS),
    ])
  })

  test('has nothing to tell where nothing is pending', async () => {
    const world = new DeviceWorld()
    const page = world.open({ flush: MANUAL })
    expect((await page.model.preview()).commands).toEqual([])
  })

  test('needs a whole document where the history is another', async () => {
    const { world } = await leave()
    world.server.restore(KEY, { todos: { t0: {}, t37: {} } })
    const page = await comeBack(world)
    expect(count(await page.model.preview())).toEqual({
      applied: 3,
      amended: 1,
      dropped: 36,
      rejected: 1,
    })
  })
})

describe('edits of a preview', () => {
  test('can be withdrawn, with what builds on them, here and on disk, and not to the inbox', async () => {
    const { world } = await leave()
    const page = await comeBack(world)
    const told: ModelVerdict[] = []
    page.client.subscribeVerdicts((verdict) => told.push(verdict))
    const preview = await page.model.preview()
    const lost = preview.commands.filter(({ kind }) => kind !== 'applied')
    expect(preview.withdraw(lost).map(({ action }) => action)).toEqual([
      'update',
      'update',
      'update',
      'create',
      'update',
    ])
    await page.environment.settle()
    const codes = told.map(({ outcome }) => outcome.kind === 'dropped' && outcome.rejection.code)
    expect(codes).toEqual(Array(5).fill('WITHDRAWN'))
    expect(page.model.rejections).toEqual([])
    expect(world.disk.rows.filter(({ key }) => key[2] === 'edit')).toHaveLength(36)
    expect(preview.withdraw(lost)).toEqual([])
    page.client.close()

    const next = await comeBack(world)
    expect(next.model.status).toMatchObject({ queued: 35, inFlight: 1 })
    next.client.flushMode = 'auto'
    await pass(next)
    expect(next.model.rejections).toEqual([])
    expect(world.todos['new']).toBe(undefined)
    expect(world.todos['t39']).toEqual({ text: 'Mine' })
    expect(Object.values(world.todos).filter(({ done }) => done)).toHaveLength(34)
  })

  test('stay if they may have been sent', async () => {
    const { world } = await leave()
    const page = await comeBack(world)
    const preview = await page.model.preview()
    expect(preview.withdraw(preview.commands)).toHaveLength(40)
    page.client.flushMode = 'auto'
    await pass(page)
    expect(world.todos['t0']).toEqual({ text: 'Todo 0', done: true })
    expect(world.todos['t39']).toEqual({ text: 'Theirs' })
  })

  test('of several pages that are gone are told together, and fall together', async () => {
    const world = new DeviceWorld({ a: { text: 'Milk' } })
    const browser = new TestBrowser()
    const openTab = (isManual: boolean) => {
      const tab = browser.open()
      const storage = onDevice({ storage: world.disk.open(), tabs: tab })
      return { tab, page: world.open({ storage, ...(isManual && { flush: MANUAL }) }) }
    }
    const tabs = [openTab(false), openTab(false)]
    const [one, two] = tabs.map(({ page }) => page) as [DevicePage, DevicePage]
    const both = async () => {
      for (let ms = 0; ms < 2_000; ms += 100) {
        for (const { environment } of [one, two]) await environment.advance(100)
      }
    }
    await both()
    for (const { network } of [one, two]) network.dropRequests()
    one.model.update(['todos', 'a'], { text: 'Oat milk' })
    await both()
    one.model.create(['todos'], { text: 'Tea' }, { id: 'c' })
    await both()
    expect(two.texts()).toEqual(['Oat milk', 'Tea'])
    two.model.update(['todos', 'c'], { done: true })
    two.model.update(['todos', 'a'], { done: true })
    await both()
    for (const { tab, page } of tabs) {
      tab.kill()
      page.client.close()
    }

    const { page } = openTab(true)
    await pass(page)
    expect(page.model.read()?.todos).toEqual({
      a: { text: 'Oat milk', done: true },
      c: { text: 'Tea', done: true },
    })
    const preview = await page.model.preview()
    expect(preview.commands.map(({ kind, path }) => `${kind} ${path.at(-1)}`)).toEqual([
      'applied a',
      'applied c',
      'applied c',
      'applied a',
    ])
    const create = preview.commands.find(({ command }) => command.action === 'create')
    expect(preview.withdraw([create!])).toHaveLength(2)
    expect(page.model.read()?.todos).toEqual({ a: { text: 'Oat milk', done: true } })
    page.client.flushMode = 'auto'
    await pass(page)
    expect(world.todos).toEqual({ a: { text: 'Oat milk', done: true } })
    expect(page.model.rejections).toEqual([])
  })
})

describe('the recipe for a long absence', () => {
  test('asks, drops what no longer applies, and goes on', async () => {
    const { world } = await leave()
    const page = world.open({ interceptors: [rule], flush: MANUAL })
    const questions: string[] = []
    const opened = openAfterAbsence(page.client, KEY, async (question) => {
      questions.push(question)
      return true
    })
    await pass(page)
    await opened
    await pass(page)
    expect(questions).toEqual(['3 of 41 edits no longer apply. Drop them?'])
    expect(page.model.rejections).toEqual([])
    expect(page.model.status).toMatchObject({ state: 'live', queued: 0, inFlight: 0 })
    expect(world.todos['new']).toEqual({ text: 'Tea', done: false, by: 'ada' })
  })

  test('goes on all the same if they are to stay: the inbox has them', async () => {
    const { world } = await leave()
    const page = world.open({ interceptors: [rule], flush: MANUAL })
    const opened = openAfterAbsence(page.client, KEY, async () => false)
    await pass(page)
    await opened
    await pass(page)
    expect(page.model.rejections).toHaveLength(3)
    expect(page.model.status).toMatchObject({ queued: 0, inFlight: 0 })
  })
})
