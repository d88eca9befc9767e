// Several servers on one Postgres behind a balancer that knows nothing of them,
// and a network that loses and repeats messages.
import {
  createClient,
  directTransport,
  httpTransport,
  type Backend,
  type Client,
} from '@flushout/client'
import { allowAnyone, createService, postgresStore, type FlushoutService } from '@flushout/server'
import { expect, inject, test, vi } from 'vitest'
import { auditModel, auditServed } from '../support/audit.ts'
import { Balancer } from '../support/balancer.ts'
import { Ledger } from '../support/ledger.ts'
import { createDatabase } from '../support/postgres.ts'
import { ServerProcess } from '../support/server-process.ts'
import { readModels } from '../support/stored-model.ts'
import { until } from '../support/until.ts'

const KEY = 'todos:shared'
const EDITS = 150

interface TodoList {
  readonly todos: { readonly [id: string]: { readonly count?: number } }
}

const CLIENTS = 50
const FLUSHES = 100

test('50 clients write 100 flushes each through three servers, of which one dies and one leaves', async () => {
  const database = await createDatabase(inject('postgresUrl'))
  const start = () => ServerProcess.start({ url: database.url })
  const servers = await Promise.all([start(), start(), start()])
  const [stays, dies, leaves] = servers
  const balancer = await Balancer.start(servers.map(({ address }) => address))
  const ledger = new Ledger()
  const transport = ledger.watch(httpTransport({ url: `${balancer.address}/flushout` }))
  const clients: Client[] = []
  try {
    for (let n = 0; n < CLIENTS; n += 1) {
      const flush = { quietMs: 0, maxDelayMs: 2, pollMs: 100, retryBaseMs: 20, retryMaxMs: 200 }
      clients.push(createClient({ transport, flush }))
    }
    const models = clients.map((client) => client.model<TodoList>(KEY))
    await Promise.all(models.map((model) => model.ready))
    const writing = models.map(async (model) => {
      const kinds: string[] = []
      for (let n = 0; n < FLUSHES; n += 1) {
        const { verdict } = model.create(['todos'], { count: n })
        kinds.push((await verdict).kind)
      }
      return kinds
    })
    const reach = (flushes: number) =>
      until(`${flushes} flushes are acknowledged`, () => ledger.flushes >= flushes)
    await reach(1500)
    await dies.kill()
    await reach(3000)
    // As a platform does: take it out of the turn, then ask it to end.
    await balancer.drain(leaves.address)
    leaves.signal('SIGTERM')
    expect(await leaves.exit).toBe(0)
    // What it had been given it has answered.
    expect(balancer.tallies.get(leaves.address)).toMatchObject({ refused: 0, broken: 0 })

    const kinds = (await Promise.all(writing)).flat()
    expect(kinds.filter((kind) => kind !== 'applied')).toEqual([])
    expect(ledger.auditErrors()).toEqual([])
    expect(balancer.tallies.get(stays.address)!.broken).toBe(0)

    const [model] = await readModels(database.url)
    expect(model!.head.commandCount).toBe(CLIENTS * FLUSHES)
    expect(model!.log).toHaveLength(CLIENTS * FLUSHES)
    const served = await httpTransport({ url: `${stays.address}/flushout` }).load(
      KEY,
      AbortSignal.timeout(10_000),
    )
    expect([
      ...auditModel(model!),
      ...ledger.audit([model!]),
      ...auditServed(model!, served),
    ]).toEqual([])
    const text = JSON.stringify(served.document)
    const watching = models.map((each) => each.watch())
    await until('all clients show the same', () =>
      models.every((each) => each.status.commandCount === served.commandCount),
    )
    for (const each of models) expect(JSON.stringify(each.read())).toBe(text)
    for (const stop of watching) stop()
  } finally {
    for (const client of clients) client.close()
    await balancer[Symbol.asyncDispose]()
    await Promise.all(servers.map((server) => server.kill()))
    await database.drop()
  }
}, 120_000)

async function startService(url: string): Promise<FlushoutService> {
  const store = postgresStore({ connectionString: url, maxConnections: 4 })
  await store.migrate()
  const models = [{ pattern: 'todos:*', initial: { todos: {} } }]
  return createService({ store, authorize: allowAnyone, models })
}

/** Hands each message to the next service in turn; loses and repeats some by plan. */
class LossyBalancer implements Backend {
  readonly #services: readonly FlushoutService[]
  #turn = 0
  lost = 0

  constructor(services: readonly FlushoutService[]) {
    this.#services = services
  }

  snapshot = (key: string) => this.#next().snapshot(key)

  flush: Backend['flush'] = async (key, flush) => {
    const turn = (this.#turn += 1)
    if (turn % 11 === 0) return this.#lose()
    // The same message twice at once, as after an impatient proxy.
    if (turn % 13 === 0)
      this.#next()
        .flush(key, flush)
        .catch(() => {})
    const answer = await this.#next().flush(key, flush)
    return turn % 5 === 0 ? this.#lose() : answer
  }

  #next(): FlushoutService {
    return this.#services[(this.#turn += 1) % this.#services.length]!
  }

  #lose(): never {
    this.lost += 1
    throw new Error('The connection broke.')
  }
}

test('each edit takes effect once, whichever servers its flush and its repeats reach', async () => {
  const database = await createDatabase(inject('postgresUrl'))
  const services = await Promise.all([1, 2, 3].map(() => startService(database.url)))
  const balancer = new LossyBalancer(services)
  const clients = Array.from({ length: 5 }, () =>
    createClient({
      transport: directTransport(balancer),
      flush: { quietMs: 0, maxDelayMs: 2, pollMs: 20, retryBaseMs: 2, retryMaxMs: 20 },
    }),
  )
  try {
    const models = clients.map((client) => client.model<TodoList>(KEY))
    await Promise.all(models.map((model) => model.ready))
    const watching = models.map((model) => model.watch())
    const receipts = await Promise.all(
      models.map(async (model) => {
        const own = []
        for (let n = 0; n < EDITS; n += 1) {
          const { id } = model.create(['todos'], { count: 0 })
          own.push(model.update(['todos', id], { count: n }))
          // Leave room for the others, so that many flushes meet.
          if (n % 3 === 0) await own.at(-1)!.verdict
        }
        return own
      }),
    )
    const outcomes = await Promise.all(receipts.flat().map(({ verdict }) => verdict))
    expect(outcomes.filter(({ kind }) => kind !== 'applied')).toEqual([])
    expect(balancer.lost).toBeGreaterThan(20)

    const { commandCount, document } = await services[0]!.snapshot(KEY)
    expect(commandCount).toBe(clients.length * EDITS * 2)
    const text = JSON.stringify(document)
    expect(Object.keys((document as unknown as TodoList).todos)).toHaveLength(5 * EDITS)
    await vi.waitFor(
      () => {
        for (const model of models) expect(JSON.stringify(model.read())).toBe(text)
      },
      { timeout: 20_000 },
    )
    for (const model of models) expect(model.rejections).toEqual([])
    for (const stop of watching) stop()
  } finally {
    for (const client of clients) client.close()
    await Promise.all(services.map((service) => service.close()))
    await database.drop()
  }
})
