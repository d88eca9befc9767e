// A model that somebody holds goes, and comes again.
import type { LiveEvent } from '@flushout/core'
import { allowAnyone, createService, memoryStore } from '@flushout/server'
import { expect, onTestFinished, test, vi } from 'vitest'

function createWorld() {
  const service = createService({
    store: memoryStore(),
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*' }],
  })
  onTestFinished(() => service.close())
  const events: LiveEvent[] = []
  const sink = {
    write({ event }: { event: LiveEvent }) {
      events.push(event)
      return true
    },
    end() {},
  }
  const heard = (name: LiveEvent['event']) => events.filter(({ event }) => event === name)
  return { service, sink, heard }
}

test('who held a model that was deleted hears of the one that takes its place', async () => {
  const { service, sink, heard } = createWorld()
  await service.models.create('todos:a')
  const { hash } = await service.snapshot('todos:a')
  const models = { 'todos:a': { from: 0, hash } }
  await service.live(
    { protocol: 1, models },
    () => sink,
    async () => undefined,
  ).started
  await service.models.delete('todos:a')
  await vi.waitFor(() => expect(heard('refused')).toMatchObject([{ code: 'MODEL_NOT_FOUND' }]))
  const before = heard('heads').length
  await service.models.create('todos:a')
  await vi.waitFor(() => expect(heard('heads').length).toBeGreaterThan(before))
  const again = await service.snapshot('todos:a')
  expect(heard('heads').at(-1)).toEqual({
    event: 'heads',
    heads: { 'todos:a': { commandCount: 0, hash: again.hash } },
  })
  expect(again.hash).not.toBe(hash)
  // It is followed like any other, and told once.
  await service.models.delete('todos:a')
  await vi.waitFor(() => expect(heard('refused')).toHaveLength(2))
  expect(heard('model')).toEqual([])
})

test('who comes for a model that is not there hears of it when it is made', async () => {
  const { service, sink, heard } = createWorld()
  const models = { 'todos:a': { from: 3, hash: 'of another time' } }
  const live = service.live(
    { protocol: 1, models },
    () => sink,
    async () => undefined,
  )
  await live.started
  expect(heard('refused')).toHaveLength(1)
  await service.models.create('todos:a')
  await vi.waitFor(() => expect(heard('heads')).toHaveLength(1))
  live.close()
  expect(service.usage).toMatchObject({ streams: 0, channels: 0 })
})
