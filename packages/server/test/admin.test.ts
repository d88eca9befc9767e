// Models as a whole, over HTTP and in the process, on every store.
import type { JsonObject } from '@flushout/core'
import {
  createService,
  memoryStore,
  postgresStore,
  type Authorize,
  type FlushoutOptions,
  type ModelStore,
} from '@flushout/server'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { createDatabase, type Database } from '../../../test/support/postgres.ts'
import { TestServer, type Answer } from './support/http.ts'
import { add, codeOf, wrapStore, Writer } from './support/world.ts'

const world: { database?: Database } = {}

beforeAll(async () => {
  world.database = await createDatabase(inject('postgresUrl'))
})

afterAll(() => world.database?.drop())

const STORES: readonly [string, () => ModelStore][] = [
  ['memoryStore', () => memoryStore()],
  [
    'postgresStore',
    () =>
      postgresStore({
        connectionString: world.database!.url,
        schema: `s_${crypto.randomUUID().slice(0, 8)}`,
      }),
  ],
]

/** Who asks is named in a header; nobody is where it is missing. */
const user: NonNullable<FlushoutOptions['user']> = ({ headers }) =>
  typeof headers['x-user'] === 'string' ? { id: headers['x-user'] } : undefined

const as = (id: string) => ({ 'x-user': id })

