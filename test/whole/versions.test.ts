// One app, of which pages and servers of several versions are in use at once.
import {
  createClient,
  directTransport,
  memoryStorage,
  onDevice,
  type ClientStorage,
  type Transport,
} from '@flushout/client'
import { dehydrate, hydrate } from '@flushout/client/hydration'
import { FlushoutError, type JsonObject } from '@flushout/core'
import type { ModelDefinition } from '@flushout/core/define'
import { allowAnyone, createService, memoryStore, type FlushoutService } from '@flushout/server'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createTabEnvironment } from '../../packages/client/src/tabs/tab-environment.ts'
import { first, second, third } from '../support/versions.ts'

const KEY = 'todos:groceries'
const TIMING = { quietMs: 0, maxDelayMs: 2, retryBaseMs: 5, retryMaxMs: 20, pollMs: 50 }

interface TodoList {
  readonly todos: { readonly [id: string]: JsonObject }
}

/** A store, the server in front of it, which can be replaced, and a browser. */
function createWorld() {
  const store = memoryStore()
  const storage = memoryStorage()
  const tabs = createTabEnvironment(navigator.locks)
  let service: FlushoutService
  const net = { isDown: false, losesAnswers: false }
  const deploy = (definition: ModelDefinition) => {
    service = createService({ store, authorize: allowAnyone, models: [definition] })
    onTestFinished(() => service.close())
  }
  deploy(first)
  const open = (
    definition: ModelDefinition,
    own: ClientStorage | undefined = storage,
    rendered?: string,
  ) => {
    const told: FlushoutError[] = []
    const client = createClient({
      transport: createTransport(() => service, net),
      models: [definition],
      user: { id: 'ada' },
      flush: TIMING,
      storage: onDevice({ storage: own, tabs }),
      onUpgradeRequired: (error) => void told.push(error),
    })
    onTestFinished(() => client.close())
    if (rendered !== undefined) hydrate(client, rendered)
    const model = client.model<TodoList>(KEY)
    onTestFinished(model.subscribe(() => {}))
    const todos = () => Object.values(model.read()?.todos ?? {})
    return { client, model, told, todos }
  }
  /** What the server has. */
  const stored = async () =>
    Object.values(((await service.snapshot(KEY)).document as unknown as TodoList).todos)
  return { net, deploy, open, stored }
}

/** To the server that is there at the moment, over a network that may fail. */
function createTransport(
  service: () => FlushoutService,
  net: { readonly isDown: boolean; readonly losesAnswers: boolean },
): Transport {
  const reach = async <T>(run: (transport: Transport) => Promise<T>): Promise<T> => {
    if (net.isDown) throw new FlushoutError('NETWORK', 'The network is down.')
    const answer = await run(directTransport(service()))
    if (net.losesAnswers) throw new FlushoutError('NETWORK', 'The answer was lost.')
    return answer
  }
  return {
    load: (key, signal) => reach((transport) => transport.load(key, signal)),
    flush: (key, flush, signal) => reach((transport) => transport.flush(key, flush, signal)),
    past: {
      history: (key, query, signal) => reach(({ past }) => past!.history(key, query, signal)),
      snapshotAt: (key, count, signal) => reach(({ past }) => past!.snapshotAt(key, count, signal)),
    },
  }
}

