// A write is a row of `model`, rows of `flush`, rows of `client` and perhaps a
// checkpoint. Whichever query of whichever method is the last that Postgres
// hears, and whether or not its answer is heard: all of a write is there, or
// nothing.
import type { ClientRecord, LogEntry } from '@flushout/core'
import {
  postgresStore,
  type Head,
  type ModelStore,
  type Outcome,
  type Write,
} from '@flushout/server'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createPool } from '../src/postgres-pool.ts'
import { createDatabase, type Database } from '../../../test/support/postgres.ts'
import { BrittlePool, cutAt } from './support/brittle-pool.ts'

const world: { database?: Database; closers: (() => Promise<unknown>)[] } = { closers: [] }

beforeAll(async () => {
  world.database = await createDatabase(inject('postgresUrl'))
})

afterAll(async () => {
  for (const close of world.closers.toReversed()) await close()
  await world.database?.drop()
})

/** A store on a pool that can be broken, and a connection that looks at the tables. */
async function openStore(): Promise<{ store: ModelStore; pool: BrittlePool; auditor: pg.Client }> {
  const { url } = world.database!
  const pool = BrittlePool.open(url)
  const store = postgresStore({ pool })
  await store.migrate()
  const auditor = new pg.Client({ connectionString: url })
  await auditor.connect()
  world.closers.push(
    () => pool.end(),
    () => auditor.end(),
  )
  return { store, pool, auditor }
}

const GENESIS: Head = { commandCount: 0, revision: 0, hash: 'genesis' }

/** A model at count 1 by a flush of `known`, and a write on top with every kind of row in it. */
async function prepare(store: ModelStore, key: string): Promise<Write> {
  await store.create(key, { commandCount: 0, hash: GENESIS.hash, document: {} })
  const first = extend(key, GENESIS, [entry(0, 'known', 1)], [client('known', 1)])
  expect(await store.commit([first])).toEqual(['committed'])
  const entries = [entry(1, 'known', 2), entry(2, 'new', 1)]
  const write = extend(key, first.head, entries, [client('known', 2), client('new', 1)])
  return { ...write, checkpoint: '{"at":3}' }
}

function extend(key: string, read: Head, entries: LogEntry[], clients: ClientRecord[]): Write {
  const { hash } = entries.at(-1)!
  const commandCount = read.commandCount + entries.length
  return { key, read, head: { commandCount, revision: read.revision + 1, hash }, entries, clients }
}

function entry(from: number, clientId: string, sequence: number): LogEntry {
  const commands = [{ action: 'update' as const, path: [], props: { from } }]
  const hash = `h${from + 1}`
  return { from, hash, clientId, sequence, userId: null, at: 0, commands, salt: '' }
}

function client(clientId: string, sequence: number): ClientRecord {
  const answer = { verdicts: [], remaps: [] }
  return { clientId, userId: null, sequence, at: 0, digest: `${clientId} ${sequence}`, answer }
}

/** Say of each part of `write` whether it is in the tables, and fail if they differ. */
async function audit(auditor: pg.Client, { key, head, entries, clients }: Write): Promise<boolean> {
  const select = async (text: string) => (await auditor.query(text, [key])).rows
  const [model] = await select('select * from flushout.model where key = $1')
  const flushes = await select('select hash, client_id from flushout.flush where key = $1')
  const known = await select('select client_id, digest from flushout.client where key = $1')
  const parts = Object.fromEntries([
    ['model: command count', Number(model.command_count) === head.commandCount],
    ['model: revision', Number(model.revision) === head.revision],
    ['model: hash', model.hash === head.hash],
    ['model: checkpoint', model.checkpoint_hash === head.hash],
    ...entries.map(({ hash }) => [`flush: ${hash}`, flushes.some((row) => row.hash === hash)]),
    ...clients.map(({ clientId, digest }) => [
      `client: ${clientId}`,
      known.some((row) => row.client_id === clientId && row.digest === digest),
    ]),
  ]) as Record<string, boolean>
  const are = (there: boolean) => Object.keys(parts).filter((part) => parts[part] === there)
  if (are(true).length > 0 && are(false).length > 0) {
    expect.fail(
      `half a write: there is ${are(true).join(', ')}; there is no ${are(false).join(', ')}`,
    )
  }
  return are(true).length > 0
}

const METHODS = {
  commit: async (store: ModelStore, write: Write) => (await store.commit([write]))[0]!,
  exclusively: (store: ModelStore, write: Write) =>
    store.exclusively(write.key, write.read, ['known', 'new'], () => write),
}

type Method = keyof typeof METHODS

describe.each(['before', 'after'] as const)('a connection that dies %s a query', (when) => {
  test.each(Object.keys(METHODS) as Method[])(
    'leaves no half of what `%s` writes',
    async (method) => {
      const { store, pool, auditor } = await openStore()
      const seen: (readonly [Outcome | 'unknown', boolean])[] = []
      // The first query, then the second, until there is none left to die at.
      for (let number = 1; seen.at(-1)?.[0] !== 'committed'; number += 1) {
        const write = await prepare(store, `${method} ${when} ${number}`)
        pool.hand = cutAt(when, number, auditor)
        const outcome = await METHODS[method](store, write).catch(() => 'unknown' as const)
        pool.hand = (_query, send) => send()
        seen.push([outcome, await audit(auditor, write)])
      }
      const deaths = seen.slice(0, -1)
      expect(seen.at(-1)).toEqual(['committed', true])
      expect(deaths.map(([outcome]) => outcome)).toEqual(deaths.map(() => 'unknown'))
      // Only the end of the very last query makes it happen.
      const landed = deaths.map(([, isThere]) => isThere)
      expect(landed).toEqual(
        deaths.map((_, index) => when === 'after' && index === deaths.length - 1),
      )
      expect(deaths).toHaveLength(method === 'commit' ? 1 : 5)
    },
  )
})

