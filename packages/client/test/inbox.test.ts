import {
  directTransport,
  memoryStorage,
  onDevice,
  type ClientStorage,
  type ModelVerdict,
  type StorageKey,
  type Transport,
} from '@flushout/client'
import { FlushoutError } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { DeviceWorld, KEY, type DevicePage } from './support/device-world.ts'

const LONG_MS = 60_000

/** Two people with the list of milk and bread, and a rule against gin until `allowGin`. */
async function start() {
  let isDry = true
  const world = new DeviceWorld(
    { a: { text: 'Milk' }, b: { text: 'Bread' } },
    {
      interceptors: [
        (_document, command) =>
          isDry && command.action !== 'delete' && command.props?.['text'] === 'Gin'
            ? { reject: { code: 'NO_SPIRITS', message: 'Tea only.' } }
            : undefined,
      ],
    },
  )
  const page = world.open()
  const bob = world.visit()
  await pass(page, bob)
  const allowGin = () => {
    isDry = false
  }
  return { world, page, bob, allowGin }
}

async function pass(...pages: DevicePage[]) {
  for (const { environment } of pages) await environment.advance(LONG_MS)
}

/** Edit todo `a` where it is gone by now, so that the edit is lost. */
async function loseEdit({ page, bob }: Awaited<ReturnType<typeof start>>) {
  page.network.dropRequests()
  page.model.update(['todos', 'a'], { text: 'Oat milk' })
  bob.model.delete(['todos', 'a'])
  await pass(bob)
  page.network.heal()
  await pass(page)
}

describe('the inbox', () => {
  test('tells what was tried, on which node, why not, and when', async () => {
    const all = await start()
    await loseEdit(all)
    expect(all.page.model.rejections).toMatchObject([
      {
        command: { action: 'update', props: { text: 'Oat milk' } },
        path: ['todos', 'a'],
        kind: 'dropped',
        rejection: { code: 'PATH_NOT_FOUND' },
        at: expect.any(Number),
      },
    ])
  })

  test('keeps what cannot be given again, and lets go of what can', async () => {
    const all = await start()
    const { world, page, bob } = all
    await loseEdit(all)
    const [lost] = page.model.rejections
    const refused = page.model.retry(lost!)
    expect(refused).toMatchObject({ ok: false, rejection: { code: 'PATH_NOT_FOUND' } })
    expect(page.model.rejections).toEqual([lost])
    bob.model.create(['todos'], { text: 'Milk' }, { id: 'a' })
    await pass(bob, page)
    const receipt = page.model.retry(lost!)
    expect(receipt.ok).toBe(true)
    expect(page.model.rejections).toEqual([])
    expect(page.texts()).toContain('Oat milk')
    await pass(page)
    expect(await receipt.verdict).toEqual({ kind: 'applied' })
    expect(world.todos['a']).toEqual({ text: 'Oat milk' })
  })

  test('outlives the page, and so does giving again what is in it', async () => {
    const { world, page, allowGin } = await start()
    page.model.create(['todos'], { text: 'Gin' })
    await pass(page)
    page.client.close()

    const second = world.open()
    await pass(second)
    const [lost] = second.model.rejections
    expect(lost).toMatchObject({ kind: 'rejected', rejection: { code: 'NO_SPIRITS' } })
    // Refused again, it is a new entry.
    expect(second.model.retry(lost!).ok).toBe(true)
    expect(second.model.rejections).toEqual([])
    await pass(second)
    expect(second.model.rejections).toHaveLength(1)
    allowGin()
    second.network.dropRequests()
    const { durable } = second.model.retry(second.model.rejections[0]!)
    expect(await durable).toBe(true)
    second.client.close()

    const third = world.open()
    await pass(third)
    expect(third.model.rejections).toEqual([])
    expect(Object.values(world.todos).map(({ text }) => text)).toEqual(['Milk', 'Bread', 'Gin'])
  })

  test('leaves the disk in the same write that brings what is given again', async () => {
    const { world, allowGin } = await start()
    const storage = memoryStorage()
    const writes: string[] = []
    const watched: ClientStorage = {
      ...storage,
      write(changes) {
        const keys = changes.map((change) => Object.values(change)[0] as StorageKey)
        writes.push(keys.map(([, , kind]) => kind).join(' '))
        return storage.write(changes)
      },
    }
    const open = () => world.open({ storage: onDevice({ storage: watched }) })
    const page = open()
    await pass(page)
    page.model.create(['todos'], { text: 'Gin' })
    await pass(page)
    page.client.close()
    const next = open()
    await pass(next)
    allowGin()
    next.network.dropRequests()
    writes.length = 0
    next.model.retry(next.model.rejections[0]!)
    await next.environment.settle()
    expect(writes.map((kinds) => /edit.*lost/.test(kinds))).toEqual([true])
  })

  test('gives again what waited so that it waits', async () => {
    const { page, allowGin } = await start()
    page.model.update(['todos', 'a'], { text: 'Gin' }, { wait: true })
    await pass(page)
    allowGin()
    expect(page.model.retry(page.model.rejections[0]!).ok).toBe(true)
    expect(page.texts()).toEqual(['Milk', 'Bread'])
    await pass(page)
    expect(page.texts()).toEqual(['Gin', 'Bread'])
  })

  test('gives a delete again, though nothing is left to delete', async () => {
    const { world, page, bob, allowGin } = await start()
    page.network.dropRequests()
    page.model.delete(['todos', 'a'])
    bob.model.delete(['todos'])
    await pass(bob)
    page.network.heal()
    await pass(page)
    allowGin()
    const [lost] = page.model.rejections
    expect(page.model.retry(lost!)).toMatchObject({
      ok: false,
      rejection: { code: 'PATH_NOT_FOUND' },
    })
    bob.model.update([], { todos: { c: {} } })
    await pass(bob, page)
    expect(page.model.retry(lost!).ok).toBe(true)
    await pass(page)
    expect(world.todos).toEqual({ c: {} })
  })
})

