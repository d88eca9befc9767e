// A database that was put back has another future: it forks. Servers that run on
// with the lost past in memory, and clients that hold some of it, must find out
// by the first thing they say, and never build on what is gone.
import { expect, test } from 'vitest'
import { ForkWorld, KEY } from '../support/fork-world.ts'

test('who saw what was lost is told once, who did not goes on, and what both queued survives', async () => {
  await using world = await ForkWorld.begin()
  const { ada, bob } = world
  await ada.save('a')
  await bob.save('b')
  const backup = await world.save()
  bob.client.pause()
  await ada.save('tail')
  ada.client.pause()
  bob.create('queued by bob')
  ada.create('queued by ada')
  ada.model.update(['todos', 'a'], { text: 'A' })
  const orphan = ada.model.update(['todos', 'tail'], { text: 'gone' })
  await world.restore(backup)
  bob.client.resume()
  await bob.reach(3)
  ada.client.resume()

  expect(await orphan.verdict).toMatchObject({
    kind: 'dropped',
    rejection: { code: 'PATH_NOT_FOUND', at: ['todos', 'tail'] },
  })
  expect(await world.settle()).toEqual({
    todos: {
      a: { text: 'A' },
      b: { text: 'b' },
      'queued by bob': { text: 'queued by bob' },
      'queued by ada': { text: 'queued by ada' },
    },
  })
  expect([ada.refusals, bob.refusals]).toEqual([['HISTORY_CHANGED'], []])
  expect(ada.model.rejections).toHaveLength(1)
  expect(bob.model.rejections).toEqual([])
})

test.each(['a write', 'a read', 'a newcomer', 'a pull'])(
  'a server that has the lost tail in memory finds out by %s',
  async (how) => {
    await using world = await ForkWorld.begin()
    const { ada, bob } = world
    await ada.save('a')
    await bob.save('b')
    await ada.reach(2)
    const backup = await world.save()
    bob.client.pause()
    await ada.save('tail')
    await world.restore(backup)
    if (how === 'a write') {
      ada.create('c')
      ada.client.resume()
    } else if (how === 'a read') {
      const { document } = await ada.service.snapshot(KEY)
      expect(Object.keys(document['todos']!)).toEqual(['a', 'b'])
    } else if (how === 'a newcomer') {
      const eve = await world.join(ada.service)
      expect(eve.ids).toEqual(['a', 'b'])
      await eve.save('c')
    } else {
      const { from, hash } = { from: 3, hash: '' }
      expect(await ada.service.pull(KEY, { from, hash })).toMatchObject({ commandCount: 2 })
    }
    bob.create('d')
    expect((await world.settle()).todos).not.toHaveProperty('tail')
    expect([ada.refusals, bob.refusals]).toEqual([['HISTORY_CHANGED'], []])
  },
)

test('a server whose head has the same count and revision as the fork tells them apart', async () => {
  await using world = await ForkWorld.begin()
  const { ada, bob } = world
  await ada.save('a')
  const backup = await world.save()
  await ada.save('tail')
  await bob.reach(2)
  await world.restore(backup)
  const eve = await world.join()
  await eve.save('other')
  // Both servers have count 2, revision 2 in memory, of the past that is gone.
  const queued = [ada.create('from ada'), bob.create('from bob')]
  ada.client.resume()
  bob.client.resume()
  for (const { verdict } of queued) expect(await verdict).toEqual({ kind: 'applied' })
  const ids = Object.keys((await world.settle()).todos)
  expect(ids.slice(0, 2)).toEqual(['a', 'other'])
  expect(ids.slice(2).toSorted()).toEqual(['from ada', 'from bob'])
  expect([ada.refusals, bob.refusals]).toEqual([['HISTORY_CHANGED'], ['HISTORY_CHANGED']])
})

test('a server writes no checkpoint of a past that is gone when it closes', async () => {
  await using world = await ForkWorld.begin()
  const service = await world.startServer({ flushes: 1000 })
  const cem = await world.join(service)
  await cem.save('a')
  const backup = await world.save()
  await cem.save('tail')
  await world.restore(backup)
  const eve = await world.join()
  await eve.save('other')
  // The document in its memory is at the very count and revision of the fork, and
  // would be the checkpoint.
  await service.close()
  const fresh = await world.startServer()
  expect(Object.keys((await fresh.snapshot(KEY)).document['todos']!)).toEqual(['a', 'other'])
})
