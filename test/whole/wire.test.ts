// The messages of protocol 1, as they are written down under test/wire/v1 and
// shown in docs/protocol.md. They are promises to clients that exist: a change
// here is a new version of the protocol.
import {
  CommandProxy,
  Master,
  type NamedCommands,
  type Command,
  type Flush,
  type Interceptor,
  type LiveRequest,
} from '@flushout/core'
import { defineModel } from '@flushout/core/define'
import { createTestIds, testDigest, throughJson } from '@flushout/core/testing'
import { allowAnyone, createService, defaultEnvironment, memoryStore } from '@flushout/server'
import { createOpenApi } from '../../packages/server/src/openapi.ts'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'

const read = (name: string) => readFile(new URL(`../wire/v1/${name}.json`, import.meta.url), 'utf8')
const readJson = async (name: string) => JSON.parse(await read(name)) as unknown

// Long enough for updates to be the shorter answer.
const notes = 'Shop before noon. '.repeat(40)
const document = {
  notes,
  todos: { milk: { text: 'Milk', done: false }, tea: { text: 'Tea', done: true } },
}
const context = { user: { id: 'ada' }, now: 1_790_000_000_000, seed: '' }

function createWorld() {
  const snapshot = { commandCount: 41, hash: 'hash-at-41', document }
  const master = new Master(snapshot, {
    createId: createTestIds('master'),
    digest: testDigest,
    interceptors: [
      (_document, command, { now }) =>
        command.action === 'create' ? { props: { ...command.props, createdAt: now } } : undefined,
    ],
  })
  const proxy = new CommandProxy<object>(snapshot, { createId: createTestIds('ada'), now: () => 0 })
  return { master, proxy }
}

/** The flush of the example: by a client that does not know that the tea is gone. */
function createFlush({ master, proxy }: ReturnType<typeof createWorld>): Flush {
  master.apply(
    {
      protocol: 1,
      clientId: 'bob-1',
      sequence: 1,
      from: 41,
      hash: 'hash-at-41',
      commands: [{ action: 'delete', path: ['todos', 'tea'] }],
    },
    context,
  )
  proxy.apply({ action: 'create', path: ['todos'], id: 'coffee', props: { text: 'Coffee' } })
  proxy.apply({ action: 'update', path: ['todos', 'milk'], props: { done: true } })
  proxy.apply({ action: 'update', path: ['todos', 'tea'], props: { text: 'Green tea' } })
  return proxy.beginFlush()!
}

/** The schema of a message, as the server publishes it. */
function compile(name: string) {
  const { components } = createOpenApi('/flushout') as { components: object }
  const ajv = new Ajv2020({ strict: false })
  ajv.addSchema({ $id: 'openapi', components })
  return ajv.compile({ $ref: `openapi#/components/schemas/${name}` })
}

test('a client sends the flush that is written down', async () => {
  const world = createWorld()
  const flush = createFlush(world)
  expect(throughJson(flush)).toEqual(await readJson('flush'))
  const answer = throughJson(world.master.apply(flush, context))
  expect(answer).toEqual(await readJson('answer'))
  expect(throughJson(world.master.apply(flush, context))).toEqual(await readJson('answer-repeated'))
})

test('a client sends what belongs together as it is written down', async () => {
  const { proxy, master } = createWorld()
  proxy.batch(
    () => {
      proxy.apply({ action: 'update', path: ['todos', 'milk'], props: { done: true } })
      proxy.apply({ action: 'delete', path: ['todos', 'tea'] })
    },
    { label: 'Clear up', reads: [['todos']] },
  )
  const rename = { action: 'update', path: ['todos', 'milk'], props: { text: 'Oat milk' } } as const
  proxy.apply(rename, { label: 'Rename' })
  const flush = proxy.beginFlush()!
  expect(throughJson(flush)).toEqual(await readJson('flush-groups'))
  expect(compile('Flush')(throughJson(flush))).toBe(true)
  expect(master.apply(flush, context).verdicts).toEqual([])
})

test('a client understands the answer that is written down', async () => {
  const world = createWorld()
  createFlush(world)
  expect(world.proxy.endFlush(await readJson('answer'))).toEqual({ ok: true, remaps: [] })
  expect(world.proxy.read()).toEqual({
    notes,
    todos: {
      milk: { text: 'Milk', done: true },
      coffee: { text: 'Coffee', createdAt: 1_790_000_000_000 },
    },
  })
  expect(world.proxy.rejections).toMatchObject([{ kind: 'dropped' }])
})

