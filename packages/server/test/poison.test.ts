// A model that cannot be read or worked on fails alone: the others go on, the
// server stays ready, and its log names the model.
import {
  allowAnyone,
  fastifyOptions,
  flushout,
  postgresStore,
  type ModelStore,
} from '@flushout/server'
import Fastify from 'fastify'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { createDatabase, type Database } from '../../../test/support/postgres.ts'
import { add, createTestService, Writer } from './support/world.ts'

const world: { database?: Database } = {}

beforeAll(async () => {
  world.database = await createDatabase(inject('postgresUrl'))
})

afterAll(() => world.database?.drop())

async function openStore(): Promise<ModelStore> {
  const store = postgresStore({ connectionString: world.database!.url, maxConnections: 2 })
  onTestFinished(() => store.close())
  await store.migrate()
  return store
}

async function damage(sql: string, key: string): Promise<void> {
  const client = new pg.Client({ connectionString: world.database!.url })
  await client.connect()
  await client.query(sql, [key])
  await client.end()
}

const DAMAGES = {
  'its history does not apply': `update flushout.flush
    set commands = '[{"action":"delete","path":["nowhere","x"]}]' where key = $1 and to_count = 2`,
  'its history is no list of commands': `update flushout.flush
    set commands = '[{"action":"explode","path":[]}]' where key = $1 and to_count = 2`,
  'its history has a gap': 'delete from flushout.flush where key = $1 and to_count = 2',
  'its history ends too early': 'delete from flushout.flush where key = $1 and to_count = 3',
  'its history is not the one of its head': `update flushout.flush
    set hash = 'another' where key = $1 and to_count = 3`,
  'its checkpoint is not the one of its head': `update flushout.model
    set checkpoint_count = 3, checkpoint_hash = 'another' where key = $1`,
  'its checkpoint is no JSON': `update flushout.model set checkpoint = '{"todos":' where key = $1`,
  'its checkpoint is no document': `update flushout.model set checkpoint = '[]' where key = $1`,
  'its count is beyond exact numbers': `update flushout.model
    set command_count = 9007199254740993 where key = $1`,
  'a client has a sequence beyond exact numbers': `update flushout.client
    set sequence = 9007199254740993 where key = $1`,
  'a client has no answer': `update flushout.client set answer = '{}' where key = $1`,
}

describe.each(Object.entries(DAMAGES))('a model of which %s', (what, sql) => {
  test('fails alone, as a passing fault, and is named in the log', async () => {
    const store = await openStore()
    const key = `todos:${what}`
    const ada = new Writer(createTestService({ store }), 'ada', { key })
    for (const id of ['a', 'b', 'c']) await ada.add(id)
    await damage(sql, key)

    const errors: object[] = []
    const log = { error: (details: object) => void errors.push(details), info() {}, debug() {} }
    ada.service = createTestService({ store, log })
    const bob = new Writer(ada.service, 'bob', { key: `${key}, not` })
    const [adas, bobs] = await Promise.allSettled([ada.add('d'), bob.add('a')])
    expect(adas).toMatchObject({ status: 'rejected', reason: { retry: 'same-flush' } })
    expect(['INTERNAL', 'UNAVAILABLE']).toContain((adas as PromiseRejectedResult).reason.code)
    expect(bobs).toMatchObject({ status: 'fulfilled', value: { outcome: 'applied' } })
    expect(errors).toEqual([expect.objectContaining({ model: key, err: expect.any(Error) })])

    await ada.service.ready()
    await expect(ada.add('d')).rejects.toMatchObject({ retry: 'same-flush' })
    expect(await bob.add('b')).toMatchObject({ outcome: 'applied', commandCount: 2 })
    // Nothing is kept of it that could be taken for the model.
    expect(ada.service.usage.models).toBe(1)
  })
})

test('a model that was repaired is served again, without a restart', async () => {
  const store = await openStore()
  const key = 'todos:repaired'
  const service = createTestService({ store })
  const ada = new Writer(createTestService({ store }), 'ada', { key })
  await ada.add('a')
  await damage(`update flushout.model set checkpoint = '{"todos":' where key = $1`, key)
  ada.service = service
  await expect(ada.add('b')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await damage(`update flushout.model set checkpoint = '{"todos":{}}' where key = $1`, key)
  expect(await ada.add('b')).toMatchObject({ outcome: 'applied', commandCount: 2 })
})

test('over HTTP the client learns nothing of the reason, and the server stays ready', async () => {
  const store = await openStore()
  const key = 'todos:http'
  await new Writer(createTestService({ store }), 'ada', { key }).add('a')
  await damage(DAMAGES['its history is no list of commands'].replace('= 2', '= 1'), key)
  await using app = Fastify({ ...fastifyOptions })
  const models = [{ pattern: 'todos:*', initial: { todos: {} } }]
  await app.register(flushout, { store, authorize: allowAnyone, models })
  const get = (path: string) => app.inject({ url: `/flushout${path}` })
  const answer = await get(`/models/${encodeURIComponent(key)}`)
  expect([answer.statusCode, answer.json()]).toEqual([
    500,
    { code: 'INTERNAL', message: 'The model cannot be read.', retry: 'same-flush' },
  ])
  expect((await get('/models/todos%3Aother')).statusCode).toBe(200)
  expect((await get('/readyz')).statusCode).toBe(200)
})

describe('an interceptor that always throws', () => {
  test('refuses each command by itself, and uses up the sequence', async () => {
    const errors: object[] = []
    const log = { error: (details: object) => void errors.push(details), info() {}, debug() {} }
    const fail = () => {
      throw new Error('broken rule')
    }
    const models = [
      { pattern: 'todos:broken', initial: { todos: {} }, interceptors: [fail] },
      { pattern: 'todos:*', initial: { todos: {} } },
    ]
    const service = createTestService({ store: await openStore(), models, log })
    const ada = new Writer(service, 'ada', { key: 'todos:broken' })
    const bob = new Writer(service, 'bob', { key: 'todos:whole' })
    const [adas, bobs] = await Promise.all([ada.flush(add('a'), add('b')), bob.add('a')])
    expect(adas).toMatchObject({
      outcome: 'applied',
      commandCount: 0,
      verdicts: [0, 1].map((index) => ({
        index,
        kind: 'rejected',
        rejection: { code: 'INTERCEPTOR_FAILED' },
      })),
    })
    expect(bobs).toMatchObject({ verdicts: [], commandCount: 1 })
    // The client is not stuck with it: its next flush has the next number.
    expect(await ada.add('c')).toMatchObject({ sequence: 2, verdicts: [{ index: 0 }] })
    expect(errors).toHaveLength(3)
    for (const error of errors) expect(error).toMatchObject({ model: 'todos:broken' })
  })
})
