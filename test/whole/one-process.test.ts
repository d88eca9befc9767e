// One server that has a model for itself: nobody to meet, whatever the load.
import { createClient, directTransport, type Interceptor } from '@flushout/client'
import {
  allowAnyone,
  createService,
  postgresStore,
  type ModelStore,
  type Outcome,
} from '@flushout/server'
import { expect, inject, test } from 'vitest'
import { auditDatabase } from '../support/audit.ts'
import { Ledger } from '../support/ledger.ts'
import { createDatabase } from '../support/postgres.ts'
import { readModels } from '../support/stored-model.ts'

const KEY = 'todos:shared'
const CLIENTS = 50
const FLUSHES = 100

/** The store, with a list of what became of each write. */
function watchOutcomes(store: ModelStore): { store: ModelStore; outcomes: Outcome[] } {
  const outcomes: Outcome[] = []
  const commit: ModelStore['commit'] = async (writes) => {
    const result = await store.commit(writes)
    outcomes.push(...result)
    return result
  }
  const exclusively: ModelStore['exclusively'] = () => {
    throw new Error('Nobody has to be shut out where nobody else writes.')
  }
  const watched = new Proxy(store, {
    get(target, name) {
      if (name === 'commit') return commit
      if (name === 'exclusively') return exclusively
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { store: watched, outcomes }
}

test('50 clients write 100 flushes each without one lost race, and a rule that throws hits one of them', async () => {
  const database = await createDatabase(inject('postgresUrl'))
  const { store, outcomes } = watchOutcomes(postgresStore({ connectionString: database.url }))
  await store.migrate()
  const rule: Interceptor = (_document, command) => {
    const { poison } = ('props' in command && command.props) || {}
    if (poison) throw new Error('A fault of the application.')
  }
  const models = [{ pattern: 'todos:*', initial: { todos: {} }, interceptors: [rule] }]
  const service = createService({ store, authorize: allowAnyone, models })
  const ledger = new Ledger()
  const clients = Array.from({ length: CLIENTS }, () =>
    createClient({
      transport: ledger.watch(directTransport(service)),
      flush: { quietMs: 0, maxDelayMs: 2 },
    }),
  )
  try {
    const told = await Promise.all(
      clients.map(async (client, index) => {
        const model = client.model(KEY)
        await model.ready
        const outcomes = []
        for (let n = 0; n < FLUSHES; n += 1) {
          const props = index === 7 && n === 50 ? { n, poison: true } : { n }
          outcomes.push(await model.create(['todos'], props).verdict)
        }
        return outcomes
      }),
    )
    const refused = told.flat().filter(({ kind }) => kind !== 'applied')
    expect(refused).toEqual([told[7]![50]])
    expect(refused[0]).toMatchObject({ rejection: { code: 'INTERCEPTOR_FAILED' } })
    expect(new Set(outcomes)).toEqual(new Set(['committed']))
    expect(ledger.errors.size).toBe(0)
    expect(ledger.repeated).toBe(0)

    const found = await readModels(database.url)
    expect(found[0]!.head.commandCount).toBe(CLIENTS * FLUSHES - 1)
    expect([...(await auditDatabase(database.url)), ...ledger.audit(found)]).toEqual([])
  } finally {
    for (const client of clients) client.close()
    await service.close()
    await database.drop()
  }
})
