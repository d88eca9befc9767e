import { Master, type LogEntry, type Snapshot } from '@flushout/core'
import { defaultEnvironment, memoryStore, type ModelStore } from '@flushout/server'
import { describe, expect, test } from 'vitest'
import { add, codeOf, countCalls, createTestService, KEY, Writer } from './support/world.ts'

const checkpointEach = { checkpoint: { bytes: 0 } }
const never = { checkpoint: { bytes: 1e9, flushes: 1e9 } }

/** A client that is up to date now and falls behind from here on. */
async function createReader(writer: Writer): Promise<Writer> {
  const reader = new Writer(writer.service, 'reader')
  await reader.pull()
  return reader
}

test('checkpoint and tail replayed are the document, and so is the whole history', async () => {
  const store = memoryStore()
  const service = createTestService({ store, checkpoint: { bytes: 2000, flushes: 10 } })
  const ada = new Writer(service, 'ada')
  for (let turn = 0; turn < 45; turn += 1) await ada.add(`n${turn}`)
  const stored = (await store.load(KEY, []))!
  expect(stored.tail.length).toBeLessThan(15)
  expect(stored.checkpoint.commandCount).toBeGreaterThan(29)
  const now = await service.snapshot(KEY)
  expect(replay(stored.checkpoint, stored.tail)).toEqual(now)
  const { entries, floorHash } = (await store.history(KEY, 0, 45, 1e9))!
  expect(replay({ commandCount: 0, hash: floorHash, document: { todos: {} } }, entries)).toEqual(
    now,
  )
})

test('a checkpoint is due after as much history as the document has', async () => {
  const store = memoryStore()
  const service = createTestService({ store, checkpoint: { bytes: 1000, flushes: 1e9 } })
  const ada = new Writer(service, 'ada')
  await ada.add('long', { text: 'x'.repeat(5000) })
  const counts = new Set<number>()
  for (let turn = 0; turn < 100; turn += 1) {
    await ada.flush({ action: 'update', path: ['todos', 'long'], props: { turn } })
    counts.add((await store.load(KEY, []))!.checkpoint.commandCount)
  }
  // About 200 characters each: one checkpoint in 25 flushes.
  expect(counts.size).toBeGreaterThan(2)
  expect(counts.size).toBeLessThan(8)
})

test('with a threshold of 0 every commit writes the document', async () => {
  const store = memoryStore()
  const ada = new Writer(createTestService({ store, ...checkpointEach }), 'ada')
  for (const id of ['a', 'b']) {
    const { commandCount } = await ada.add(id)
    expect((await store.load(KEY, []))!.checkpoint.commandCount).toBe(commandCount)
  }
})

test('a flush that applied nothing writes no checkpoint', async () => {
  const { store } = countCalls(memoryStore())
  const service = createTestService({ store, ...checkpointEach })
  const ada = new Writer(service, 'ada')
  await ada.flush({ action: 'delete', path: ['nowhere', 'x'] })
  expect((await store.load(KEY, ['ada']))!.clients).toHaveLength(1)
})

describe('a client that is behind', () => {
  test('gets updates across a checkpoint and a restart', async () => {
    const store = memoryStore()
    const ada = new Writer(createTestService({ store, ...checkpointEach }), 'ada')
    await ada.add('first', { text: 'x'.repeat(2000) })
    const reader = await createReader(ada)
    for (const id of ['a', 'b', 'c']) await ada.add(id)
    reader.service = createTestService({ store })
    const { sync } = await reader.pull()
    expect(sync).toMatchObject({
      kind: 'updates',
      updates: [{ from: 1 }, { from: 2 }, { from: 3 }],
    })
  })

  test('by more than the document itself gets a snapshot, without reading the history', async () => {
    const { store, calls } = countCalls(memoryStore())
    const service = createTestService({ store, limits: { historyBytes: 1000 } })
    const ada = new Writer(service, 'ada')
    await ada.add('a', { text: 'x'.repeat(2000) })
    const reader = await createReader(ada)
    for (let turn = 0; turn < 100; turn += 1) {
      await ada.flush({ action: 'update', path: ['todos', 'a'], props: { turn } })
    }
    expect((await reader.pull()).sync.kind).toBe('snapshot')
    const asked = calls['history'] ?? 0
    expect(asked).toBeLessThan(2)
    await reader.send({ ...reader.next([]), from: 5, hash: 'whatever' }).catch(() => {})
    expect(calls['history'] ?? 0).toBeLessThanOrEqual(asked + 1)
  })

  test('by more than is kept gets a snapshot, and its own flush all the same', async () => {
    const store = memoryStore()
    const options = { store, ...checkpointEach, history: { last: 2 }, limits: { historyBytes: 0 } }
    const ada = new Writer(createTestService(options), 'ada')
    await ada.add('first', { text: 'x'.repeat(2000) })
    const reader = await createReader(ada)
    for (const id of ['a', 'b', 'c', 'd']) await ada.add(id)
    reader.service = createTestService({ store })
    expect(await store.history(KEY, 0, 5, 1e9)).toMatchObject({
      entries: [{ from: 3 }, { from: 4 }],
    })
    const answer = await reader.add('mine')
    expect(answer).toMatchObject({
      outcome: 'applied',
      commandCount: 6,
      sync: { kind: 'snapshot' },
    })
  })

  test('gets updates from what is left of the history', async () => {
    const store = memoryStore()
    const ada = new Writer(
      createTestService({ store, ...checkpointEach, history: { last: 2 } }),
      'ada',
    )
    await ada.add('first', { text: 'x'.repeat(2000) })
    for (const id of ['a', 'b']) await ada.add(id)
    const reader = await createReader(ada)
    for (const id of ['c', 'd']) await ada.add(id)
    reader.service = createTestService({ store })
    expect((await reader.pull()).sync).toMatchObject({
      kind: 'updates',
      updates: [{ from: 3 }, { from: 4 }],
    })
  })
})

