// Several servers on one Postgres behind a balancer that knows nothing of them,
// and a network that loses and repeats messages.
import { createClient, directTransport, type Backend } from '@flushout/client'
import { allowAnyone, createService, postgresStore, type FlushoutService } from '@flushout/server'
import { expect, inject, test, vi } from 'vitest'
import { createDatabase } from '../support/postgres.ts'

const KEY = 'todos:shared'
const EDITS = 150

interface TodoList {
  readonly todos: { readonly [id: string]: { readonly count?: number } }
}

async function startService(url: string): Promise<FlushoutService> {
  const store = postgresStore({ connectionString: url, maxConnections: 4 })
  await store.migrate()
  const models = [{ pattern: 'todos:*', initial: { todos: {} } }]
  return createService({ store, authorize: allowAnyone, models })
}

/** Hands each message to the next service in turn; loses and repeats some by plan. */
class Balancer implements Backend {
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
  const balancer = new Balancer(services)
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
