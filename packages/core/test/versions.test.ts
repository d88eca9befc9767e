import {
  CommandProxy,
  Master,
  type JsonObject,
  type ProxyOptions,
  type PullAnswer,
} from '@flushout/core'
import { defineModel } from '@flushout/core/define'
import { createTestIds, testDigest } from '@flushout/core/testing'
import { expect, test } from 'vitest'

const pattern = 'notes:$id'

/** The second version, which calls the text a title. */
const versions = defineModel({
  pattern,
  version: 2,
  oldestClient: 1,
  migrate: {
    2({ text, ...rest }: JsonObject) {
      return { ...rest, title: text }
    },
  },
}).versions!

/** So that updates are shorter than the document. */
const LONG = 'long '.repeat(100)

const GENESIS = { commandCount: 0, hash: 'genesis', document: { text: 'Milk', z: LONG, a: 2 } }

function createMaster(document: JsonObject = GENESIS.document): Master {
  const options = { createId: createTestIds('m'), digest: testDigest, versions }
  return new Master({ ...GENESIS, document }, options)
}

function createProxy(options: Partial<ProxyOptions> = {}): CommandProxy {
  return new CommandProxy<JsonObject>(GENESIS, {
    createId: createTestIds('p'),
    now: () => 0,
    ...options,
  })
}

/** What a master tells whoever was at its beginning. */
function migrated(): PullAnswer {
  const master = createMaster()
  master.stageMigration(5)
  master.commit()
  return master.pull(0, 'genesis')
}

test('a migration changes no more than it has to, and keeps what is there in its order', () => {
  const master = createMaster()
  const { entry } = master.stageMigration(5)!
  expect(entry).toMatchObject({ at: 5, userId: null, notes: [{ index: 0, schema: 2 }] })
  expect(entry!.commands).toEqual([
    { action: 'update', path: [], props: { title: 'Milk' }, unset: ['text'] },
  ])
  expect(Object.keys(master.snapshot().document)).toEqual(['z', 'a', 'title'])
  expect(master.stageMigration(6)).toBeUndefined()
  master.rollback()
  expect(master.snapshot()).toEqual(GENESIS)
})

test('a migration of everything is told as the new values, not one by one', () => {
  const todos = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`t${n}`, { n }]))
  const all = defineModel({
    pattern,
    version: 2,
    migrate: {
      2(document: { todos: Record<string, JsonObject> }) {
        for (const [id, todo] of Object.entries(document.todos))
          document.todos[id] = { ...todo, x: 1 }
      },
    },
  })
  const options = { createId: createTestIds('m'), digest: testDigest, versions: all.versions }
  const master = new Master({ ...GENESIS, document: { todos, name: 'x' } }, options)
  const { entry } = master.stageMigration(5)!
  expect(entry!.commands).toHaveLength(1)
  expect(master.read(['todos', 't999'])).toEqual({ n: 999, x: 1 })
})

test('a version that changes nothing has its place in the history all the same', () => {
  const master = createMaster({ title: 'Milk', text: 'Milk' })
  const same = defineModel({ pattern, version: 2 })
  const options = { createId: createTestIds('m'), digest: testDigest, versions: same.versions }
  const other = new Master(master.snapshot(), options)
  expect(other.stageMigration(5)!.entry!.commands).toHaveLength(1)
  expect(other.snapshot()).toMatchObject({ commandCount: 1, schema: 2, document: { text: 'Milk' } })
})

test('news of a newer version are not applied, but asked about', () => {
  const proxy = createProxy()
  const news = migrated()
  expect(news.sync.kind).toBe('updates')
  expect(proxy.receive(news)).toBe('gap')
  const snapshot = { ...GENESIS, commandCount: 1, schema: 2 }
  expect(proxy.receive({ ...news, sync: { kind: 'snapshot', snapshot } })).toBe('gap')
  expect(proxy.read()).toEqual(GENESIS.document)
  const flush = proxy.beginFlush({ pull: true })!
  expect(flush).not.toHaveProperty('schema')
  // The master says that this proxy may go on.
  const master = createMaster()
  master.stageMigration(5)
  expect(proxy.endFlush(master.apply(flush, { user: undefined, now: 0, seed: '' })).ok).toBe(true)
  expect(proxy.read()).toEqual({ title: 'Milk', z: LONG, a: 2 })
})

test('whoever keeps what is confirmed learns of which version it is', () => {
  const proxy = createProxy({ versions, keepsConfirmed: true })
  expect(proxy.receive(migrated())).toBe('applied')
  expect(proxy.takeConfirmed()).toMatchObject({ commandCount: 1, schema: 2 })
})

test('no proxy goes on with commands of a version that it does not know', () => {
  const memory = { clientId: 'c', sequence: 0, serial: 0, schema: 2, pending: [] }
  expect(() => createProxy({ memory })).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID' }),
  )
  expect(createProxy({ memory, versions }).memory.schema).toBe(2)
})

test.each([
  { version: 0 },
  { version: 1.5 },
  { version: 2, oldestClient: 3 },
  { version: 2, migrate: { 3: () => {} } },
  { version: 2, migrate: { 1: () => {} } },
  { version: 2, migrateCommand: { three: () => undefined } },
  { migrate: { 2: () => {} } },
])('versions that lead nowhere are refused: %j', (description) => {
  expect(() => defineModel({ pattern, ...(description as object) })).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID' }),
  )
})
