import { postgresStore, type ModelStore, type PostgresStoreOptions } from '@flushout/server'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createDatabase, type Database } from '../../../test/support/postgres.ts'
import { migrations } from '../src/postgres-migrations.ts'
import { add, createTestService, KEY, Writer } from './support/world.ts'

/** A database for this file, and what is to be closed when it is done. */
const world: { database?: Database; closers: (() => Promise<unknown>)[] } = { closers: [] }

beforeAll(async () => {
  world.database = await createDatabase(inject('postgresUrl'))
})

afterAll(async () => {
  for (const close of world.closers) await close()
  await world.database?.drop()
})

function url(settings: string = ''): string {
  const own = new URL(world.database!.url)
  if (settings) own.searchParams.set('options', settings)
  return own.href
}

async function openStore(options: PostgresStoreOptions = {}): Promise<ModelStore> {
  const store = postgresStore(options.pool ? options : { connectionString: url(), ...options })
  world.closers.push(() => store.close())
  await store.migrate()
  return store
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url() })
  await client.connect()
  client.on('error', () => {})
  world.closers.push(() => client.end())
  return client
}

/** A pool that notes what is asked of it. */
function watchPool(): { pool: pg.Pool; texts: string[] } {
  const pool = new pg.Pool({ connectionString: url(), max: 4 })
  world.closers.push(() => pool.end())
  const texts: string[] = []
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    client.query = ((...args: unknown[]) => {
      texts.push((args[0] as { text: string }).text)
      return query(...args)
    }) as typeof client.query
  })
  return { pool, texts }
}

describe('migrate', () => {
  test('may run in twenty instances at once, and again later', async () => {
    const stores = Array.from({ length: 20 }, () =>
      postgresStore({ connectionString: url(), schema: 'twenty', maxConnections: 1 }),
    )
    await Promise.all(stores.map((store) => store.migrate()))
    await stores[0]!.migrate()
    const { rows } = await (await connect()).query('select number from twenty.migration')
    expect(rows).toEqual(migrations.map((_, index) => ({ number: index + 1 })))
    await Promise.all(stores.map((store) => store.close()))
  })

  test('adds what is new to models of an earlier version', async () => {
    const client = await connect()
    await client.query(`create schema earlier;
      create table earlier.migration (
        number int primary key, applied_at timestamptz not null default now()
      );
      insert into earlier.migration (number) values (1)`)
    await client.query(migrations[0]!('earlier'))
    await client.query(
      `insert into earlier.model values ('old', 0, 0, 'h', 0, 'h', 0, 'h', '{"a":1}')`,
    )
    const store = await openStore({ schema: 'earlier' })
    const head = { commandCount: 0, revision: 0, hash: 'h' }
    const range = { prefix: '', after: '', limit: 9 }
    expect(await store.list(range)).toEqual([{ key: 'old', head, config: undefined }])
    await store.configure('old', { title: 'Old' })
    expect(await store.list(range)).toEqual([{ key: 'old', head, config: { title: 'Old' } }])
    expect((await store.load('old', []))?.checkpoint.document).toEqual({ a: 1 })
    // A server of the earlier version goes on making models.
    await client.query(
      `insert into earlier.model (
        key, command_count, revision, hash, floor_count, floor_hash,
        checkpoint_count, checkpoint_hash, checkpoint
      ) values ('older', 0, 0, 'h', 0, 'h', 0, 'h', '{}')`,
    )
    expect(await store.list(range)).toHaveLength(2)
  })

  test('refuses a server that forgets what it acknowledged, unless that is wanted', async () => {
    const connectionString = url('-c synchronous_commit=off')
    await expect(openStore({ connectionString })).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: expect.stringContaining('synchronous_commit'),
    })
    await openStore({ connectionString, allowAsynchronousCommit: true })
  })

  test('keeps stores of other schemas apart', async () => {
    const [one, two] = [await openStore({ schema: 'one' }), await openStore({ schema: 'two' })]
    await one.create('only', { commandCount: 0, hash: 'h', document: {} })
    expect(await one.load('only', [])).toBeDefined()
    expect(await two.load('only', [])).toBeUndefined()
    expect(() => postgresStore({ connectionString: url(), schema: 'x"; drop' })).toThrow(
      'plain name',
    )
  })
})

