// What outlives a page: stories with one storage for several pages. A page that
// ends here ends like one that crashes, without another word.
import {
  createClient,
  directTransport,
  memoryStorage,
  onDevice,
  type ClientStorage,
} from '@flushout/client'
import { createTestEnvironment, createTestServer } from '@flushout/client/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createWorld, KEY } from './support/page-world.ts'
import { TestBrowser } from './support/test-browser.ts'

describe('a page that is loaded again', () => {
  test('shows without the network what it showed before, and sends it once', async () => {
    const { open, texts } = createWorld()
    const before = open()
    await before.settle()
    before.add('Milk')
    await before.environment.advance(1_000)
    before.network.dropRequests()
    before.add('Bread')
    before.add('Tea')
    await before.environment.advance(1_000)
    before.client.close()

    const after = open()
    after.network.dropRequests()
    await after.settle()
    expect(after.texts()).toEqual(['Milk', 'Bread', 'Tea'])
    expect(after.model.status).toMatchObject({ queued: 0, inFlight: 2, confirmed: 1 })
    expect(texts()).toEqual(['Milk'])
    after.network.heal()
    await after.environment.advance(60_000)
    expect(texts()).toEqual(['Milk', 'Bread', 'Tea'])
    expect(after.model.status).toMatchObject({ queued: 0, inFlight: 0 })

    const last = open()
    await last.environment.advance(60_000)
    expect(last.texts()).toEqual(['Milk', 'Bread', 'Tea'])
    expect(last.network.flushes.filter(({ commands }) => commands.length > 0)).toEqual([])
  })

  test('sends a flush again whose answer was lost with the page, and it takes effect once', async () => {
    const { open, texts } = createWorld()
    const before = open()
    await before.settle()
    before.network.dropAnswers()
    before.add('Milk')
    await before.environment.advance(100)
    expect(texts()).toEqual(['Milk'])
    const [sent] = before.network.flushes
    before.client.close()

    const after = open()
    await after.environment.advance(1_000)
    expect(after.texts()).toEqual(['Milk'])
    expect(texts()).toEqual(['Milk'])
    const again = after.network.flushes.find(({ commands }) => commands.length > 0)
    expect(again?.commands).toEqual(sent!.commands)
    expect([again?.clientId, again?.sequence]).toEqual([sent!.clientId, sent!.sequence])
  })

  test('goes on with edits on top of those of before', async () => {
    const { open, texts } = createWorld()
    const before = open()
    await before.settle()
    before.network.dropRequests()
    const { id } = before.add('Milk')
    await before.environment.advance(1_000)
    before.client.close()
    const after = open()
    after.network.dropRequests()
    await after.settle()
    after.model.update(['todos', id], { text: 'Oat milk' })
    after.add('Bread')
    await after.environment.advance(1_000)
    after.client.close()
    const last = open()
    await last.environment.advance(60_000)
    expect(texts()).toEqual(['Oat milk', 'Bread'])
    expect(last.texts()).toEqual(['Oat milk', 'Bread'])
  })

  test('goes on with an atomic group as one, and with the labels that were given', async () => {
    const { open, texts } = createWorld()
    const before = open()
    await before.settle()
    before.network.dropRequests()
    before.model.batch(
      () => {
        before.add('Milk')
        before.add('Bread')
      },
      { label: 'Breakfast', atomic: true },
    )
    await before.environment.advance(1_000)
    before.client.close()
    const after = open()
    await after.environment.advance(60_000)
    expect(texts()).toEqual(['Milk', 'Bread'])
    const sent = after.network.flushes.find(({ commands }) => commands.length > 0)
    expect(sent?.groups).toEqual([{ at: 0, count: 2, label: 'Breakfast', atomic: true }])
  })

  test('gives an atomic group that was lost again as one, or nothing of it', async () => {
    const { open, texts } = createWorld()
    const before = open()
    await before.settle()
    const milk = before.add('Milk')
    await before.environment.advance(1_000)
    const elsewhere = open({ storage: memoryStorage() })
    await elsewhere.settle()
    before.network.dropRequests()
    before.model.batch(
      () => {
        before.add('Bread')
        before.model.update(['todos', milk.id], { text: 'Oat milk' })
      },
      { label: 'Breakfast', atomic: true },
    )
    elsewhere.model.delete(['todos', milk.id])
    await elsewhere.environment.advance(1_000)
    before.network.heal()
    await before.environment.advance(60_000)
    expect(texts()).toEqual([])
    before.client.close()

    const after = open()
    await after.environment.advance(1_000)
    const [bread] = after.model.rejections
    expect(bread).toMatchObject({ kind: 'dropped', group: { label: 'Breakfast' } })
    expect(after.model.retry(bread!)).toMatchObject({
      ok: false,
      rejection: { code: 'PATH_NOT_FOUND' },
    })
    expect(after.texts()).toEqual([])
    expect(after.model.rejections).toHaveLength(2)
    elsewhere.model.create(['todos'], { text: 'Milk' }, { id: milk.id })
    await elsewhere.environment.advance(1_000)
    await after.environment.advance(60_000)
    expect(after.model.retry(bread!).ok).toBe(true)
    await after.environment.advance(60_000)
    expect(texts().toSorted()).toEqual(['Bread', 'Oat milk'])
    expect(after.model.rejections).toEqual([])
    const sent = after.network.flushes.find(({ commands }) => commands.length > 0)
    expect(sent?.groups).toEqual([{ at: 0, count: 2, label: 'Breakfast', atomic: true }])
  })

  test('still tells what was refused before, until it is dismissed', async () => {
    const { open } = createWorld({
      interceptors: [() => ({ reject: { code: 'CLOSED', message: 'The list is closed.' } })],
    })
    const before = open()
    await before.settle()
    before.add('Milk')
    await before.environment.advance(1_000)
    expect(before.model.rejections).toHaveLength(1)
    before.client.close()
    const after = open()
    await after.settle()
    expect(after.model.status.rejected).toBe(1)
    const [lost] = after.model.rejections
    expect(lost).toMatchObject({ kind: 'rejected', command: { props: { text: 'Milk' } } })
    after.model.dismiss(lost!)
    expect(after.model.rejections).toEqual([])
    await after.settle()
    after.client.close()
    const last = open()
    await last.settle()
    expect(last.model.rejections).toEqual([])
  })
})

