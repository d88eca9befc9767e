import { expect, test } from 'vitest'
import { memoryStore, createService, allowAnyone } from '@flushout/server'
import { Chores } from '../src/chores.ts'

test('chores are done one after the other, each model once for all that waits', async () => {
  const chores = new Chores()
  const done: string[] = []
  let atOnce = 0
  const chore = (name: string) => async () => {
    atOnce += 1
    expect(atOnce).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    atOnce -= 1
    done.push(name)
    if (name === 'a 1') chores.add('c', chore('c'))
  }
  chores.add('a', chore('a 1'))
  chores.add('b', chore('b 1'))
  chores.add('a', chore('a 2'))
  chores.add('b', chore('b 2'))
  await chores.done()
  expect(done).toEqual(['a 1', 'b 2', 'a 2', 'c'])
  chores.add('d', chore('d'))
  await chores.done()
  expect(done).toHaveLength(5)
})

test('a store that is slow to let go of history holds up nobody but the end', async () => {
  let isHeld = true
  const held: (() => void)[] = []
  const store = memoryStore()
  store.keepCheckpoint = async () => {
    if (isHeld) await new Promise<void>((resolve) => held.push(resolve))
  }
  const service = createService({
    store,
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*', initial: {} }],
    checkpoint: { bytes: 0 },
    limits: { cacheBytes: 0 },
  })
  for (let sequence = 1; sequence <= 3; sequence += 1) {
    const { outcome } = await service.flush('todos:a', {
      protocol: 1,
      clientId: 'ada',
      sequence,
      from: 0,
      hash: '',
      commands: [{ action: 'update', props: { n: sequence } }],
    })
    expect(outcome).toBe('applied')
  }
  expect(held).toHaveLength(1)
  // Nothing of it stays in memory for that.
  await expect.poll(() => service.usage.bytes).toBe(0)
  const order: string[] = []
  const end = async () => {
    await service.close()
    order.push('closed')
  }
  const ended = end()
  await new Promise((resolve) => setTimeout(resolve, 20))
  order.push('released')
  isHeld = false
  for (const release of held) release()
  await ended
  expect(order).toEqual(['released', 'closed'])
})
