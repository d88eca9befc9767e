import { defaultEnvironment, memoryStore } from '@flushout/server'
import { expect, test } from 'vitest'
import { countCalls, createTestService, Writer } from './support/world.ts'

test('a model in memory is not loaded again', async () => {
  const { store, calls } = countCalls(memoryStore())
  const ada = new Writer(createTestService({ store }), 'ada')
  for (const id of ['a', 'b', 'c']) await ada.add(id)
  expect(calls['load']).toBe(2)
  expect(calls['create']).toBe(1)
  expect(calls['commit']).toBe(3)
  expect(calls['news']).toBeUndefined()
})

test('memory stays bounded, and models that were let go come back as they were', async () => {
  const { store, calls } = countCalls(memoryStore())
  const service = createTestService({ store, limits: { cacheBytes: 20_000 } })
  const text = 'x'.repeat(1000)
  const writers = Array.from(
    { length: 60 },
    (_, index) => new Writer(service, 'c', { key: `todos:${index}` }),
  )
  for (const writer of writers) {
    await writer.add('a', { text })
    expect(service.usage.bytes).toBeLessThan(25_000)
  }
  expect(service.usage.models).toBeLessThan(20)
  const loads = calls['load']!
  for (const writer of writers) expect((await writer.add('b')).commandCount).toBe(2)
  for (const writer of writers)
    expect(await writer.todos()).toEqual({ a: { text }, b: { text: 'b' } })
  expect(calls['load']).toBeGreaterThan(loads + 60)
})

test('a model that is let go is written as a checkpoint', async () => {
  const store = memoryStore()
  const service = createTestService({ store, limits: { cacheBytes: 1 } })
  const ada = new Writer(service, 'ada')
  await ada.add('a')
  await expect.poll(() => service.usage.models).toBe(0)
  const stored = await store.load(ada.key, [])
  expect(stored?.checkpoint).toMatchObject({ commandCount: 1, document: { todos: { a: {} } } })
  expect(stored?.tail).toEqual([])
})

test('with and without memory the answers are the same', async () => {
  const script = async (cacheBytes: number) => {
    const service = createTestService({
      limits: { cacheBytes },
      environment: { ...defaultEnvironment, now: () => 0 },
    })
    const [ada, bob] = [new Writer(service, 'ada'), new Writer(service, 'bob')]
    const answers = []
    for (let turn = 0; turn < 30; turn += 1) {
      const { commandCount, verdicts } = await (turn % 3 ? ada : bob).add(`n${turn}`)
      answers.push({ commandCount, verdicts })
    }
    return { answers, todos: await ada.todos() }
  }
  expect(await script(1)).toEqual(await script(1e9))
})

test('what is accounted for memory returns to zero', async () => {
  const service = createTestService()
  const writers = Array.from(
    { length: 20 },
    (_, index) => new Writer(service, 'c', { key: `todos:${index % 7}` }),
  )
  await Promise.allSettled(writers.map((writer) => writer.add('a')))
  await Promise.allSettled(writers.map((writer) => writer.pull()))
  expect(service.usage.models).toBe(7)
  expect(service.usage.bytes).toBeGreaterThan(0)
  await service.close()
  expect(service.usage).toMatchObject({ models: 0, bytes: 0 })
})

test('what others wrote is noticed by the count, and only that is read', async () => {
  const { store, calls } = countCalls(memoryStore())
  const ada = new Writer(createTestService({ store }), 'ada')
  const bob = new Writer(createTestService({ store }), 'bob')
  await ada.add('a')
  await bob.add('b')
  const { load, news = 0 } = calls
  expect(await ada.todos()).toEqual({ a: { text: 'a' }, b: { text: 'b' } })
  expect(calls['news']).toBe(news + 1)
  await bob.add('c')
  expect((await ada.add('d')).commandCount).toBe(4)
  expect(await bob.todos()).toEqual(await ada.todos())
  expect(calls['load']).toBe(load)
})

test('clients beyond a thousand are looked up again', async () => {
  const { store, calls } = countCalls(memoryStore())
  const service = createTestService({ store })
  const writers = Array.from({ length: 1100 }, (_, index) => new Writer(service, `c${index}`))
  for (const writer of writers) await writer.add(writer.clientId)
  const news = calls['news']!
  expect((await writers[0]!.add('again')).outcome).toBe('applied')
  expect(calls['news']).toBe(news + 1)
  await writers[1099]!.add('too')
  expect(calls['news']).toBe(news + 1)
})