test('a snapshot is one query, cold and warm, and a flush is one statement', async () => {
  const { pool, texts } = watchPool()
  const store = await openStore({ pool })
  const ada = new Writer(createTestService({ store }), 'ada', { key: 'todos:queries' })
  // Others are told beside it, whenever that is.
  const asked = () => texts.filter((text) => !text.includes('pg_notify'))
  await ada.add('a')
  const service = createTestService({ store })
  for (const state of ['cold', 'warm']) {
    texts.length = 0
    expect([state, (await service.snapshot(ada.key)).commandCount]).toEqual([state, 1])
    expect([state, asked().length]).toEqual([state, 1])
  }
  texts.length = 0
  await ada.add('b')
  expect(asked()).toHaveLength(1)
})

test('every look-up goes by an index', async () => {
  const store = await openStore({ schema: 'plans' })
  const service = createTestService({ store })
  for (let index = 0; index < 30; index += 1) {
    await new Writer(service, 'c', { key: `todos:${index}` }).add('a')
  }
  const client = await connect()
  await client.query('set enable_seqscan = off')
  const { createStatements } = await import('../src/postgres-statements.ts')
  const { load, news, history, heads, list } = createStatements('plans')
  for (const [{ text }, values] of [
    [load, ['todos:1', ['c']]],
    [news, ['todos:1', 0, ['c'], 1000]],
    [history, ['todos:1', 0, 1, 1000]],
    [heads, [['todos:1', 'todos:2']]],
    [list, ['todos:', 'todos:1', 3]],
  ] as const) {
    const { rows } = await client.query(`explain ${text}`, [...values])
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).not.toContain('Seq Scan')
    expect(plan).toMatch(/Index Cond: .*key/)
  }
})

describe.each(['read committed', 'serializable'])(
  'two servers, default isolation %s',
  (isolation) => {
    test('50 clients write 20 flushes each, and none is lost', { timeout: 60_000 }, async () => {
      const connectionString = url(
        `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`,
      )
      const key = `todos:${isolation}`
      const services = await Promise.all(
        [1, 2].map(async () => createTestService({ store: await openStore({ connectionString }) })),
      )
      const writers = Array.from(
        { length: 50 },
        (_, i) => new Writer(services[i % 2]!, `c${i}`, { key }),
      )
      await Promise.all(
        writers.map(async (writer) => {
          for (let turn = 0; turn < 20; turn += 1) {
            const answer = await writer.add(`${writer.clientId}-${turn}`)
            expect(answer.outcome).toBe('applied')
          }
        }),
      )
      const store = await openStore()
      const { commandCount, document } = await createTestService({ store }).snapshot(key)
      expect(commandCount).toBe(1000)
      expect(Object.keys(document['todos'] as object)).toHaveLength(1000)
      const { entries } = (await store.history(key, 0, 1000, 1e9))!
      for (const writer of writers) {
        const sequences = entries
          .filter(({ clientId }) => clientId === writer.clientId)
          .map(({ sequence }) => sequence)
        expect(sequences).toEqual(Array.from({ length: 20 }, (_, turn) => turn + 1))
      }
    })
  },
)

test('statements over the same models in opposite order do not block each other', async () => {
  const stores = [await openStore(), await openStore()]
  const keys = Array.from({ length: 60 }, (_, index) => `todos:shared${index}`)
  const genesis = { commandCount: 0, hash: 'genesis', document: {} }
  for (const key of keys) await stores[0]!.create(key, genesis)
  for (let turn = 0; turn < 40; turn += 1) {
    const read = { commandCount: 0, revision: turn, hash: 'genesis' }
    const head = { ...read, revision: turn + 1 }
    const writes = keys.map((key) => ({ key, read, head, entries: [], clients: [] }))
    // A deadlock would reject one of them.
    const outcomes = await Promise.all([
      stores[0]!.commit(writes),
      stores[1]!.commit(writes.toReversed()).then((reversed) => reversed.toReversed()),
    ])
    keys.forEach((_, index) => {
      expect(new Set(outcomes.map((outcome) => outcome[index]))).toEqual(
        new Set(['committed', 'conflict']),
      )
    })
  }
})

