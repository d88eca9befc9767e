// Backups and fail-overs as operators do them: copies of files, real standbys,
// promotion. The servers run on; only the address of Postgres moves.
import { createClient, directTransport, type Client, type Model } from '@flushout/client'
import { isFlushoutError } from '@flushout/core'
import { allowAnyone, createService, postgresStore, type FlushoutService } from '@flushout/server'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Cluster, MovablePool } from '../support/cluster.ts'

const KEY = 'todos:shared'
const TIMING = { quietMs: 0, maxDelayMs: 2, pollMs: 20, retryBaseMs: 5, retryMaxMs: 50 }
const PATIENCE = { timeout: 30_000, interval: 10 }

interface TodoList {
  readonly todos: { readonly [id: string]: object }
}

interface Peer {
  readonly client: Client
  readonly model: Model<TodoList>
  readonly refusals: string[]
  save(id: string): Promise<void>
}

/** One server that outlives its databases, and two clients. */
interface Site {
  readonly pool: MovablePool
  readonly service: FlushoutService
  readonly ada: Peer
  readonly bob: Peer
}

async function openSite(cluster: Cluster): Promise<Site> {
  const pool = new MovablePool()
  pool.move(cluster)
  const store = postgresStore({ pool })
  await store.migrate()
  const models = [{ pattern: 'todos:*', initial: { todos: {} } }]
  const service = createService({ store, authorize: allowAnyone, models })
  const peers = [createPeer(service), createPeer(service)] as const
  onTestFinished(async () => {
    for (const { client } of peers) client.close()
    await service.close()
    await pool.end()
  })
  await Promise.all(peers.map(({ model }) => model.ready))
  return { pool, service, ada: peers[0], bob: peers[1] }
}

function createPeer(service: FlushoutService): Peer {
  const refusals: string[] = []
  const note = (error: unknown): never => {
    if (isFlushoutError(error) && error.retry !== 'same-flush') refusals.push(error.code)
    throw error
  }
  const transport = directTransport({
    snapshot: (key) => service.snapshot(key).catch(note),
    flush: (key, flush) => service.flush(key, flush).catch(note),
  })
  const client = createClient({ transport, flush: TIMING })
  const model = client.model<TodoList>(KEY)
  model.watch()
  const save = async (id: string) => {
    const { verdict } = model.create(['todos'], {}, { id })
    expect(await verdict).toEqual({ kind: 'applied' })
  }
  return { client, model, refusals, save }
}

/** A cluster that is removed when the test is over. */
async function tidy(cluster: Promise<Cluster>): Promise<Cluster> {
  const created = await cluster
  onTestFinished(() => created.remove())
  return created
}

/** A primary, and a standby that follows it. */
async function startPair(): Promise<{ primary: Cluster; standby: Cluster }> {
  const primary = await tidy(Cluster.create())
  await primary.stop()
  const standby = await tidy(primary.copy())
  await primary.start()
  await standby.follow(primary)
  await standby.start()
  return { primary, standby }
}

async function countOn(cluster: Cluster): Promise<unknown> {
  const rows = await cluster
    .query('select command_count::int as count from flushout.model where key = $1', [KEY])
    // What was not replicated yet.
    .catch(() => [])
  return rows[0]?.['count']
}

async function settle({ service, ada, bob }: Site): Promise<string[]> {
  await vi.waitFor(async () => {
    const { document, commandCount: confirmed } = await service.snapshot(KEY)
    for (const { model } of [ada, bob]) {
      expect(model.status).toMatchObject({ state: 'polling', queued: 0, inFlight: 0, confirmed })
      expect(JSON.stringify(model.read())).toBe(JSON.stringify(document))
    }
  }, PATIENCE)
  return Object.keys(ada.model.read()!.todos)
}

test('a copy of the files, put in the place of the cluster, is noticed without a restart', async () => {
  const cluster = await tidy(Cluster.create())
  const site = await openSite(cluster)
  const { ada, bob, pool } = site
  await ada.save('a')
  for (const { client } of [ada, bob]) client.pause()
  await cluster.stop()
  const backup = await tidy(cluster.copy())
  await cluster.start()
  pool.move(cluster)
  ada.client.resume()
  await ada.save('tail')
  ada.client.pause()
  await cluster.stop()
  await backup.start()
  pool.move(backup)

  bob.model.create(['todos'], {}, { id: 'queued by bob' })
  ada.model.create(['todos'], {}, { id: 'queued by ada' })
  for (const { client } of [bob, ada]) client.resume()
  expect((await settle(site)).toSorted()).toEqual(['a', 'queued by ada', 'queued by bob'])
  expect([ada.refusals, bob.refusals]).toEqual([['HISTORY_CHANGED'], []])
})

