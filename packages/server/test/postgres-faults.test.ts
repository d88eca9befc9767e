// What Postgres, the network and the pool can do to a statement. Each is a
// passing fault to the client, whether or not the statement took effect: the
// same flush, sent until it is answered, goes in once.
import { postgresStore, type FlushoutService, type ModelStore } from '@flushout/server'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { createDatabase, type Database } from '../../../test/support/postgres.ts'
import { BrittlePool, postgresError } from './support/brittle-pool.ts'
import { add, createTestService, Writer } from './support/world.ts'

const world: { database?: Database } = {}

beforeAll(async () => {
  world.database = await createDatabase(inject('postgresUrl'))
})

afterAll(() => world.database?.drop())

interface Site {
  readonly pool: BrittlePool
  readonly store: ModelStore
  readonly service: FlushoutService
  readonly errors: object[]
}

async function openSite(options: pg.PoolConfig = {}): Promise<Site> {
  const pool = BrittlePool.open(world.database!.url, options)
  const store = postgresStore({ pool })
  await store.migrate()
  const errors: object[] = []
  const log = { error: (details: object) => void errors.push(details), info() {}, debug() {} }
  onTestFinished(() => pool.end())
  return { pool, store, service: createTestService({ store, log }), errors }
}

const FAULTS = [
  ['a lost connection', '08006', 'FATAL'],
  ['a cached plan that fits no more', '0A000', 'ERROR'],
  ['a standby in the place of the primary', '25006', 'ERROR'],
  ['an end of idle transactions', '25P03', 'FATAL'],
  ['a prepared statement that the pooler lost', '26000', 'ERROR'],
  ['a refused login', '28P01', 'FATAL'],
  ['a serialization failure', '40001', 'ERROR'],
  ['a deadlock', '40P01', 'ERROR'],
  ['a table that is not there', '42P01', 'ERROR'],
  ['a full disk', '53100', 'ERROR'],
  ['no memory', '53200', 'ERROR'],
  ['too many connections', '53300', 'FATAL'],
  ['a lock that takes too long', '55P03', 'ERROR'],
  ['a statement that takes too long', '57014', 'ERROR'],
  ['a shutdown by the operator', '57P01', 'FATAL'],
  ['a start that is not over', '57P03', 'FATAL'],
  ['a broken page', 'XX001', 'ERROR'],
] as const

describe.each(FAULTS)('%s (%s)', (_name, code, severity) => {
  const fault = () => postgresError(code, 'by the test', severity)

  test.each(['before', 'after'])('once, %s it took effect, costs a retry', async (when) => {
    const { pool, store, service } = await openSite()
    const key = `todos:${code} ${when}`
    const ada = new Writer(service, 'ada', { key })
    await ada.add('a')
    let count = 0
    pool.hand = async ({ text }, send) => {
      if (!text.includes('with wanted') || (count += 1) > 1) return send()
      if (when === 'after') await send()
      throw fault()
    }
    const { outcome } = await ada.add('b')
    expect(outcome).toBe(when === 'after' ? 'repeated' : 'applied')
    expect(await sequencesOf(store, key)).toEqual([1, 2])
  })

  test('while it lasts is told as passing, and hits no other model', async () => {
    const { pool, store, service, errors } = await openSite()
    const key = `todos:${code} lasts`
    const [ada, bob] = [
      new Writer(service, 'ada', { key }),
      new Writer(service, 'bob', { key: `${key} others` }),
    ]
    await Promise.all([ada.add('a'), bob.add('a')])
    pool.hand = async ({ values = [] }, send) => {
      // Alone, or in a list of names.
      if (values.some((value) => value === key || String(value).includes(`"${key}"`))) throw fault()
      return send()
    }
    const flush = ada.next([add('b')])
    const [adas, bobs] = await Promise.allSettled([ada.send(flush), bob.add('b')])
    expect(bobs).toMatchObject({ status: 'fulfilled', value: { outcome: 'applied' } })
    expect(adas).toMatchObject({ status: 'rejected', reason: { retry: 'same-flush' } })
    expect(['UNAVAILABLE', 'BUSY']).toContain((adas as PromiseRejectedResult).reason.code)
    // Who looks into the log finds the model and the reason. A lost race is none.
    const isRace = code === '40001' || code === '40P01'
    if (!isRace) expect(errors).toContainEqual(expect.objectContaining({ model: key }))
    expect(errors).not.toContainEqual(expect.objectContaining({ model: bob.key }))

    pool.hand = (_query, send) => send()
    expect(await ada.send(flush)).toMatchObject({ outcome: 'applied', commandCount: 2 })
    expect(await ada.send(flush)).toMatchObject({ outcome: 'repeated', commandCount: 2 })
    expect(await sequencesOf(store, key)).toEqual([1, 2])
    expect((await store.load(key, ['ada']))!.clients[0]).toMatchObject({ sequence: 2 })
  })
})

