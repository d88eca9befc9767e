// What a client holds may not be in the history any more, however far that went
// on. The master compares hashes where the client stands, not only counts.
import { expect, test } from 'vitest'
import { ForkWorld, KEY } from '../support/fork-world.ts'

test('a flush that was lost with the answer to it is sent again, and counts once', async () => {
  await using world = await ForkWorld.begin()
  const { ada, bob } = world
  await ada.save('a')
  const backup = await world.save()
  // It is stored, and its server remembers it; its author hears nothing.
  const flush = ada.service.flush.bind(ada.service)
  ada.service.flush = async (...args) => {
    await flush(...args)
    ada.client.pause()
    throw new Error('The connection broke.')
  }
  const unheard = ada.create('unheard')
  await bob.reach(2)
  await world.restore(backup)
  ada.service.flush = flush
  ada.client.resume()
  expect(await unheard.verdict).toEqual({ kind: 'applied' })
  expect(Object.keys((await world.settle()).todos)).toEqual(['a', 'unheard'])
  expect([ada.refusals, bob.refusals]).toEqual([[], ['HISTORY_CHANGED']])
})

test.each([
  ['as far as', 1],
  ['past', 5],
])('a client notices a fork that went on %s what it holds', async (_how, edits) => {
  await using world = await ForkWorld.begin()
  const { ada, bob } = world
  await ada.save('a', 'b')
  const backup = await world.save()
  await ada.save('tail')
  await bob.reach(3)
  await world.restore(backup)
  const eve = await world.join()
  for (let n = 0; n < edits; n += 1) await eve.save(`other ${n}`)
  const queued = ada.create('queued')
  ada.client.resume()
  bob.client.resume()
  expect(await queued.verdict).toEqual({ kind: 'applied' })
  const ids = Object.keys((await world.settle()).todos)
  expect(ids.slice(0, 3)).toEqual(['a', 'b', 'other 0'])
  expect(ids.at(-1)).toBe('queued')
  // An application that asks can tell its user that something may be gone.
  const changes = [ada, bob, eve].map(({ model }) => model.status.historyChanges)
  expect(changes).toEqual([1, 1, 0])
  expect([ada.refusals, bob.refusals]).toEqual([['HISTORY_CHANGED'], ['HISTORY_CHANGED']])
})

test('a client notices a fork whose flushes are cut otherwise than its own', async () => {
  await using world = await ForkWorld.begin()
  const { ada, bob } = world
  await ada.save('a')
  const backup = await world.save()
  await ada.save('tail')
  await bob.reach(2)
  await world.restore(backup)
  // One flush of three commands: the count that Ada and Bob hold lies within it.
  const eve = await world.join()
  eve.model.batch(() => ['x', 'y', 'z'].map((id) => eve.create(id)))
  await eve.reach(4)
  bob.create('b')
  expect(Object.keys((await world.settle()).todos)).toEqual(['a', 'x', 'y', 'z', 'b'])
  expect([ada.refusals, bob.refusals]).toEqual([['HISTORY_CHANGED'], ['HISTORY_CHANGED']])
})

test('a client notices a fork that is longer than what a server reads back', async () => {
  await using world = await ForkWorld.begin()
  const { ada, bob } = world
  await ada.save('a')
  const backup = await world.save()
  await ada.save('tail')
  await bob.reach(2)
  await world.restore(backup)
  const eve = await world.join()
  for (let turn = 0; turn < 20; turn += 1) {
    await eve.model.update(['todos', 'a'], { text: `${turn} ${'x'.repeat(100)}` }).verdict
  }
  const queued = bob.create('b')
  bob.client.resume()
  expect(await queued.verdict).toEqual({ kind: 'applied' })
  expect(Object.keys((await world.settle()).todos)).toEqual(['a', 'b'])
  expect([ada.refusals, bob.refusals]).toEqual([['HISTORY_CHANGED'], ['HISTORY_CHANGED']])
})

test('a model that was deleted and made again is another one', async () => {
  await using world = await ForkWorld.begin()
  const { ada, bob } = world
  await ada.save('a', 'b')
  await bob.reach(2)
  world.pause()
  for (const table of ['model', 'flush', 'client']) {
    await world.database.query(`delete from flushout.${table} where key = $1`, [KEY])
  }
  const eve = await world.join()
  // As many commands by as many flushes as before: only the hashes differ.
  await eve.save('c', 'd')
  const orphan = ada.model.update(['todos', 'a'], { text: 'gone' })
  bob.create('queued')
  expect(Object.keys((await world.settle()).todos)).toEqual(['c', 'd', 'queued'])
  expect(orphan.outcome).toMatchObject({ kind: 'dropped' })
  expect([ada.refusals, bob.refusals]).toEqual([['HISTORY_CHANGED'], ['HISTORY_CHANGED']])
})
