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