test('edits belong to a user: another one neither sees nor sends them', async () => {
  const { open, texts } = createWorld()
  const ada = open()
  await ada.settle()
  ada.network.dropRequests()
  ada.add('Of ada')
  await ada.environment.advance(1_000)
  ada.client.close()
  const bob = open({ user: 'bob' })
  await bob.environment.advance(60_000)
  expect(bob.texts()).toEqual([])
  expect(texts()).toEqual([])
  const again = open()
  await again.environment.advance(60_000)
  expect(texts()).toEqual(['Of ada'])
})

test('what several pages left is sent in the order in which it was given', async () => {
  const { open, texts } = createWorld()
  const one = open()
  const two = open()
  await one.settle()
  await two.settle()
  for (const page of [one, two]) page.network.dropRequests()
  one.add('1')
  await one.environment.advance(2_000_000)
  two.add('2')
  one.add('3')
  await one.settle()
  await two.settle()
  one.client.close()
  two.client.close()
  const after = open()
  await after.environment.advance(60_000)
  expect(new Set(texts())).toEqual(new Set(['1', '2', '3']))
  expect(after.texts()).toEqual(texts())
  expect(after.model.rejections).toEqual([])
})

test('a model that nobody needs any more leaves no timer and no listener behind', async () => {
  const storage = memoryStorage()
  let listeners = 0
  const watched: ClientStorage = {
    ...storage,
    subscribe(listener) {
      listeners += 1
      const stop = storage.subscribe(listener)
      return () => {
        listeners -= 1
        stop()
      }
    },
  }
  const environment = createTestEnvironment()
  const client = createClient({
    transport: directTransport(createTestServer({ [KEY]: { todos: {} } }, { isLive: false })),
    environment,
    storage: onDevice({ storage: watched, tabs: new TestBrowser().open() }),
  })
  onTestFinished(() => client.close())
  await environment.settle()
  const { timers } = environment
  const leave = client.model(KEY).subscribe(() => {})
  await environment.advance(100_000)
  expect(listeners).toBe(1)
  leave()
  await environment.advance(200_000)
  expect(listeners).toBe(0)
  expect(environment.timers).toBe(timers)
})