describe('a create of which nobody knows whether it took effect', () => {
  /** A way to the server that applies one flush and then says that it cannot tell. */
  function forgetful(world: DeviceWorld, isCutAfterwards: boolean) {
    const way = directTransport(world.server)
    let [isForgotten, isCut] = [false, false]
    const transport: Transport = {
      async load(key, signal) {
        if (isCut) throw new FlushoutError('NETWORK', 'Cut.')
        return way.load(key, signal)
      },
      async flush(key, flush, signal) {
        if (isCut) throw new FlushoutError('NETWORK', 'Cut.')
        const answer = await way.flush(key, flush, signal)
        if (isForgotten || flush.commands.length === 0) return answer
        isForgotten = true
        isCut = isCutAfterwards
        throw new FlushoutError('CLIENT_EXPIRED', 'Too long ago.')
      },
    }
    const heal = () => {
      isCut = false
    }
    return { transport, heal }
  }

  test('is not doubled: its node is there, and gets its props', async () => {
    const { world, bob } = await start()
    const { transport } = forgetful(world, false)
    const page = world.open({ transport, flush: { mode: 'manual' } })
    await pass(page)
    page.model.create(['todos'], { text: 'Tea' }, { id: 'c' })
    await Promise.all([page.model.flush(), pass(page)])
    const [lost] = page.model.rejections
    expect(lost).toMatchObject({ kind: 'dropped', rejection: { code: 'CLIENT_EXPIRED' } })
    bob.model.update(['todos', 'c'], { text: 'Coffee', done: true })
    await pass(bob)
    await Promise.all([page.model.flush(), pass(page)])
    expect(page.model.retry(lost!).ok).toBe(true)
    expect(page.model.rejections).toEqual([])
    await Promise.all([page.model.flush(), pass(page)])
    const { a, b } = world.todos
    expect(world.todos).toEqual({ a, b, c: { text: 'Tea', done: true } })
  })

  test('waits until the model is in step, on the next page too', async () => {
    const world = new DeviceWorld({ a: { text: 'Milk' }, b: { text: 'Bread' } })
    const { transport, heal } = forgetful(world, true)
    const page = world.open({ transport })
    await pass(page)
    page.model.create(['todos'], { text: 'Tea' })
    await pass(page)
    const unknown = { ok: false, rejection: { code: 'OUTCOME_UNKNOWN' } }
    expect(page.texts()).toEqual(['Milk', 'Bread'])
    expect(page.model.retry(page.model.rejections[0]!)).toMatchObject(unknown)
    page.client.close()
    const next = world.open({ transport })
    await pass(next)
    const [lost] = next.model.rejections
    expect(next.model.retry(lost!)).toMatchObject(unknown)
    heal()
    await pass(next)
    expect(next.model.retry(lost!).ok).toBe(true)
    await pass(next)
    expect(Object.values(world.todos).map(({ text }) => text)).toEqual(['Milk', 'Bread', 'Tea'])
  })
})

describe('verdicts', () => {
  test('are told once, with the model, whichever page gave the command', async () => {
    const all = await start()
    const { world, page } = all
    const told: ModelVerdict[] = []
    page.client.subscribeVerdicts((verdict) => told.push(verdict))
    page.model.create(['todos'], { text: 'Gin' }, { id: 'g' })
    page.model.update(['todos', 'b'], { done: true })
    await loseEdit(all)
    const kinds = () => told.map(({ path, outcome }) => `${path.at(-1)} ${outcome.kind}`)
    expect(kinds()).toEqual(['g rejected', 'b applied', 'a dropped'])
    expect(told.map(({ key }) => key)).toEqual([KEY, KEY, KEY])
    page.network.dropRequests()
    page.model.update(['todos', 'b'], { done: false })
    await pass(page)
    page.client.close()

    const next = world.open()
    const heard: ModelVerdict[] = []
    const stop = next.client.subscribeVerdicts((verdict) => heard.push(verdict))
    await pass(next)
    expect(next.model.rejections).toHaveLength(2)
    expect(heard).toMatchObject([
      { key: KEY, path: ['todos', 'b'], command: { props: { done: false } } },
    ])
    stop()
    next.model.update(['todos', 'b'], { done: true })
    await pass(next)
    expect(heard).toHaveLength(1)
    expect(told).toHaveLength(3)
  })
})