async function sequencesOf(store: ModelStore, key: string): Promise<number[]> {
  const { head } = (await store.load(key, []))!
  const { entries } = (await store.history(key, 0, head.commandCount, 1e9))!
  return entries.map(({ sequence }) => sequence)
}

test('a pool without a free connection is a passing fault', async () => {
  const { pool, service, store } = await openSite({ max: 1, connectionTimeoutMillis: 50 })
  const ada = new Writer(service, 'ada', { key: 'todos:exhausted' })
  await ada.add('a')
  const held = await pool.connect()
  const flush = ada.next([add('b')])
  await expect(ada.send(flush)).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: 'same-flush' })
  await expect(service.ready()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  held.release()
  expect(await ada.send(flush)).toMatchObject({ outcome: 'applied' })
  await service.ready()
  expect(await sequencesOf(store, ada.key)).toEqual([1, 2])
})

test('a database that can only be read is not ready, and its connections are given up', async () => {
  const { service, store } = await openSite()
  const ada = new Writer(service, 'ada', { key: 'todos:standby' })
  await ada.add('a')
  const admin = new pg.Client({ connectionString: world.database!.url })
  await admin.connect()
  const name = new URL(world.database!.url).pathname.slice(1)
  const reset = () => admin.query(`alter database ${name} reset default_transaction_read_only`)
  onTestFinished(async () => {
    await reset()
    await admin.end()
  })
  // As a pool finds it after a fail-over: connections to what is a standby now.
  await admin.query(`alter database ${name} set default_transaction_read_only = on`)
  await admin.query(
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  )
  const flush = ada.next([add('b')])
  await expect(ada.send(flush)).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: 'same-flush' })
  await expect(service.ready()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect((await service.snapshot(ada.key)).commandCount).toBe(1)
  // Sessions that were opened meanwhile stay as they are: only new ones can write.
  await reset()
  expect(await ada.send(flush)).toMatchObject({ outcome: 'applied' })
  await service.ready()
  expect(await sequencesOf(store, ada.key)).toEqual([1, 2])
})

test('an operator who stops a statement or a session costs a retry', async () => {
  const { pool, service, store } = await openSite()
  const ada = new Writer(service, 'ada', { key: 'todos:operator' })
  await ada.add('a')
  const [operator, lock] = [1, 2].map(() => new pg.Client(world.database!.url))
  await Promise.all([operator!.connect(), lock!.connect()])
  onTestFinished(async () => {
    await Promise.all([operator!.end(), lock!.end()])
  })
  for (const stop of ['pg_cancel_backend', 'pg_terminate_backend']) {
    await lock!.query('begin')
    await lock!.query('select 1 from flushout.model where key = $1 for update', [ada.key])
    let pid: number | undefined
    pool.hand = (_query, send, own) => {
      pid ??= own
      return send()
    }
    const sent = ada.add(stop)
    await expect
      .poll(async () => {
        const { rows } = await operator!.query('select pg_blocking_pids($1) as pids', [pid ?? 0])
        return rows[0].pids.length
      })
      .toBe(1)
    await operator!.query(`select ${stop}($1)`, [pid])
    await lock!.query('rollback')
    expect((await sent).verdicts).toEqual([])
  }
  expect(await sequencesOf(store, ada.key)).toEqual([1, 2, 3])
})