test('a server says what followed a command as it is written down, and a client takes it', async () => {
  const rule: Interceptor = (_document, { action, path }) => {
    if (action !== 'update' || path?.[0] !== 'todos') return undefined
    return { follow: [{ action: 'update', path: [], props: { changed: 'todos' } }] }
  }
  const snapshot = { commandCount: 41, hash: 'hash-at-41', document }
  const options = { createId: createTestIds('master'), digest: testDigest, interceptors: [rule] }
  const master = new Master(snapshot, options)
  const proxy = new CommandProxy<object>(snapshot, { createId: createTestIds('ada'), now: () => 0 })
  const tick = proxy.apply({ action: 'update', path: ['todos', 'milk'], props: { done: true } })
  const written = await readJson('answer-follow-ups')
  expect(throughJson(master.apply(proxy.beginFlush()!, context))).toEqual(written)
  expect(proxy.endFlush(written).ok).toBe(true)
  expect(proxy.read()).toEqual(master.read())
  expect(proxy.commandCount).toBe(43)
  expect(tick.outcome).toMatchObject({ kind: 'applied', followUps: [{ path: [] }] })
})

test('a client names a command as it is written down, and is told what the server made of it', async () => {
  const snapshot = { commandCount: 41, hash: 'hash-at-41', document }
  const commands: NamedCommands = {
    finish: {
      label: 'Finish',
      make: (_document, { id }) => [
        { action: 'update', path: ['todos', id as string], props: { done: true } },
        { action: 'update', path: [], props: { finished: 1 } },
      ],
    },
  }
  const options = { createId: createTestIds('master'), digest: testDigest, commands }
  const master = new Master(snapshot, options)
  const ids = { createId: createTestIds('ada'), now: () => 0, commands }
  const proxy = new CommandProxy<object>(snapshot, ids)
  const finish = proxy.run('finish', { id: 'milk' })
  const flush = proxy.beginFlush()!
  expect(throughJson(flush)).toEqual(await readJson('flush-run'))
  const written = await readJson('answer-run')
  expect(throughJson(master.apply(flush, context))).toEqual(written)
  expect(proxy.endFlush(written).ok).toBe(true)
  expect(proxy.read()).toEqual(master.read())
  expect(proxy.commandCount).toBe(43)
  expect(finish.outcome).toMatchObject({ kind: 'applied', followUps: [{}, {}] })
})

test('what an update expects, and what it found, is told as it is written down', async () => {
  const { master, proxy } = createWorld()
  const bob = { protocol: 1, clientId: 'bob-1', sequence: 1, from: 41, hash: 'hash-at-41' } as const
  const props = { text: 'Oat milk' }
  master.apply(
    { ...bob, commands: [{ action: 'update', path: ['todos', 'milk'], props }] },
    context,
  )
  proxy.apply({
    action: 'update',
    path: ['todos', 'milk'],
    props: { text: 'Soy milk' },
    expects: { props: { text: 'Milk' }, unset: ['owner'] },
  })
  proxy.apply({
    action: 'update',
    path: ['todos', 'tea'],
    props: { done: false },
    expects: { since: 41 },
  })
  const flush = proxy.beginFlush()!
  expect(throughJson(flush)).toEqual(await readJson('flush-expects'))
  const answer = throughJson(master.apply(flush, context))
  expect(answer).toEqual(await readJson('answer-conflict'))
  proxy.endFlush(await readJson('answer-conflict'))
  expect(proxy.rejections).toMatchObject([
    { kind: 'conflict', given: { text: 'Soy milk' }, found: { text: 'Oat milk' } },
  ])
})