test('a delete waits for a commit that is under way, and takes it away too', async () => {
  const store = await openStore()
  const ada = new Writer(createTestService({ store }), 'ada', { key: 'todos:deleted' })
  await ada.add('a')
  const writer = await connect()
  await writer.query('begin')
  await writer.query('select 1 from flushout.model where key = $1 for update', [ada.key])
  const deleted = store.delete(ada.key)
  const watcher = await connect()
  await expect
    .poll(async () => {
      const { rows } = await watcher.query(
        `select 1 from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rows.length
    })
    .toBe(1)
  await writer.query(
    `insert into flushout.flush
     select key, 2, 1, 'late', 'late', 1, null, 1, 2, '[]' from flushout.model where key = $1`,
    [ada.key],
  )
  await writer.query(
    `insert into flushout.client select key, 'late', null, 1, 'd', '{}', 1
     from flushout.model where key = $1`,
    [ada.key],
  )
  await writer.query('commit')
  expect(await deleted).toBe(true)
  for (const table of ['model', 'flush', 'client']) {
    const { rows } = await watcher.query(`select * from flushout.${table} where key = $1`, [
      ada.key,
    ])
    expect([table, rows]).toEqual([table, []])
  }
})

test('a connection that is killed amid a commit costs a retry, and nothing else', async () => {
  const { pool, texts } = watchPool()
  pool.on('error', () => {})
  const ada = new Writer(createTestService({ store: await openStore({ pool }) }), 'ada', {
    key: 'todos:killed',
  })
  await ada.add('a')
  const killer = await connect()
  const lock = await connect()
  for (const id of ['b', 'c', 'd']) {
    // The commit waits for this lock when its connection dies.
    await lock.query('begin')
    await lock.query('select 1 from flushout.model where key = $1 for update', [ada.key])
    texts.length = 0
    const sent = ada.add(id)
    await expect.poll(() => texts.length).toBeGreaterThan(0)
    await killer.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    )
    await lock.query('commit')
    expect((await sent).verdicts).toEqual([])
  }
  expect(Object.keys(await ada.todos())).toEqual(['a', 'b', 'c', 'd'])
  expect((await ada.service.snapshot(ada.key)).commandCount).toBe(4)
})

test('a statement that times out is redone, whether it took effect or not', async () => {
  const store = await openStore({ statementTimeoutMs: 300 })
  const ada = new Writer(createTestService({ store }), 'ada', { key: 'todos:slow' })
  await ada.add('a')
  const lock = await connect()
  await lock.query('begin')
  await lock.query('select 1 from flushout.model where key = $1 for update', [ada.key])
  const sent = ada.add('b')
  setTimeout(() => void lock.query('commit'), 450)
  expect(await sent).toMatchObject({ outcome: 'applied', commandCount: 2 })
})

test('a flush costs at most 2 KB of WAL, and a document that stays put nothing', async () => {
  const store = await openStore()
  const client = await connect()
  const position = async () => (await client.query('select pg_current_wal_lsn() as at')).rows[0].at
  const document = { todos: {}, bulk: 'x'.repeat(100_000) }
  const service = createTestService({ store, models: [{ pattern: 'todos:*', initial: document }] })
  const ada = new Writer(service, 'ada', { key: 'todos:wal' })
  await ada.add('a')
  await client.query('checkpoint')
  await ada.add('b')
  const before = await position()
  for (let turn = 0; turn < 100; turn += 1) {
    await ada.flush({ action: 'update', path: ['todos', 'a'], props: { turn } })
  }
  const { rows } = await client.query('select pg_wal_lsn_diff($1, $2)::int as bytes', [
    await position(),
    before,
  ])
  expect(rows[0].bytes / 100).toBeLessThan(2048)
})

test('strings of every kind come back as they were', async () => {
  const store = await openStore()
  const ada = new Writer(createTestService({ store }), 'ada', {
    key: 'todos:"quoted" {braces}, ümläut',
    user: { id: 'O\'Neil "\\" NULL' },
  })
  const props = { text: '\u0000\u001f"\\{},NULL 🙂', 'k"\u0000': [null, 'NULL', ''] }
  await ada.flush(add('NULL', props))
  const again = createTestService({ store: await openStore() })
  const snapshot = await again.snapshot(ada.key)
  expect(snapshot.document).toEqual({ todos: { NULL: props } })
  expect(snapshot.hash).toBe(ada.hash)
})

test('what a server stored is there for the next one', async () => {
  const first = createTestService({ store: await openStore() })
  const ada = new Writer(first, 'ada')
  await ada.add('a')
  await first.close()
  ada.service = createTestService({ store: await openStore() })
  expect(await ada.add('b')).toMatchObject({ outcome: 'applied', commandCount: 2 })
  expect(Object.keys(await ada.todos())).toEqual(['a', 'b'])
  expect((await (await openStore()).load(KEY, []))?.checkpoint.commandCount).toBe(1)
})