test('a fail-over to a standby that lacks the tail is noticed by who saw the tail', async () => {
  const { primary, standby } = await startPair()
  const site = await openSite(primary)
  const { ada, bob, pool } = site
  await ada.save('a')
  await bob.save('b')
  await vi.waitFor(async () => expect(await countOn(standby)).toBe(2), PATIENCE)
  await vi.waitFor(() => expect(bob.model.status.confirmed).toBe(2), PATIENCE)
  bob.client.pause()
  await standby.stop()
  await ada.save('tail')
  ada.client.pause()
  await primary.kill()
  await standby.start()
  pool.move(standby)

  // It can be read and not written: nobody is refused for good.
  await expect(site.service.ready()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  bob.client.resume()
  const { verdict } = bob.model.create(['todos'], {}, { id: 'c' })
  await vi.waitFor(() => expect(bob.model.status.error?.code).toBe('UNAVAILABLE'), PATIENCE)
  await standby.query('select pg_promote()')
  expect(await verdict).toEqual({ kind: 'applied' })
  ada.client.resume()
  expect(await settle(site)).toEqual(['a', 'b', 'c'])
  expect([ada.refusals, bob.refusals]).toEqual([['HISTORY_CHANGED'], []])
  await site.service.ready()
})

test('with a synchronous standby nothing acknowledged is lost by a fail-over', async () => {
  const { primary, standby } = await startPair()
  const site = await openSite(primary)
  const { ada, bob, pool } = site
  await ada.save('first')
  await primary.query(`alter system set synchronous_standby_names = '*'`)
  await primary.query('select pg_reload_conf()')
  await vi.waitFor(async () => {
    const rows = await primary.query('select sync_state from pg_stat_replication')
    expect(rows).toEqual([{ sync_state: 'sync' }])
  }, PATIENCE)

  // As long as the standby is away nothing is acknowledged.
  await standby.stop()
  const waiting = ada.model.create(['todos'], {}, { id: 'waiting' })
  await vi.waitFor(async () => {
    const rows = await primary.query(`select 1 from pg_stat_activity where wait_event = 'SyncRep'`)
    expect(rows.length).toBeGreaterThan(0)
  }, PATIENCE)
  expect(waiting.outcome).toBeUndefined()
  await standby.start()
  expect(await waiting.verdict).toEqual({ kind: 'applied' })

  const acknowledged: string[] = []
  const end = new AbortController()
  const write = async ({ model }: Peer) => {
    while (!end.signal.aborted) {
      const { id, verdict } = model.create(['todos'], {})
      expect(await verdict).toEqual({ kind: 'applied' })
      acknowledged.push(id)
    }
  }
  const writers = [ada, bob].map(write)
  const reach = (count: number) =>
    vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(count), PATIENCE)
  await reach(100)
  await primary.kill()
  // What was stored but not heard of, and what was lost unheard: both count once.
  await standby.query('select pg_promote()')
  pool.move(standby)
  await reach(acknowledged.length + 20)
  end.abort()
  await Promise.all(writers)
  const ids = await settle(site)
  expect(ids).toHaveLength(acknowledged.length + 2)
  expect(new Set(ids)).toEqual(new Set(['first', 'waiting', ...acknowledged]))
  expect(await countOn(standby)).toBe(ids.length)
  expect([ada.refusals, bob.refusals]).toEqual([[], []])
})

test('a flush that only the primary has is not acknowledged, not even by its repeat', async () => {
  const { primary, standby } = await startPair()
  const site = await openSite(primary)
  const { ada, pool } = site
  await ada.save('first')
  await primary.query(`alter system set synchronous_standby_names = '*'`)
  await primary.query('select pg_reload_conf()')
  // Else nothing could be closed after a failure: every commit would wait.
  onTestFinished(() => primary.kill().catch(() => {}))
  await standby.stop()
  const receipt = ada.model.create(['todos'], {}, { id: 'waiting' })
  const waiters = async () => {
    const rows = await primary.query(
      `select pid from pg_stat_activity where wait_event = 'SyncRep'`,
    )
    return rows.map(({ pid }) => pid as number)
  }
  const first = await vi.waitFor(async () => {
    const pids = await waiters()
    expect(pids).toHaveLength(1)
    return pids[0]!
  }, PATIENCE)
  // From now on the primary shows the commit, which the standby does not have.
  await primary.query('select pg_terminate_backend($1, 10000)', [first])
  await vi.waitFor(async () => {
    const others = (await waiters()).filter((pid) => pid !== first)
    expect(others.length > 0 || receipt.outcome !== undefined).toBe(true)
  }, PATIENCE)
  expect(receipt.outcome).toBeUndefined()
  await standby.start()
  expect(await receipt.verdict).toEqual({ kind: 'applied' })
  await primary.kill()
  await standby.query('select pg_promote()')
  pool.move(standby)
  expect(await settle(site)).toEqual(['first', 'waiting'])
  expect(ada.refusals).toEqual([])
})