test('what an older version left is sent and answered as it is written down', async () => {
  const { versions } = defineModel({
    pattern: 'todos:$list',
    version: 2,
    migrate: {
      2(list: typeof document & { title?: string }) {
        list.title = 'Groceries'
      },
    },
    migrateCommand: {
      2: (command) => ({ ...command, path: ['todos', ...command.path!.slice(1)] }),
    },
  })
  const snapshot = { commandCount: 41, hash: 'hash-at-41', document }
  const options = { createId: createTestIds('master'), digest: testDigest, versions: versions! }
  const master = new Master(snapshot, options)
  master.stageMigration(context.now)
  const command = { action: 'update', path: ['items', 'milk'], props: { done: true } } as const
  const proxy = new CommandProxy<object>(snapshot, {
    createId: createTestIds('ada'),
    now: () => 0,
    versions: versions!,
    memory: { clientId: 'ada-1', sequence: 0, serial: 1, pending: [{ serial: 1, command }] },
  })
  expect(proxy.read(['todos', 'milk', 'done'])).toBe(true)
  const flush = proxy.beginFlush()!
  expect(throughJson(flush)).toEqual(await readJson('flush-version'))
  expect(compile('Flush')(throughJson(flush))).toBe(true)
  const answer = throughJson(master.apply(flush, context))
  expect(answer).toEqual(await readJson('answer-version'))
  expect(compile('FlushAnswer')(answer)).toBe(true)
  expect(proxy.endFlush(answer).ok).toBe(true)
  expect(proxy.read()).toEqual(master.read())
  expect(proxy.confirmedSnapshot().schema).toBe(2)
})

test('a server tells a live connection what is written down', async () => {
  const store = memoryStore()
  await store.create('todos:groceries', { commandCount: 41, hash: 'hash-at-41', document })
  const service = createService({
    store,
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*' }],
    environment: {
      ...defaultEnvironment,
      now: () => context.now,
      // The salt of an entry, and so its hash, is made of it.
      fillRandom: (bytes) => void bytes.fill(7),
    },
  })
  const events: unknown[] = []
  const sink = {
    write({ json }: { json: string }) {
      events.push(JSON.parse(json))
      return true
    },
    end() {},
  }
  const request = (await readJson('live-request')) as LiveRequest
  const live = service.live(
    request,
    () => sink,
    async () => ({ id: 'ada' }),
  )
  await live.started
  await service.models.configure('todos:groceries', { title: 'Groceries' })
  const bob = { protocol: 1, clientId: 'bob-1', sequence: 1, from: 41, hash: 'hash-at-41' } as const
  const commands = [{ action: 'delete', path: ['todos', 'tea'] }] as const
  await service.flush('todos:groceries', { ...bob, commands }, { id: 'bob' })
  await service.models.delete('todos:groceries')
  const expected = (await readJson('live-events')) as unknown[]
  await vi.waitFor(() => expect(events).toHaveLength(expected.length - 1))
  service.drain()
  const farewell = { event: 'bye', retryAfterMs: expect.any(Number) as number }
  expect(events).toEqual([...expected.slice(0, -1), farewell])
  await service.close()
})

test('a server shows the history that is written down', async () => {
  const store = memoryStore()
  await store.create('todos:groceries', { commandCount: 41, hash: 'hash-at-41', document })
  const service = createService({
    store,
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*' }],
    environment: { ...defaultEnvironment, now: () => context.now },
  })
  const send = (name: string, flush: Pick<Flush, 'from' | 'hash' | 'commands' | 'groups'>) =>
    service.flush(
      'todos:groceries',
      { protocol: 1, clientId: `${name}-1`, sequence: 1, ...flush },
      { id: name },
    )
  const remove: Command = { action: 'delete', path: ['todos', 'tea'] }
  await send('bob', { from: 41, hash: 'hash-at-41', commands: [remove] })
  const tick: Command = { action: 'update', path: ['todos', 'milk'], props: { done: true } }
  const groups = [{ at: 0, count: 1, label: 'Tick off milk' }]
  await send('ada', { from: 42, hash: '', commands: [tick], groups })
  expect(throughJson(await service.history('todos:groceries'))).toEqual(await readJson('history'))
  await service.close()
})

test('what is written down has the form that the server publishes', async () => {
  for (const [file, schema] of [
    ['flush', 'Flush'],
    ['answer', 'FlushAnswer'],
    ['answer-repeated', 'FlushAnswer'],
    ['answer-follow-ups', 'FlushAnswer'],
    ['flush-expects', 'Flush'],
    ['flush-run', 'Flush'],
    ['answer-run', 'FlushAnswer'],
    ['answer-conflict', 'FlushAnswer'],
    ['error', 'Error'],
    ['live-request', 'LiveRequest'],
    ['history', 'HistoryPage'],
  ] as const) {
    const validate = compile(schema)
    expect(validate(await readJson(file)), `${file}: ${JSON.stringify(validate.errors)}`).toBe(true)
  }
})

test('the page of the protocol shows what is written down', async () => {
  const page = await readFile(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
  for (const file of ['flush', 'answer', 'error', 'live-request', 'live-events', 'history']) {
    expect(page).toContain(`\`\`\`json\n${await read(file)}\`\`\``)
  }
})
