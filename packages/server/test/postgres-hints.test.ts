// What only hints over Postgres have to keep.
import { postgresStore, type Hints, type ModelStore, type Notice } from '@flushout/server'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest'
import { createDatabase, findFreePort, type Database } from '../../../test/support/postgres.ts'
import { NoticeQueue } from '../src/notice-queue.ts'
import { PostgresListener } from '../src/postgres-listener.ts'
import { BrittlePool, postgresError } from './support/brittle-pool.ts'

const world: { database?: Database } = {}

beforeAll(async () => {
  world.database = await createDatabase(inject('postgresUrl'))
})

afterAll(() => world.database?.drop())

const PATIENCE = { timeout: 10_000, interval: 10 }

const head = (key: string, commandCount: number = 1): Notice => ({
  kind: 'head',
  key,
  commandCount,
  hash: 'h',
})

/** Everything of one test lies in a schema of its own, and so does its channel. */
class Site {
  readonly schema = `test_${crypto.randomUUID().slice(0, 8)}`
  readonly channel = `${this.schema}_hints`
  readonly heard: Notice[] = []
  readonly #closers: (() => Promise<unknown>)[] = []

  constructor() {
    onTestFinished(async () => {
      for (const close of this.#closers.toReversed()) await close()
    })
  }

  openStore(pool?: BrittlePool): ModelStore {
    const where = pool ? { pool } : { connectionString: world.database!.url }
    const store = postgresStore({ ...where, schema: this.schema })
    this.#closers.push(() => store.close())
    return store
  }

  openPool(options: pg.PoolConfig = {}): BrittlePool {
    const pool = BrittlePool.open(world.database!.url, options)
    this.#closers.push(() => pool.end())
    return pool
  }

  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: world.database!.url })
    await client.connect()
    this.#closers.push(() => client.end())
    return client
  }

  /** A plain connection that listens, and the texts that come. */
  async listen(): Promise<string[]> {
    const client = await this.connect()
    const texts: string[] = []
    client.on('notification', ({ payload = '' }) => void texts.push(payload))
    await client.query(`listen ${this.channel}`)
    return texts
  }

  /** Another server; what it hears lands in `heard`. Resolves once it hears. */
  async listenAt(hints: Hints): Promise<() => void> {
    const stop = hints.listen((notice) => void this.heard.push(notice))
    await this.hears()
    return stop
  }

  async hears(): Promise<void> {
    const [client, server] = [await this.connect(), crypto.randomUUID()]
    await vi.waitFor(async () => {
      await this.notify(client, JSON.stringify({ notices: [{ kind: 'alive', server }] }))
      expect(this.heard).toContainEqual({ kind: 'alive', server })
    }, PATIENCE)
  }

  async notify(client: pg.Client, payload: string): Promise<void> {
    await client.query('select pg_notify($1, $2)', [this.channel, payload])
  }

  /** What was heard, but for what every server says of itself. */
  get news(): Notice[] {
    return this.heard.filter(({ kind }) => kind !== 'alive' && kind !== 'roll-call')
  }
}

function noticesOf(texts: readonly string[]): Notice[] {
  return texts.flatMap((text) => (JSON.parse(text) as { notices: Notice[] }).notices)
}

test('what does not fit into one payload goes in several', async () => {
  const site = new Site()
  const texts = await site.listen()
  await site.listenAt(site.openStore().hints())
  texts.length = 0
  const notices = Array.from({ length: 300 }, (_, index) => head(`${'€"\n'.repeat(60)}${index}`))
  const state = { bulk: 'x'.repeat(7900) }
  const tooLarge = { peer: 'p', userId: null, sequence: 1, server: 's', state }
  const hints = site.openStore().hints()
  hints.publish(notices[0]!)
  hints.publish({ kind: 'presence', key: 'a', ...tooLarge })
  for (const notice of notices) hints.publish(notice)
  await vi.waitFor(() => expect(site.news).toHaveLength(notices.length), PATIENCE)
  expect(new Set(site.news.map((notice) => JSON.stringify(notice)))).toEqual(
    new Set(notices.map((notice) => JSON.stringify(notice))),
  )
  expect(texts.length).toBeGreaterThan(10)
  for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(7900)
})

test('one statement at a time is under way, and takes the latest of each model', async () => {
  const site = new Site()
  const texts = await site.listen()
  const pool = site.openPool()
  let [started, ended] = [0, 0]
  let openGate = () => {}
  const gate = new Promise<void>((resolve) => (openGate = resolve))
  const others: number[] = []
  pool.hand = async ({ text }, send) => {
    if (!text.includes('pg_notify')) return send()
    others.push(started - ended)
    started += 1
    if (started === 1) await gate
    return send().finally(() => (ended += 1))
  }
  const hints = site.openStore(pool).hints()
  for (let count = 1; count <= 500; count += 1) hints.publish(head('a', count))
  await vi.waitFor(() => expect(started).toBe(1), PATIENCE)
  for (let count = 1; count <= 500; count += 1) {
    hints.publish(head('a', 500 + count))
    hints.publish(head('b', count))
  }
  // Time enough, on another connection, for whatever would not wait for the first.
  for (let turn = 0; turn < 5; turn += 1) {
    const client = await pool.connect()
    await client.query({ text: 'select 1' })
    client.release()
  }
  openGate()
  await vi.waitFor(() => expect(texts).toHaveLength(2), PATIENCE)
  expect(noticesOf(texts)).toEqual([head('a', 500), head('a', 1000), head('b', 500)])
  expect(others).toEqual([0, 0])
})