async function start(options: Partial<FlushoutOptions> = {}): Promise<TestServer> {
  const server = await TestServer.start({
    user,
    administer: () => true,
    models: [{ pattern: 'todos:*', initial: { todos: {} } }, { pattern: 'team:*:tasks' }],
    ...options,
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

async function put(server: TestServer, key: string, body: unknown = {}): Promise<Answer> {
  return server.send('PUT', `/models/${encodeURIComponent(key)}`, body)
}

async function listKeys(server: TestServer, query: string, id = 'ada'): Promise<string[]> {
  const { body } = await server.get(`/models?${query}`, as(id))
  return (body['models'] as { key: string }[]).map(({ key }) => key)
}

describe.each(STORES)('%s', (_name, createStore) => {
  test('a model is made once, whatever is sent again', async () => {
    const server = await start({ store: createStore() })
    const document = { todos: { milk: { text: 'Milk' } }, title: 'Ünï \u0000' }
    const config = { title: 'Groceries', owner: null }
    const key = 'todos:ü/ %2F*'
    expect(await put(server, key, { document, config })).toMatchObject({
      status: 201,
      body: { key, commandCount: 0, config },
    })
    const writer = new Writer(server.app.flushout, 'ada', { key })
    await writer.add('tea')
    for (const other of [{ document, config }, { document: {}, config: {} }, {}]) {
      expect(await put(server, key, other)).toMatchObject({
        status: 200,
        body: { key, commandCount: 1, config },
      })
    }
    const snapshot = (await server.get(`/models/${encodeURIComponent(key)}`)).body
    expect(snapshot['document']).toEqual({
      ...document,
      todos: { milk: { text: 'Milk' }, tea: { text: 'tea' } },
    })
  })

  test('of many who make a model at once one does', async () => {
    const server = await start({ store: createStore() })
    const answers = await Promise.all(
      [0, 1, 2, 3, 4].map((by) => put(server, 'todos:a', { config: { by } })),
    )
    const made = answers.filter(({ status }) => status === 201)
    expect(made).toHaveLength(1)
    for (const { body } of answers) expect(body).toEqual(made[0]!.body)
  })

  test('a model that is made with nothing said is what its kind says', async () => {
    const server = await start({ store: createStore() })
    expect(await server.send('PUT', '/models/todos:a')).toMatchObject({ status: 201 })
    expect((await put(server, 'team:1:tasks')).body).toEqual({
      key: 'team:1:tasks',
      commandCount: 0,
    })
    expect((await server.get('/models/todos:a')).body['document']).toEqual({ todos: {} })
    expect((await server.get('/models/team:1:tasks')).body['document']).toEqual({})
  })

  test('to look whether there is a model makes none', async () => {
    const store = createStore()
    const server = await start({ store })
    const look = (key: string) => server.send('HEAD', `/models/${key}`)
    expect(await look('todos:a')).toMatchObject({ status: 404, text: '' })
    expect(await look('todos:a')).toMatchObject({ status: 404 })
    expect(await look('other:a')).toMatchObject({ status: 404 })
    expect(await store.load('todos:a', [])).toBeUndefined()
    await put(server, 'todos:a')
    expect(await look('todos:a')).toMatchObject({ status: 200, text: '' })
  })

  test('a list goes over pages, and shows nothing of what may not be read', async () => {
    const mine = (key: string) => Number(key.split(':')[1]) % 3 === 0
    const authorize: Authorize = (who, action, key) =>
      action !== 'read' || who?.id === 'root' || (who?.id === 'ada' && mine(key))
    const server = await start({ store: createStore(), authorize })
    const { models } = server.app.flushout
    const key = (index: number) => `todos:${String(index).padStart(4, '0')}`
    const keys = Array.from({ length: 250 }, (_, index) => key(index))
    for (const each of keys) await models.create(each, { config: { each } })
    const visible = keys.filter(mine)

    for (const limit of [1, 7, 84, 85, 1000]) {
      const listed: string[] = []
      let after: unknown = ''
      let pages = 0
      do {
        const page = await server.get(
          `/models?pattern=todos:*&limit=${limit}&after=${String(after)}`,
          as('ada'),
        )
        expect(page.status).toBe(200)
        // Whatever is told names models that may be seen, and nothing else.
        for (const [, told] of page.text.matchAll(/"(todos:\d+)"/g)) expect(mine(told!)).toBe(true)
        listed.push(...(page.body['models'] as { key: string }[]).map((model) => model.key))
        after = page.body['next']
        pages += 1
      } while (after !== undefined)
      expect(listed).toEqual(visible)
      // As many pages as if there were no others.
      expect(pages).toBe(Math.ceil(visible.length / limit))
    }
    expect(await listKeys(server, 'pattern=todos:*&limit=1000', 'root')).toEqual(keys)
    const none = { status: 200, body: { models: [] } }
    expect(await server.get('/models?pattern=todos:*', as('eve'))).toMatchObject(none)
    expect(await server.get('/models?pattern=todos:*')).toMatchObject(none)
    expect((await server.get('/models?pattern=todos:*', as('eve'))).text).toBe('{"models":[]}')
  })

  test('a pattern lists what fits it, with its config and count', async () => {
    const server = await start({
      store: createStore(),
      models: ['todos:*', 'team:*:tasks', '*:tasks', '*'].map((pattern) => ({ pattern })),
    })
    const keys = ['solo', 'team:1:tasks', 'team:2:tasks', 'team:%:tasks', 'todos:_', 'todos:a']
    for (const key of [...keys, 'team::tasks', 'ä:tasks']) await put(server, key)
    await put(server, 'todos:b', { config: { title: 'B' } })
    await new Writer(server.app.flushout, 'c', { key: 'todos:a' }).flush({
      action: 'update',
      props: { a: 1 },
    })
    expect(await listKeys(server, 'pattern=team:*:tasks')).toEqual([
      'team:%:tasks',
      'team:1:tasks',
      'team:2:tasks',
    ])
    expect(await listKeys(server, 'pattern=*:tasks')).toEqual(['ä:tasks'])
    expect(await listKeys(server, 'pattern=*')).toEqual(['solo'])
    expect(await listKeys(server, 'pattern=todos:_')).toEqual(['todos:_'])
    expect(await listKeys(server, 'pattern=todos:')).toEqual([])
    expect(await listKeys(server, 'pattern=todos:*&after=todos:_')).toEqual(['todos:a', 'todos:b'])
    expect((await server.get('/models?pattern=todos:*')).body).toEqual({
      models: [
        { key: 'todos:_', commandCount: 0 },
        { key: 'todos:a', commandCount: 1 },
        { key: 'todos:b', commandCount: 0, config: { title: 'B' } },
      ],
    })
  })

  test('a config is replaced whole, and is no part of the document', async () => {
    const server = await start({ store: createStore() })
    await put(server, 'todos:a', { config: { title: 'A', owner: 'ada' } })
    const before = (await server.get('/models/todos:a')).text
    const config = { title: 'B' }
    expect(await server.send('PATCH', '/models/todos:a', { config })).toMatchObject({
      status: 200,
      body: { key: 'todos:a', config },
    })
    expect((await put(server, 'todos:a')).body).toMatchObject({ config })
    expect((await server.get('/models/todos:a')).text).toBe(before)
    expect(await server.send('PATCH', '/models/todos:b', { config })).toMatchObject({
      status: 404,
      body: { code: 'MODEL_NOT_FOUND' },
    })
    expect(await server.send('HEAD', '/models/todos:b')).toMatchObject({ status: 404 })
  })

  test('after a delete an old client has another past, and keeps its edits', async () => {
    const server = await start({ store: createStore() })
    const service = server.app.flushout
    const ada = new Writer(service, 'ada', { key: 'todos:a' })
    await ada.add('milk')
    const deletion = () => server.send('DELETE', '/models/todos:a')
    expect(await deletion()).toMatchObject({ status: 204, text: '' })
    expect(await deletion()).toMatchObject({ status: 404, body: { code: 'MODEL_NOT_FOUND' } })
    expect(await server.send('HEAD', '/models/todos:a')).toMatchObject({ status: 404 })
    expect(await codeOf(ada.add('tea'))).toBe('HISTORY_CHANGED')
    const again = new Writer(service, 'ada-again', { key: 'todos:a' })
    await again.add('tea')
    expect(await again.todos()).toEqual({ tea: { text: 'tea' } })
  })

  test('a deleted model of a kind without a beginning is not there', async () => {
    const server = await start({ store: createStore() })
    const service = server.app.flushout
    const key = 'team:1:tasks'
    await service.models.create(key, { document: { todos: {} } })
    const ada = new Writer(service, 'ada', { key })
    await ada.add('milk')
    const flushes = [1, 2, 3].map(() => ada.service.flush(key, ada.next([add('tea')])))
    const [deleted, ...others] = await Promise.allSettled([service.models.delete(key), ...flushes])
    expect(deleted.status).toBe('fulfilled')
    for (const other of others) {
      if (other.status === 'rejected') {
        expect(other.reason).toMatchObject({ code: 'MODEL_NOT_FOUND' })
      }
    }
    expect(await codeOf(ada.pull())).toBe('MODEL_NOT_FOUND')
    expect(await codeOf(ada.add('coffee'))).toBe('MODEL_NOT_FOUND')
    expect(await codeOf(service.snapshot(key))).toBe('MODEL_NOT_FOUND')
    expect(service.usage.models).toBe(0)
    expect((await service.models.create(key)).isNew).toBe(true)
    expect((await service.snapshot(key)).document).toEqual({})
  })

  test('a deleted model takes no memory', async () => {
    const server = await start({ store: createStore() })
    const service = server.app.flushout
    await new Writer(service, 'ada', { key: 'todos:a' }).add('milk')
    expect(service.usage.models).toBe(1)
    await service.models.delete('todos:a')
    await vi.waitFor(() => expect(service.usage).toMatchObject({ models: 0, bytes: 0 }))
  })

  test('what one server deletes is gone at the other', async () => {
    const store = createStore()
    await store.migrate()
    const options = { store, authorize: () => true, models: [{ pattern: 'todos:*' }] }
    const [one, two] = [createService(options), createService(options)]
    onTestFinished(async () => {
      await one.close()
      await two.close()
    })
    await one.models.create('todos:a', { document: { todos: {} } })
    const ada = new Writer(one, 'ada', { key: 'todos:a' })
    await ada.add('milk')
    await two.models.delete('todos:a')
    expect(await codeOf(ada.add('tea'))).toBe('MODEL_NOT_FOUND')
    expect(await codeOf(one.snapshot('todos:a'))).toBe('MODEL_NOT_FOUND')
  })
})

describe('who may not', () => {
  const ROUTES: readonly [string, string, string, unknown?][] = [
    ['create', 'PUT', '/models/todos:a', {}],
    ['read', 'HEAD', '/models/todos:a'],
    ['configure', 'PATCH', '/models/todos:a', { config: {} }],
    ['delete', 'DELETE', '/models/todos:a'],
  ]

  test.each(ROUTES)('%s is refused, whether there is a model or not', async (...route) => {
    const [action, method, path, body] = route
    const asked: string[] = []
    const isAllowed = (wanted: string) => {
      asked.push(wanted)
      return wanted !== action
    }
    const store = memoryStore()
    const server = await start({
      store,
      authorize: (_who, wanted) => isAllowed(wanted),
      administer: (_who, wanted) => isAllowed(wanted),
    })
    const texts: string[] = []
    for (const exists of [false, true]) {
      if (exists) await server.app.flushout.models.create('todos:a')
      const before = await store.list({ prefix: '', after: '', limit: 9 })
      asked.length = 0
      const nobody = await server.send(method, path, body)
      const eve = await server.send(method, path, body, as('eve'))
      expect([nobody.status, eve.status]).toEqual([401, 403])
      expect(asked).toEqual([action, action])
      if (method !== 'HEAD') {
        expect(nobody.body).toMatchObject({ code: 'UNAUTHENTICATED', retry: 'after-auth' })
        expect(eve.body).toMatchObject({ code: 'FORBIDDEN', retry: 'never' })
      }
      texts.push(nobody.text + eve.text)
      expect(await store.list({ prefix: '', after: '', limit: 9 })).toEqual(before)
    }
    expect(texts[0]).toBe(texts[1])
  })

  test('who may make but not read is not told of what others made', async () => {
    const server = await start({ authorize: () => false })
    const config = { secret: 1 }
    await server.app.flushout.models.create('todos:a', { config })
    const eve = await server.send('PUT', '/models/todos:a', {}, as('eve'))
    expect(eve).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    expect(eve.text).not.toContain('secret')
    expect(await server.send('PUT', '/models/todos:b', {}, as('eve'))).toMatchObject({
      status: 201,
    })
  })

  test('who may read and write everything may still not delete it, if nobody says so', async () => {
    const server = await TestServer.start({ authorize: () => true, user })
    onTestFinished(() => server[Symbol.asyncDispose]())
    await server.app.flushout.models.create('todos:a', { config: { title: 'A' } })
    for (const [method, body] of [
      ['PUT', {}],
      ['PATCH', { config: {} }],
      ['DELETE', undefined],
    ] as const) {
      expect(await server.send(method, '/models/todos:a', body, as('eve'))).toMatchObject({
        status: 403,
      })
    }
    const { models } = server.app.flushout
    expect(await codeOf(models.as({ id: 'eve' }).delete('todos:a'))).toBe('FORBIDDEN')
    expect(await codeOf(models.as(undefined).delete('todos:a'))).toBe('UNAUTHENTICATED')
    expect(await models.list({ pattern: 'todos:*' })).toMatchObject({
      models: [{ key: 'todos:a', config: { title: 'A' } }],
    })
  })

  test('where permissions cannot be checked, nothing is listed or done', async () => {
    const authorize = () => {
      throw new Error('the directory is down')
    }
    const store = memoryStore()
    await store.create('todos:a', { commandCount: 0, hash: 'h', document: {} })
    const server = await start({ store, authorize, administer: authorize })
    for (const [method, path, body] of [
      ['GET', '/models?pattern=todos:*'],
      ['PUT', '/models/todos:b', {}],
      ['PATCH', '/models/todos:a', { config: {} }],
      ['DELETE', '/models/todos:a'],
    ] as const) {
      const answer = await server.send(method, path, body)
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
      expect(answer.text).not.toContain('directory')
    }
    expect((await store.heads(['todos:a', 'todos:b'])).size).toBe(1)
  })

  test('a service that is shutting down makes and deletes nothing', async () => {
    const service = createService({
      store: memoryStore(),
      authorize: () => true,
      models: [{ pattern: 'todos:*' }],
    })
    await service.models.create('todos:a')
    service.drain()
    expect(await codeOf(service.models.create('todos:b'))).toBe('UNAVAILABLE')
    expect(await codeOf(service.models.delete('todos:a'))).toBe('UNAVAILABLE')
    expect(await codeOf(service.models.list({ pattern: 'todos:*' }))).toBe('UNAVAILABLE')
    await service.close()
  })
})

describe('what is refused, and how', () => {
  const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

  test.each<[string, string, string, unknown, number, string]>([
    ['no JSON', 'PUT', '/models/todos:a', '{', 400, 'not JSON'],
    ['a list', 'PUT', '/models/todos:a', [], 400, 'At ""'],
    ['an unknown field', 'PUT', '/models/todos:a', { title: 'A' }, 400, '"/title"'],
    ['a text for a document', 'PUT', '/models/todos:a', { document: 'x' }, 400, '"/document"'],
    ['null for a document', 'PUT', '/models/todos:a', { document: null }, 400, '"/document"'],
    ['a list for a config', 'PUT', '/models/todos:a', { config: [] }, 400, '"/config"'],
    [
      'a forbidden key',
      'PUT',
      '/models/todos:a',
      '{"document":{"todos":{"constructor":1}}}',
      400,
      'the key "constructor"',
    ],
    ['__proto__', 'PUT', '/models/todos:a', '{"config":{"__proto__":1}}', 400, '"/config"'],
    ['too many levels', 'PUT', '/models/todos:a', `{"document":${nested(66)}}`, 400, '64 levels'],
    [
      'a large config',
      'PUT',
      '/models/todos:a',
      { config: { a: 'x'.repeat(16_384) } },
      413,
      '16384',
    ],
    [
      'a large body',
      'PUT',
      '/models/todos:a',
      { document: { a: 'x'.repeat(300_000) } },
      413,
      'larger',
    ],
    ['a stranger', 'PUT', '/models/other:a', {}, 404, 'no such model'],
    ['a control character', 'PUT', '/models/todos:%00', {}, 400, 'control'],
    ['a long key', 'PUT', `/models/todos:${'x'.repeat(300)}`, {}, 400, '256'],
    ['no config', 'PATCH', '/models/todos:a', {}, 400, "'config'"],
    ['a config beside others', 'PATCH', '/models/todos:a', { config: {}, x: 1 }, 400, '"/x"'],
    ['a null config', 'PATCH', '/models/todos:a', { config: null }, 400, '"/config"'],
    ['nothing', 'PATCH', '/models/todos:a', undefined, 400, 'At ""'],
    ['no pattern', 'GET', '/models', undefined, 400, '?pattern'],
    ['two patterns', 'GET', '/models?pattern=a&pattern=b', undefined, 400, '?pattern'],
    ['a limit of 0', 'GET', '/models?pattern=a&limit=0', undefined, 400, '?limit'],
    ['a limit of 1001', 'GET', '/models?pattern=a&limit=1001', undefined, 400, '?limit'],
    ['a limit of -1', 'GET', '/models?pattern=a&limit=-1', undefined, 400, '?limit'],
    ['a limit of 1.5', 'GET', '/models?pattern=a&limit=1.5', undefined, 400, '?limit'],
    ['two cursors', 'GET', '/models?pattern=a&after=a&after=b', undefined, 400, '?after'],
    ['a broken cursor', 'GET', '/models?pattern=a&after=%00', undefined, 400, 'control'],
    ['an unknown query', 'GET', '/models?pattern=a&offset=5', undefined, 400, '?offset'],
  ])('%s', async (_what, method, path, body, status, part) => {
    const store = memoryStore()
    const server = await start({ store })
    const answer = await server.send(method, path, body)
    const message: unknown = expect.stringContaining(part)
    expect(answer).toMatchObject({ status, body: { retry: 'never', message } })
    expect(await store.list({ prefix: '', after: '', limit: 9 })).toEqual([])
  })

  test('a document that no model may have is refused in the process too', async () => {
    const server = await start({ limits: { documentBytes: 1000 } })
    const { models } = server.app.flushout
    const create = (document: unknown) =>
      codeOf(models.create('todos:a', { document: document as JsonObject }))
    expect(await create({ a: 'x'.repeat(1000) })).toBe('FLUSH_TOO_LARGE')
    expect(await create({ a: undefined })).toBe('FLUSH_INVALID')
    expect(await create({ a: new Date() })).toBe('FLUSH_INVALID')
    expect(await create('x')).toBe('FLUSH_INVALID')
    expect(await codeOf(models.configure('todos:a', 5 as unknown as JsonObject))).toBe(
      'FLUSH_INVALID',
    )
    expect(await codeOf(models.list({ pattern: 'todos:*', limit: 0 }))).toBe('FLUSH_INVALID')
  })

  test('what was given stays the caller’s', async () => {
    const server = await start()
    const { models } = server.app.flushout
    const [document, config] = [{ todos: {}, list: [1] }, { tags: ['a'] }]
    await models.create('todos:a', { document, config })
    document.list.push(2)
    config.tags.push('b')
    expect((await server.app.flushout.snapshot('todos:a')).document['list']).toEqual([1])
    expect((await models.list({ pattern: 'todos:a' })).models[0]?.config).toEqual({ tags: ['a'] })
  })

  test('a kind whose initial document cannot be made is no fault of the client', async () => {
    const server = await start({
      models: [
        {
          pattern: 'todos:*',
          initial: () => {
            throw new Error('no template')
          },
        },
      ],
    })
    const answer = await put(server, 'todos:a')
    expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL' } })
    expect(answer.text).not.toContain('template')
  })

  test('a store that fails is told as passing', async () => {
    const broken = async (): Promise<never> => {
      throw new Error('secret host unreachable')
    }
    const changes = {
      create: broken,
      heads: broken,
      list: broken,
      configure: broken,
      delete: broken,
    }
    const server = await start({ store: wrapStore(memoryStore(), changes) })
    for (const [method, path, body] of [
      ['GET', '/models?pattern=todos:*'],
      ['PUT', '/models/todos:b', {}],
      ['PATCH', '/models/todos:a', { config: {} }],
      ['DELETE', '/models/todos:a'],
    ] as const) {
      const answer = await server.send(method, path, body)
      expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
      expect(answer.text).not.toContain('secret')
    }
    expect(await server.send('HEAD', '/models/todos:b')).toMatchObject({ status: 503 })
  })
})