test('edits of an older page show migrated on the device, and take effect once it is loaded anew', async () => {
  const { net, deploy, open, stored } = createWorld()
  const before = open(first)
  await before.model.ready
  const { id, verdict } = before.model.create(['todos'], { text: 'Milk' })
  await verdict
  net.isDown = true
  before.model.update(['todos', id], { text: 'Oat milk' })
  // Says when it was written, even where that is to memory.
  await before.model.create(['todos'], { text: 'Tea' }).durable
  await vi.waitFor(() => expect(before.model.status).toMatchObject({ queued: 0, inFlight: 2 }))
  await before.model.create(['todos'], { text: 'Nuts' }).durable
  before.client.close()

  deploy(second)
  const after = open(second)
  await after.model.ready
  expect(after.todos()).toEqual([{ title: 'Oat milk' }, { title: 'Tea' }, { title: 'Nuts' }])
  // By now `text` is something else, and not what older edits mean by it.
  after.model.create(['todos'], { title: 'Rum', text: 'from Jamaica' })
  net.isDown = false
  const [rum, ...others] = ['Rum', 'Oat milk', 'Tea', 'Nuts'].map((title) => ({ title }))
  const all = [...others, { ...rum, text: 'from Jamaica' }]
  await vi.waitFor(async () => expect(await stored()).toEqual(all))
  await vi.waitFor(() =>
    expect(after.model.status).toMatchObject({ state: 'polling', queued: 0, inFlight: 0 }),
  )
  expect(after.todos()).toEqual(all)
  expect(after.model.rejections).toEqual([])
  after.client.close()

  net.isDown = true
  const last = open(second)
  await last.model.ready
  expect(last.todos()).toEqual(all)
})

test('a flush whose answer was lost with the older page takes effect once', async () => {
  const { net, deploy, open, stored } = createWorld()
  const before = open(first)
  await before.model.ready
  net.losesAnswers = true
  before.model.create(['todos'], { text: 'Milk' })
  await vi.waitFor(async () => expect(await stored()).toHaveLength(1))
  before.client.close()
  net.losesAnswers = false
  deploy(second)
  const after = open(second)
  await vi.waitFor(() =>
    expect(after.model.status).toMatchObject({ state: 'polling', queued: 0, inFlight: 0 }),
  )
  expect(await stored()).toEqual([{ title: 'Milk' }])
  expect(after.todos()).toEqual([{ title: 'Milk' }])
})

test('a page that is too old is told once, keeps its edits, and a newer one sends them when it is gone', async () => {
  const { deploy, open, stored } = createWorld()
  const old = open(first)
  await old.model.ready
  await old.model.create(['todos'], { text: 'Milk' }).verdict
  deploy(second)
  old.model.create(['todos'], { text: 'Tea' })
  await vi.waitFor(() => expect(old.model.status.state).toBe('needs-upgrade'))
  old.model.create(['todos'], { text: 'Rum' })
  const other = old.client.model<TodoList>('todos:work')
  onTestFinished(other.subscribe(() => {}))
  await vi.waitFor(() => expect(other.status.state).toBe('needs-upgrade'))
  expect(old.told.map(({ code }) => code)).toEqual(['UPGRADE_REQUIRED'])
  expect(old.todos().map(({ text }) => text)).toEqual(['Milk', 'Tea', 'Rum'])

  const next = open(second)
  await next.model.ready
  await next.model.create(['todos'], { title: 'Nuts' }).verdict
  // What the old page shows is not for this one, and the other way round.
  expect(next.todos()).toEqual([{ title: 'Milk' }, { title: 'Nuts' }])
  expect(old.todos()).toHaveLength(3)
  old.client.close()
  await vi.waitFor(async () => expect(await stored()).toHaveLength(4))
  await vi.waitFor(() =>
    expect(next.todos().map(({ title }) => title)).toEqual(['Milk', 'Nuts', 'Tea', 'Rum']),
  )
  expect(next.model.rejections).toEqual([])
  expect(next.told).toEqual([])
})

test('an older page that is opened after a newer one leaves its edits alone', async () => {
  const { net, deploy, open, stored } = createWorld()
  deploy(second)
  const next = open(second)
  await next.model.ready
  net.isDown = true
  await next.model.create(['todos'], { title: 'Milk' }).durable
  next.client.close()
  net.isDown = false
  const old = open(first)
  await vi.waitFor(() => expect(old.model.status.state).toBe('needs-upgrade'))
  expect(old.model.isLoaded).toBe(false)
  old.client.close()
  open(second)
  await vi.waitFor(async () => expect(await stored()).toEqual([{ title: 'Milk' }]))
})