test('without any history everybody gets snapshots', async () => {
  const service = createTestService({
    ...checkpointEach,
    history: 'none',
    limits: { historyBytes: 0 },
  })
  const ada = new Writer(service, 'ada')
  const reader = await createReader(ada)
  expect((await ada.add('a')).commandCount).toBe(1)
  expect((await reader.pull()).sync.kind).toBe('snapshot')
})

describe('another history under the same name', () => {
  /** Put what `from` holds of the model in the place of what `to` holds. */
  function restorable() {
    let current: ModelStore = memoryStore()
    const store = new Proxy({} as ModelStore, {
      get:
        (_, name) =>
        (...args: unknown[]) =>
          (current[name as keyof ModelStore] as (...args: unknown[]) => unknown)(...args),
    })
    return { store, restore: (older: ModelStore) => void (current = older) }
  }

  test('is seen by the first who comes with the old one', async () => {
    const { store, restore } = restorable()
    const service = createTestService({ store })
    const ada = new Writer(service, 'ada')
    for (const id of ['a', 'b', 'c']) await ada.add(id)
    restore(memoryStore())
    const bob = new Writer(service, 'bob')
    expect((await bob.add('z')).commandCount).toBe(1)
    expect(await codeOf(ada.add('d'))).toBe('HISTORY_CHANGED')
    expect(Object.keys(await bob.todos())).toEqual(['z'])
  })

  test('is not written onto by a server that remembers the old one', async () => {
    const { store, restore } = restorable()
    const service = createTestService({ store })
    const ada = new Writer(service, 'ada')
    await ada.add('a')
    const other = memoryStore()
    await new Writer(createTestService({ store: other }), 'ada').add('other')
    restore(other)
    // Same count, same revision, same client, same sequence: only the hash tells.
    expect(await codeOf(ada.add('b'))).toBe('HISTORY_CHANGED')
    expect(Object.keys(await ada.todos())).toEqual(['other'])
  })

  test('that was made by the very same commands is another one', async () => {
    const { store, restore } = restorable()
    const environment = { ...defaultEnvironment, now: () => 0 }
    const ada = new Writer(createTestService({ store, environment }), 'ada')
    await ada.add('a')
    const other = memoryStore()
    await new Writer(createTestService({ store: other, environment }), 'ada').add('a')
    restore(other)
    expect(await codeOf(ada.pull())).toBe('HISTORY_CHANGED')
  })

  test('that went on past the client shows by its hash', async () => {
    const { store, restore } = restorable()
    const service = createTestService({ store })
    const ada = new Writer(service, 'ada')
    await ada.add('a')
    const other = memoryStore()
    const eve = new Writer(createTestService({ store: other, ...never }), 'eve')
    for (const id of ['x', 'y', 'z']) await eve.add(id, { text: 'x'.repeat(500) })
    restore(other)
    expect(await codeOf(ada.pull())).toBe('HISTORY_CHANGED')
    const { from, hash } = ada
    expect(await codeOf(service.pull(KEY, { from, hash }))).toBe('HISTORY_CHANGED')
  })
})

test('a model without `initial` has to be there', async () => {
  const store = memoryStore()
  const service = createTestService({ store, models: [{ pattern: 'todos:*' }] })
  expect(await codeOf(service.snapshot(KEY))).toBe('MODEL_NOT_FOUND')
  const ada = new Writer(service, 'ada')
  expect(await codeOf(ada.send(ada.next([add('a')])))).toBe('MODEL_NOT_FOUND')
  expect(service.usage).toMatchObject({ models: 0, bytes: 0 })
  await store.create(KEY, { commandCount: 0, hash: 'genesis', document: { todos: {} } })
  expect((await ada.add('a')).commandCount).toBe(1)
})

function replay(snapshot: Snapshot, entries: readonly LogEntry[]): Snapshot {
  const master = new Master(snapshot, { createId: () => 'unused', digest: () => 'unused' })
  master.advance(entries)
  return master.snapshot()
}