test('a model that came, went and came again is told in that order', async () => {
  const site = new Site()
  const texts = await site.listen()
  const hints = site.openStore().hints()
  const change = (of: 'create' | 'delete'): Notice => ({ kind: 'model', key: 'a', change: of })
  for (const of of ['create', 'delete', 'create'] as const) hints.publish(change(of))
  await vi.waitFor(() => expect(texts).toHaveLength(1), PATIENCE)
  expect(noticesOf(texts)).toEqual([change('delete'), change('create')])
})

test('a listening connection that is ended is followed by another', async () => {
  const site = new Site()
  await site.listenAt(site.openStore().hints())
  const killer = await site.connect()
  const speaker = site.openStore().hints()
  for (let turn = 1; turn <= 3; turn += 1) {
    const { rows } = await killer.query(
      `select pid, pg_terminate_backend(pid, 10000) from pg_stat_activity
       where datname = current_database() and query = $1`,
      [`listen "${site.channel}"`],
    )
    expect(rows).toHaveLength(1)
    await vi.waitFor(() => {
      speaker.publish(head('a', turn))
      expect(site.news).toContainEqual(head('a', turn))
    }, PATIENCE)
  }
})

test('a listening connection that answers no more is followed by another', async () => {
  const site = new Site()
  const pool = site.openPool()
  const pids = new Set<number>()
  pool.hand = async ({ text }, send, pid) => {
    if (text.startsWith('listen')) pids.add(pid)
    // As behind a network that swallows everything, for the first one: what was asked fails
    // only when its connection is given up.
    if (text === 'select 1' && pid === [...pids][0]) process.kill(pid, 'SIGSTOP')
    return send()
  }
  onTestFinished(() => void process.kill([...pids][0]!, 'SIGCONT'))
  const texts: string[] = []
  const { channel } = site
  const listener = new PostgresListener({
    pool,
    channel,
    onMessage: (text) => void texts.push(text),
    onListening: () => {},
    probeMs: 100,
  })
  onTestFinished(() => listener.stop())
  listener.start()
  await vi.waitFor(() => expect(pids.size).toBeGreaterThan(1), PATIENCE)
  const client = await site.connect()
  await vi.waitFor(async () => {
    await site.notify(client, 'heard')
    expect(texts).toContain('heard')
  }, PATIENCE)
})

test('whoever listens again asks what was missed', async () => {
  const site = new Site()
  await site.listenAt(site.openStore().hints())
  site.heard.length = 0
  const stop = site
    .openStore()
    .hints()
    .listen(() => {})
  await vi.waitFor(() => expect(site.heard).toContainEqual({ kind: 'roll-call' }), PATIENCE)
  stop()
})

test('what nobody can understand is passed over', async () => {
  const site = new Site()
  await site.listenAt(site.openStore().hints())
  const client = await site.connect()
  const wrong = [
    { kind: 'stranger', key: 'a' },
    { kind: '__proto__' },
    { ...head('a'), key: 7 },
    { ...head('a'), commandCount: -1 },
    { ...head('a'), commandCount: '1' },
    { kind: 'model', key: 'a', change: 'explode' },
    { kind: 'access', userId: 5 },
    { kind: 'presence', key: 'a', peer: 'p', userId: null, sequence: 1, server: 's', state: [] },
    { kind: 'alive' },
    null,
    'head',
    [],
  ]
  const garbage = ['', 'x', '{', 'null', '7', '[]', '{}', '{"notices":5}', '{"notices":{}}']
  for (const text of [...garbage, JSON.stringify({ from: {}, notices: wrong })]) {
    await site.notify(client, text)
  }
  // By somebody who is no server, and so says nothing of where it comes from.
  await site.notify(client, JSON.stringify({ notices: [...wrong, head('a')] }))
  await vi.waitFor(() => expect(site.news).toHaveLength(1), PATIENCE)
  expect(site.news).toEqual([head('a')])
})