test('a newer page waits for a newer server, with its edits', async () => {
  const { deploy, open, stored } = createWorld()
  deploy(second)
  const page = open(second)
  await page.model.ready
  deploy(first)
  page.model.create(['todos'], { title: 'Milk' })
  await vi.waitFor(() => expect(page.model.status).toMatchObject({ state: 'offline', inFlight: 1 }))
  expect(page.model.status.error?.code).toBe('UNAVAILABLE')
  deploy(second)
  await vi.waitFor(async () => expect(await stored()).toEqual([{ title: 'Milk' }]))
  expect(page.told).toEqual([])
})

test('a newer page does not show what an older server has', async () => {
  const { deploy, open } = createWorld()
  const old = open(first)
  await old.model.ready
  await old.model.create(['todos'], { text: 'Milk' }).verdict
  old.client.close()
  const page = open(second, memoryStorage())
  await vi.waitFor(() => expect(page.model.status.error?.code).toBe('UNAVAILABLE'))
  expect(page.model.isLoaded).toBe(false)
  deploy(second)
  await page.model.ready
  expect(page.todos()).toEqual([{ title: 'Milk' }])
})

test('a page goes on where the newer version lets it, and so does the next one with what it left', async () => {
  const { net, deploy, open, stored } = createWorld()
  deploy(second)
  const page = open(second)
  await page.model.ready
  await page.model.create(['todos'], { title: 'Milk' }).verdict
  deploy(third)
  await page.model.create(['todos'], { title: 'Tea' }).verdict
  const both = [
    { color: 'grey', title: 'Milk' },
    { color: 'grey', title: 'Tea' },
  ]
  expect(await stored()).toEqual(both)
  expect(page.todos()).toEqual(both)
  expect(page.told).toEqual([])
  net.isDown = true
  await page.model.create(['todos'], { title: 'Rum' }).durable
  page.client.close()
  for (const definition of [second, third]) {
    const after = open(definition)
    await after.model.ready
    expect(after.todos()).toHaveLength(3)
    expect(after.todos().slice(0, 2)).toEqual(both)
    after.client.close()
  }
  net.isDown = false
  open(third)
  await vi.waitFor(async () => expect(await stored()).toHaveLength(3))
})

test('a version from before is shown as the page knows it, and can be restored', async () => {
  const { deploy, open, stored } = createWorld()
  const before = open(first)
  await before.model.ready
  await before.model.create(['todos'], { text: 'Milk' }).verdict
  before.client.close()
  deploy(second)
  const { model } = open(second)
  await model.ready
  const { id, verdict } = model.create(['todos'], { title: 'Tea' })
  await verdict
  expect(Object.values((await model.snapshotAt(1)).document.todos)).toEqual([{ title: 'Milk' }])
  const held = await model.preview()
  expect(held.commands).toEqual([])
  const receipts = await model.restore(1)
  await Promise.all(receipts.map((receipt) => receipt.verdict))
  expect(await stored()).toEqual([{ title: 'Milk' }])
  expect(model.read(['todos', id])).toBeUndefined()
})

test('what a server of another version rendered is not shown as it is', async () => {
  const { deploy, open } = createWorld()
  const old = open(first)
  await old.model.ready
  await old.model.create(['todos'], { text: 'Milk' }).verdict
  const older = dehydrate(old.client)
  old.client.close()
  deploy(second)
  const page = open(second, undefined, older)
  expect(page.model.isLoaded).toBe(false)
  await page.model.ready
  expect(page.todos()).toEqual([{ title: 'Milk' }])
  const newer = dehydrate(page.client)
  expect(open(second, undefined, newer).model.isLoaded).toBe(true)
  const stale = open(first, memoryStorage(), newer)
  await vi.waitFor(() => expect(stale.model.status.state).toBe('needs-upgrade'))
  expect(stale.model.isLoaded).toBe(false)
})
