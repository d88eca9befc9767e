import { PROTOCOL } from '@flushout/core'
import {
  allowAnyone,
  flushout,
  memoryStore,
  type FlushoutOptions,
  type ModelStore,
} from '@flushout/server'
import Fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { TestServer } from './support/http.ts'
import { add, createTestService, KEY, wrapStore, Writer } from './support/world.ts'

const models = [{ pattern: 'todos:*', initial: { todos: {} } }]

describe('does not start', () => {
  test.each<[string, object, string]>([
    ['without authorize', { store: memoryStore(), models }, 'authorize'],
    ['without a store', { authorize: allowAnyone, models }, 'store'],
    ['without models', { store: memoryStore(), authorize: allowAnyone, models: [] }, 'models'],
    [
      'with an initial document that is no JSON',
      {
        store: memoryStore(),
        authorize: allowAnyone,
        models: [{ pattern: 'a', initial: { at: new Date() } }],
      },
      'initial',
    ],
    [
      'with a limit that is none',
      { store: memoryStore(), authorize: allowAnyone, models, limits: { flushByte: 1 } },
      'flushByte',
    ],
  ])('%s', async (_, options, word) => {
    const app = Fastify()
    await expect(app.register(flushout, options as FlushoutOptions).ready()).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: expect.stringContaining(word),
    })
    await app.close()
  })
})

test('leaves the routes around it as they were', async () => {
  await using app = Fastify()
  await app.register(flushout, {
    store: memoryStore(),
    authorize: allowAnyone,
    models,
    prefix: '/sync',
  })
  app.post('/own', async ({ body }) => body)
  app.get('/fails', async () => {
    throw new Error('their own')
  })
  expect((await app.inject({ method: 'POST', url: '/own', payload: { a: 1 } })).json()).toEqual({
    a: 1,
  })
  expect((await app.inject('/fails')).json()).toMatchObject({ message: 'their own' })
  expect((await app.inject('/nowhere')).json()).toMatchObject({ error: 'Not Found' })
  expect((await app.inject('/sync/models/todos:a')).json()).toMatchObject({ commandCount: 0 })
  expect((await app.flushout.snapshot('todos:a')).commandCount).toBe(0)
})

test('closes without losing whoever waits, and closes its store last', async () => {
  const store = memoryStore()
  const events: string[] = []
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  const commit: ModelStore['commit'] = async (writes) => {
    await gate
    events.push('commit')
    return store.commit(writes)
  }
  const close = async () => void events.push('close')
  let admitted = 0
  const server = await TestServer.start({
    store: wrapStore(store, { commit, close }),
    authorize: () => ++admitted > 0,
  })
  const flushes = Array.from({ length: 5 }, (_, index) =>
    server.post({
      protocol: PROTOCOL,
      clientId: `c${index}`,
      sequence: 1,
      from: 0,
      hash: '',
      commands: [add(`n${index}`)],
    }),
  )
  await expect.poll(() => admitted).toBe(5)
  const closed = server.app.close()
  open()
  for (const { status } of await Promise.all(flushes)) expect(status).toBe(200)
  await closed
  expect(events.at(-1)).toBe('close')
  const reader = new Writer(createTestService({ store }), 'reader')
  expect(Object.keys(await reader.todos())).toHaveLength(5)
  // The checkpoint of shutdown: nothing is left to replay.
  expect((await store.load(KEY, []))?.tail).toEqual([])
})