test('nothing is told within a transaction', async () => {
  const site = new Site()
  const pool = site.openPool()
  const inTransaction = new Set<number>()
  const told: boolean[] = []
  pool.hand = async ({ text }, send, pid) => {
    if (text.startsWith('begin')) inTransaction.add(pid)
    if (text === 'commit' || text === 'rollback') inTransaction.delete(pid)
    if (text.includes('pg_notify')) told.push(inTransaction.has(pid) || text.includes('update'))
    return send()
  }
  const store = site.openStore(pool)
  await store.migrate()
  const hints = store.hints()
  const known = { commandCount: 0, revision: 0, hash: 'h' }
  await store.create('a', { commandCount: 0, hash: 'h', document: {} })
  for (let revision = 0; revision < 20; revision += 1) {
    const read = { ...known, revision }
    const write = {
      key: 'a',
      read,
      head: { ...read, revision: revision + 1 },
      entries: [],
      clients: [],
    }
    await store.exclusively('a', read, [], () => {
      hints.publish(head('a', revision))
      return write
    })
  }
  await store.delete('a')
  await vi.waitFor(() => expect(told).not.toEqual([]), PATIENCE)
  expect(told).not.toContain(true)
})

test('while there is no database, what is published is forgotten', async () => {
  const site = new Site()
  const texts = await site.listen()
  const pool = site.openPool()
  const hints = site.openStore(pool).hints()
  let refused = 0
  pool.hand = async () => {
    refused += 1
    throw postgresError('57P03', 'The database is starting up.', 'FATAL')
  }
  for (let count = 0; count < 20_000; count += 1) hints.publish(head(`${count}`))
  await vi.waitFor(() => expect(refused).toBe(1), PATIENCE)
  pool.hand = (_query, send) => send()
  hints.publish(head('new'))
  await vi.waitFor(() => expect(texts).toHaveLength(1), PATIENCE)
  expect(noticesOf(texts)).toEqual([head('new')])
})

test('no more wait than a server can hold, and the latest of each is kept', () => {
  const queue = new NoticeQueue()
  for (let count = 0; count < 20_000; count += 1) queue.add(head(`${count}`, 1))
  queue.add(head('0', 2))
  expect(queue.size).toBe(5000)
  const notices = queue.takeAll()
  expect(notices).toHaveLength(5000)
  expect(notices.at(-1)).toEqual(head('0', 2))
  expect(queue.size).toBe(0)
})

test('hints of a database that was never there throw nothing and close', async () => {
  const url = `postgres://nobody@127.0.0.1:${await findFreePort()}/nowhere`
  const store = postgresStore({ connectionString: url })
  const hints = store.hints()
  hints.listen(() => {})
  for (let count = 0; count < 1000; count += 1) hints.publish(head(`${count}`))
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  hints.publish({ ...head('a'), ...circular })
  await store.close()
  hints.publish(head('late'))
  hints.listen(() => {})()
})

test('when the last listener is gone, the connection is as before', async () => {
  const site = new Site()
  const only = { max: 1, connectionTimeoutMillis: 2000 }
  const pool = new pg.Pool({ connectionString: world.database!.url, ...only })
  const store = postgresStore({ pool, schema: site.schema })
  onTestFinished(async () => {
    await store.close()
    await pool.end()
  })
  const hints = store.hints()
  for (let turn = 1; turn <= 3; turn += 1) {
    const one = hints.listen(() => {})
    const two = hints.listen(() => {})
    await vi.waitFor(() => expect(pool.totalCount - pool.idleCount).toBe(1), PATIENCE)
    one()
    one()
    expect(pool.idleCount).toBe(0)
    two()
    // Waits for the only connection there is.
    const { rows } = await pool.query('select pg_listening_channels()')
    expect(rows).toEqual([])
    expect(pool.totalCount).toBe(1)
  }
})

test('after close nothing is open, in whosever pool', async () => {
  const site = new Site()
  const client = await site.connect()
  const texts = await site.listen()
  const lent = new pg.Pool({ connectionString: world.database!.url, max: 3 })
  onTestFinished(() => lent.end())
  const own = new URL(world.database!.url)
  const stores = [
    postgresStore({ pool: lent, schema: site.schema }),
    postgresStore({ connectionString: own.href, schema: site.schema }),
  ]
  for (const store of stores) {
    const hints = store.hints()
    await site.listenAt(hints)
    store.hints().listen(() => {})
    hints.publish(head('last words'))
    await store.close()
    await vi.waitFor(() => {
      expect(noticesOf(texts)).toContainEqual(head('last words'))
    }, PATIENCE)
    texts.length = 0
  }
  expect([lent.waitingCount, lent.totalCount - lent.idleCount]).toEqual([0, 0])
  for (let count = lent.totalCount; count > 0; count -= 1) {
    const borrowed = await lent.connect()
    onTestFinished(() => borrowed.release())
    expect((await borrowed.query('select pg_listening_channels()')).rows).toEqual([])
  }
  await vi.waitFor(async () => {
    const { rows } = await client.query(
      `select query from pg_stat_activity
       where datname = current_database() and application_name = 'flushout'`,
    )
    expect(rows).toEqual([])
  }, PATIENCE)
})
