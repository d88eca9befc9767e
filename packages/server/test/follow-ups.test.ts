import { Blame, type Interceptor } from '@flushout/core'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { verifyDatabase } from '../src/verify/verify-database.ts'
import { add, createTestService, KEY, Writer } from './support/world.ts'
import { useStores } from './support/stores.ts'

/** At most one active todo; counts how often it is asked. */
function createRule() {
  const rule = { asked: 0 }
  const oneActive: Interceptor = (document, command) => {
    rule.asked += 1
    if (command.action === 'delete' || command.props?.['isActive'] !== true) return undefined
    const [, own = command.action === 'create' ? command.id : undefined] = command.path ?? []
    const others = document
      .keys(['todos'])
      .filter((id) => id !== own && document.read(['todos', id, 'isActive']) === true)
    return {
      follow: others.map((id) => ({
        action: 'update',
        path: ['todos', id],
        props: { isActive: false },
      })),
    }
  }
  return Object.assign(rule, { interceptors: [oneActive] })
}

const stores = useStores()

const isActive = true
const ada = { user: { id: 'ada' } }
const bob = { user: { id: 'bob' } }

for (const [name, open] of Object.entries(stores.both)) {
  describe(`with ${name}`, () => {
    test('what a rule had follow is stored with its cause, shown, and not asked for again', async () => {
      const store = await open('flushout')
      const rule = createRule()
      const service = createTestService({ store, interceptors: rule.interceptors })
      const other = createRule()
      const elsewhere = createTestService({ store, interceptors: other.interceptors })
      const writer = new Writer(service, 'ada-1', ada)
      await writer.flush(add('a', { isActive }), add('b', {}))
      await elsewhere.snapshot(KEY)
      const answer = await writer.flush(
        { action: 'update', path: ['todos', 'a'], props: { text: 'First' } },
        { action: 'update', path: ['todos', 'b'], props: { isActive } },
      )
      const followUps = [{ action: 'update', path: ['todos', 'a'], props: { isActive: false } }]
      expect(answer).toMatchObject({
        commandCount: 5,
        verdicts: [{ index: 1, kind: 'applied', followUps }],
      })
      const second = new Writer(service, 'bob-1', bob)
      await second.flush(add('d', {}), add('c', { isActive }))
      expect(rule.asked).toBe(2 + 3 + 3)

      // By the history, whole and by path, and who did it.
      const { entries } = await service.history(KEY)
      expect(entries).toMatchObject([
        { userId: 'bob', to: 8, notes: [{ index: 2, cause: 1 }] },
        { userId: 'ada', to: 5, notes: [{ index: 2, cause: 1 }] },
        { userId: 'ada', to: 2 },
      ])
      const path = ['todos', 'b']
      const below = await service.history(KEY, { path: [...path, 'isActive'] })
      expect(below.entries).toMatchObject([
        { commands: [{ id: 'c' }, { path }], notes: [{ index: 1, cause: 0 }] },
        { commands: [{ path }], to: 5 },
        { commands: [{ id: 'b' }], to: 2 },
      ])
      expect(below.entries[1]).not.toHaveProperty('notes')
      const blame = new Blame(path)
      for (const entry of below.entries) blame.add(entry)
      expect(blame.of(['isActive'])).toMatchObject({
        isActive: { to: 8, userId: 'bob', cause: { action: 'create', id: 'c' } },
      })

      // By all that plays it again.
      const asked = [rule.asked, other.asked]
      const { document } = await service.snapshot(KEY)
      const anew = createRule()
      const later = createTestService({ store, interceptors: anew.interceptors })
      for (const one of [elsewhere, later]) {
        expect((await one.snapshot(KEY)).document).toEqual(document)
        expect((await one.snapshotAt(KEY, 5)).document).toEqual({
          todos: { a: { isActive: false, text: 'First' }, b: { isActive } },
        })
      }
      // As it stood within the flush, before what followed.
      expect((await later.snapshotAt(KEY, 4)).document['todos']).toMatchObject({ a: { isActive } })
      expect([rule.asked, other.asked, anew.asked]).toEqual([...asked, 0])
      for (const one of [service, elsewhere, later]) await one.close()
    })
  })
}

test('a check of the database plays it again as it was', async () => {
  const store = await stores.openPostgres('flushout')
  const rule = createRule()
  const service = createTestService({ store, interceptors: rule.interceptors })
  const writer = new Writer(service, 'cem-1', { key: 'todos:checked' })
  for (const id of ['a', 'b', 'c']) await writer.flush(add(id, { isActive }))
  await service.close()
  const { asked } = rule
  const client = new pg.Client({ connectionString: stores.url })
  await client.connect()
  const faults: string[] = []
  for await (const event of verifyDatabase(client, 'flushout')) {
    if (event.kind === 'fault') faults.push(event.fault)
  }
  await client.end()
  expect(faults).toEqual([])
  expect(rule.asked).toBe(asked)
})
