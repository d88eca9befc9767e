import Ajv2020 from 'ajv/dist/2020.js'
import { PROTOCOL, type Flush, type LiveEvent } from '@flushout/core'
import { expect, test } from 'vitest'
import { TestServer } from './support/http.ts'
import { add, KEY } from './support/world.ts'

interface OpenApi {
  readonly openapi: string
  readonly paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
  readonly components: { readonly schemas: Record<string, unknown> }
}

/** One of each kind; the type keeps them what the core says. */
const EVENTS: readonly LiveEvent[] = [
  { event: 'ready', heartbeatMs: 20_000, peer: 'p' },
  {
    event: 'updates',
    key: 'a',
    base: 'g',
    commandCount: 1,
    hash: 'h',
    updates: [{ from: 0, hash: 'h', clientId: 'c', sequence: 1, commands: [add('a')] }],
  },
  { event: 'heads', heads: { a: { commandCount: 1, hash: 'h' } } },
  {
    event: 'feed',
    key: 'a',
    feed: { path: ['todos'], position: 'at' },
    from: 0,
    base: 'g',
    commandCount: 1,
    hash: 'h',
    clientId: 'c',
    events: [
      { kind: 'publish', id: 'a', item: {} },
      { kind: 'edit', id: 'a', command: add('b') },
      { kind: 'retract', id: 'a' },
      { kind: 'position', id: 'a', position: null },
      { kind: 'config', props: { title: 'T' } },
      { kind: 'reset' },
    ],
  },
  { event: 'model', key: 'a', change: 'create', config: {} },
  { event: 'refused', models: 'a:*', code: 'FORBIDDEN', message: 'No.', retry: 'never' },
  { event: 'presence', key: 'a', isAll: true, peers: { p: { userId: null, state: {} }, q: null } },
  { event: 'bye', retryAfterMs: 5 },
]

async function readOpenApi(server: TestServer): Promise<OpenApi> {
  return (await server.get('/openapi.json')).body as unknown as OpenApi
}

test('the OpenAPI document names every route, and no other', async () => {
  const routes = new Set<string>()
  await using server = await TestServer.start({}, {}, (app) => {
    app.addHook('onRoute', ({ method, url }) => {
      for (const verb of [method].flat()) routes.add(`${verb} ${url}`)
    })
  })
  const { openapi, paths } = await readOpenApi(server)
  expect(openapi).toBe('3.1.0')
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => {
      const url = `/flushout${path}`.replace('{key}', ':key')
      return `${method.toUpperCase()} ${url}`
    }),
  )
  // Fastify answers HEAD wherever it answers GET. That one looks and makes nothing.
  const own = [...routes].filter(
    (route) => !route.startsWith('HEAD') || route === 'HEAD /flushout/models/:key',
  )
  expect(own.toSorted()).toEqual(described.toSorted())
})

test('its schemas are valid, complete and fit what is really answered', async () => {
  await using server = await TestServer.start()
  const { components, paths } = await readOpenApi(server)
  const ajv = new Ajv2020.default({ strict: true, allErrors: true, allowUnionTypes: true })
  ajv.addVocabulary(['components'])
  const check = (name: string, value: unknown) => {
    const validate = ajv.compile({ components, $ref: `#/components/schemas/${name}` })
    validate(value)
    expect(validate.errors ?? []).toEqual([])
  }
  for (const [, name] of JSON.stringify(paths).matchAll(/#\/components\/schemas\/(\w+)/g)) {
    expect(components.schemas).toHaveProperty(name!)
  }
  const flush: Flush = {
    protocol: PROTOCOL,
    clientId: 'ada',
    sequence: 1,
    from: 0,
    hash: '',
    commands: [add('a'), add('a'), { action: 'delete', path: ['nowhere', 'x'] }],
  }
  check('Flush', flush)
  check('FlushAnswer', (await server.post(flush)).body)
  const snapshot = (await server.get(`/models/${KEY}`)).body
  check('Snapshot', snapshot)
  check('PullAnswer', (await server.get(`/models/${KEY}?from=0&hash=`)).body)
  check(
    'PullAnswer',
    (await server.get(`/models/${KEY}?from=2&hash=${String(snapshot['hash'])}`)).body,
  )
  check('HistoryPage', (await server.get(`/models/${KEY}/history?limit=1`)).body)
  check('Error', (await server.get('/models/unknown')).body)
  const { models } = server.app.flushout
  const created = await models.create('todos:made', { config: { title: 'Made' } })
  check('NewModel', { config: { title: 'Made' } })
  check('ModelEntry', created.model)
  check('ModelPage', await models.list({ pattern: 'todos:*', limit: 1 }))
  check('ModelPage', (await server.get('/models?pattern=todos:*')).body)
  for (const event of EVENTS) check('LiveEvent', event)
  check('LiveRequest', { protocol: PROTOCOL, models: { a: { from: 1, hash: 'h' }, b: null } })
  check('PresenceRequest', { token: 'long enough', sequence: 1, models: { a: { x: 1 }, b: null } })
  check('Error', (await server.post('{')).body)
})
