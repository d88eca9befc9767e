// What a user was told to be saved is saved, also when Postgres is killed under
// load: a real server, a real kill -9, clients that know nothing of it.
import { createClient, directTransport, type Backend, type Receipt } from '@flushout/client'
import { allowAnyone, createService, postgresStore, type FlushoutService } from '@flushout/server'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { startEmbeddedPostgres } from '../../examples/todo/src/server/embedded-postgres.ts'

const KEY = 'todos:shared'
const PATIENCE = { timeout: 30_000, interval: 20 }

/** A Postgres with a server in front of it, both of which can be lost and started again. */
class Site implements Backend {
  readonly #folder: string
  #service: FlushoutService | undefined
  url = ''

  constructor(folder: string) {
    this.#folder = folder
  }

  snapshot = (key: string) => this.#running().snapshot(key)
  flush: Backend['flush'] = (key, flush) => this.#running().flush(key, flush)

  async start(): Promise<void> {
    // The processes of the server that was killed may take a moment to notice.
    const postgres = await vi.waitFor(() => startEmbeddedPostgres(this.#folder), PATIENCE)
    this.url = postgres.connectionString
    const store = postgresStore({ connectionString: this.url })
    await store.migrate()
    const models = [{ pattern: 'todos:*', initial: { todos: {} } }]
    this.#service = createService({ store, authorize: allowAnyone, models })
    this.stop = async () => {
      await this.#service?.close()
      await postgres.stop()
    }
  }

  stop: () => Promise<void> = async () => {}

  /** Kill Postgres as a power cut would, and forget the server in front of it. */
  async crash(): Promise<void> {
    const lines = await readFile(join(this.#folder, 'postgres', 'postmaster.pid'), 'utf8')
    process.kill(Number(lines.split('\n')[0]), 'SIGKILL')
    const service = this.#service
    this.#service = undefined
    await service?.close().catch(() => {})
  }

  #running(): FlushoutService {
    if (this.#service) return this.#service
    throw new Error('The server is down.')
  }
}

test('no acknowledged flush is lost and none is doubled when Postgres is killed under load', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flushout-crash-'))
  const site = new Site(folder)
  await site.start()
  const clients = Array.from({ length: 4 }, () =>
    createClient({
      transport: directTransport(site),
      flush: { quietMs: 1, maxDelayMs: 5, retryBaseMs: 20, retryMaxMs: 200 },
    }),
  )
  const models = clients.map((client) => client.model<{ todos: object }>(KEY))
  await Promise.all(models.map((model) => model.ready))
  const receipts: Receipt[] = []
  const edits = setInterval(() => {
    for (const model of models) receipts.push(model.apply({ action: 'create', path: ['todos'] }))
  }, 2)
  const countAcknowledged = () => receipts.filter(({ outcome }) => outcome).length
  try {
    for (let cycle = 0; cycle < 3; cycle += 1) {
      const before = countAcknowledged()
      await vi.waitFor(() => expect(countAcknowledged()).toBeGreaterThan(before + 200), PATIENCE)
      await site.crash()
      await site.start()
    }
    clearInterval(edits)
    const outcomes = await Promise.all(receipts.map(({ verdict }) => verdict))
    expect(outcomes.filter(({ kind }) => kind !== 'applied')).toEqual([])

    const { commandCount, document } = await site.snapshot(KEY)
    expect(commandCount).toBe(receipts.length)
    expect(new Set(Object.keys(document['todos'] as object))).toEqual(
      new Set(receipts.map(({ id }) => id)),
    )
    const client = new pg.Client({ connectionString: site.url })
    await client.connect()
    const { rows } = await client.query(`
      select count(*)::int as flushes,
        count(distinct (client_id, sequence))::int as different,
        sum(to_count - from_count)::int as commands,
        max(to_count)::int as head
      from flushout.flush`)
    await client.end()
    expect(rows[0].different).toBe(rows[0].flushes)
    expect(rows[0]).toMatchObject({ commands: receipts.length, head: receipts.length })
  } finally {
    clearInterval(edits)
    for (const client of clients) client.close()
    await site.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