test('what is written together dies together for each model, and wins and loses for each alone', async () => {
  const { store, pool, auditor } = await openStore()
  for (const when of ['before', 'after'] as const) {
    const writes = await Promise.all(
      [1, 2, 3].map((number) => prepare(store, `joined ${when} ${number}`)),
    )
    const stale = { ...writes[1]!, read: GENESIS }
    pool.hand = cutAt(when, 1, auditor)
    await expect(store.commit([writes[0]!, stale, writes[2]!])).rejects.toThrow(/connection/i)
    pool.hand = (_query, send) => send()
    const landed: boolean[] = []
    for (const write of writes) landed.push(await audit(auditor, write))
    expect(landed).toEqual(when === 'after' ? [true, false, true] : [false, false, false])
  }
})

describe('a write whose model went on leaves nothing', () => {
  const others: Record<string, (head: Head) => Head> = {
    'to another count': (head) => ({ ...head, commandCount: head.commandCount - 1 }),
    'by a flush of which nothing applied': (head) => ({ ...head, revision: head.revision - 1 }),
    'by another history of the same length': (head) => ({ ...head, hash: 'another' }),
  }
  test.each(Object.keys(others))('%s', async (how) => {
    const { store, auditor } = await openStore()
    const write = await prepare(store, `went on ${how}`)
    const stale = { ...write, read: others[how]!(write.read) }
    for (const method of Object.keys(METHODS) as Method[]) {
      expect([method, await METHODS[method](store, stale)]).toEqual([method, 'conflict'])
      expect([method, await audit(auditor, write)]).toEqual([method, false])
    }
  })
})

test('an exclusive writer shuts others out from before its look until its end', async () => {
  const { store, pool, auditor } = await openStore()
  const write = await prepare(store, 'locked')
  const rival = { ...write, head: { ...write.head, hash: 'rival' } }
  let rivalry: Promise<readonly Outcome[]> | undefined
  pool.hand = async ({ text }, send, pid) => {
    const answer = await send()
    if (rivalry || !text.includes('known_hash')) return answer
    // It has seen the news and writes next. The rival comes in between.
    rivalry = store.commit([rival])
    let isOver = false
    void rivalry.finally(() => (isOver = true))
    await expect
      .poll(async () => isOver || (await countBlocked(auditor, pid)) === 1, { interval: 5 })
      .toBe(true)
    expect(isOver, 'the rival went ahead of the lock').toBe(false)
    return answer
  }
  expect(await METHODS.exclusively(store, write)).toBe('committed')
  expect(await rivalry).toEqual(['conflict'])
  expect(await audit(auditor, write)).toBe(true)
})

test('a writer that stalls within its lock is cut off, and its late write is refused', async () => {
  const { store, auditor } = await openStore()
  const write = await prepare(store, 'stalled')
  const rival = { ...write, head: { ...write.head, hash: 'rival' }, clients: [], entries: [] }
  // Its own pool, since that is what sets the time-outs.
  const pool = createPool({ connectionString: world.database!.url, statementTimeoutMs: 200 })
  const stalled = new BrittlePool(pool)
  world.closers.push(() => stalled.end())
  let taken: readonly Outcome[] | undefined
  stalled.hand = async ({ text }, send) => {
    const answer = await send()
    // Asleep, as far as anybody can tell: this ends when the rival has the lock.
    if (text.includes('known_hash')) taken = await store.commit([rival])
    return answer
  }
  await expect(METHODS.exclusively(postgresStore({ pool: stalled }), write)).rejects.toThrow(
    /connection|terminat/i,
  )
  expect(taken).toEqual(['committed'])
  const { rows } = await auditor.query('select hash from flushout.model where key = $1', [
    write.key,
  ])
  expect(rows).toEqual([{ hash: 'rival' }])
})

async function countBlocked(auditor: pg.Client, pid: number): Promise<number> {
  const { rows } = await auditor.query(
    'select count(*)::int as blocked from pg_stat_activity where $1 = any (pg_blocking_pids(pid))',
    [pid],
  )
  return rows[0].blocked
}

test('a history that dies amid being trimmed is as before, or as afterwards', async () => {
  for (const when of ['before', 'after'] as const) {
    const { store, pool, auditor } = await openStore()
    const write = await prepare(store, `trim ${when}`)
    await METHODS.commit(store, write)
    pool.hand = cutAt(when, 1, auditor)
    await expect(store.trim(write.key, { keep: 1, before: undefined, limit: 9 })).rejects.toThrow(
      /connection/i,
    )
    pool.hand = (_query, send) => send()
    const { rows } = await auditor.query(
      `select floor_count::int as floor, floor_hash as hash,
        (select min(from_count)::int from flushout.flush f where f.key = m.key) as first
      from flushout.model m where key = $1`,
      [write.key],
    )
    const cut = { floor: 2, hash: 'h2', first: 2 }
    expect(rows[0]).toEqual(when === 'after' ? cut : { floor: 0, hash: 'genesis', first: 0 })
  }
})
