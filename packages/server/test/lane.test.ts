import { defaultEnvironment, memoryStore, type Write } from '@flushout/server'
import { expect, test } from 'vitest'
import { CommitterLane } from '../src/lane.ts'
import { countCalls } from './support/world.ts'

const start = (hash: string) => ({ commandCount: 0, revision: 0, hash })

/** A write of one client and nothing else, upon `read`. */
function write(key: string, read = start(key)): Write {
  return { key, read, head: { ...read, revision: read.revision + 1 }, entries: [], clients: [] }
}

test('models that share a statement each get their own outcome', async () => {
  const { store, calls } = countCalls(memoryStore())
  for (const key of ['a', 'b', 'c']) {
    await store.create(key, { commandCount: 0, hash: key, document: {} })
  }
  const lane = new CommitterLane(store, defaultEnvironment)
  const stale = write('b', start('another past'))
  const outcomes = await Promise.all([write('a'), stale, write('c')].map((one) => lane.commit(one)))
  expect(outcomes).toEqual(['committed', 'conflict', 'committed'])
  expect(calls['commit']).toBe(1)
})

test.each([
  [8, [8]],
  [32, [16, 16]],
])('%d writes that wait are shared out among the statements', async (count, sizes) => {
  const store = memoryStore()
  const keys = Array.from({ length: count }, (_, n) => `m${n}`)
  for (const key of keys) await store.create(key, { commandCount: 0, hash: key, document: {} })
  const seen: number[] = []
  const commit = (writes: readonly Write[]) => {
    seen.push(writes.length)
    return store.commit(writes)
  }
  const lane = new CommitterLane({ commit }, defaultEnvironment)
  const outcomes = await Promise.all(keys.map((key) => lane.commit(write(key))))
  expect(outcomes).toEqual(keys.map(() => 'committed'))
  expect(seen).toEqual(sizes)
})
