import { deepStrictEqual, equal } from 'node:assert/strict'
import { createIdFactory } from '@flushout/core'
import type { DefineTest } from './define-test.ts'
import { ALL } from './past-contract.ts'
import { client, StoredStory } from './store-story.ts'
import type { ModelStore, TrimRange } from './store.ts'

const DAY = 24 * 3_600_000

/** What every store has to keep about letting go of what is old. */
export function retentionContract(
  test: DefineTest,
  createStore: () => ModelStore | Promise<ModelStore>,
): void {
  const story = (title: string, tell: (model: StoredStory) => Promise<void>) =>
    test(title, async () => tell(await StoredStory.begin(await createStore())))

  const range = (changes: Partial<TrimRange>): TrimRange => ({
    keep: 0,
    before: undefined,
    limit: 1000,
    ...changes,
  })

  story('history goes step by step, the oldest first, up to the checkpoint', async (model) => {
    const { store, key } = model
    const entries = await model.writeEach([1, 2, 1, 1])
    await model.write([model.entry(1)], [], '{"six":6}')
    const tail = await model.writeEach([1, 1])
    const left = async () => (await store.entries(key, ALL)).map(({ from }) => from)
    equal(await store.trim(key, range({ limit: 2 })), 'more')
    deepStrictEqual(await left(), [3, 4, 5, 6, 7])
    deepStrictEqual(await store.hashes(key, [1, 3]), [undefined, entries[1]!.hash])
    equal(await store.trim(key, range({ limit: 2 })), 'more')
    equal(await store.trim(key, range({ limit: 2 })), 'held')
    deepStrictEqual(await left(), [6, 7])
    equal(await store.trim(key, range({})), 'held')
    equal(await store.trim(key, range({ keep: 2 })), 'done')
    deepStrictEqual((await model.load()).tail, tail)
  })

  story('of the last commands at least so many stay', async (model) => {
    const { store, key } = model
    await model.writeEach([3, 3, 3])
    await model.write([], [client('c', 1)], '{"nine":9}')
    equal(await store.trim(key, range({ keep: 4 })), 'done')
    deepStrictEqual(
      (await store.entries(key, ALL)).map(({ from }) => from),
      [3, 6],
    )
    equal(await store.trim(key, range({ keep: 100 })), 'done')
    equal((await store.entries(key, ALL)).length, 2)
  })

  story('what is young stays, and all that follows on it', async (model) => {
    const { store, key } = model
    for (const at of [1000, 2000, 5000, 3000, 6000]) {
      await model.write([{ ...model.entry(1), at }])
    }
    await model.write([], [client('c', 1)], '{"five":5}')
    const left = async () => (await store.entries(key, ALL)).map(({ at }) => at)
    equal(await store.trim(key, range({ before: 1000 })), 'done')
    equal((await left()).length, 5)
    // A clock that went back.
    equal(await store.trim(key, range({ before: 4000 })), 'done')
    deepStrictEqual(await left(), [5000, 3000, 6000])
    equal(await store.trim(key, range({ before: 6000.5 })), 'done')
    deepStrictEqual(await left(), [])
  })

  story('who trims at once does not trim twice', async (model) => {
    const { store, key } = model
    const entries = await model.writeEach(Array.from({ length: 40 }, () => 1))
    await model.write([], [client('c', 1)], '{"forty":40}')
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        store.trim(key, range({ keep: 5, limit: index + 1 })),
      ),
    )
    while ((await store.trim(key, range({ keep: 5, limit: 7 }))) === 'more');
    deepStrictEqual(await store.entries(key, ALL), entries.slice(35))
    deepStrictEqual(await store.hashes(key, [34, 35]), [undefined, entries[34]!.hash])
  })

  story('clients of whom nothing was heard go step by step, and it is noted', async (model) => {
    const { store, key } = model
    const now = 1_700_000_000_000
    const old = Array.from({ length: 5 }, (_, index) => idAt(now - 100 * DAY + index))
    const stays = [idAt(now - 100 * DAY + 9), idAt(now - DAY), 'ada', `~${idAt(now - 100 * DAY)}`]
    const records = [
      ...old.map((id) => client(id, 3, now - 95 * DAY)),
      client(stays[0]!, 1, now - DAY),
      ...stays.slice(1).map((id) => client(id, 1, now - 95 * DAY)),
    ]
    await model.write([], records)
    equal((await model.load()).lastExpired, '')
    const forget = (limit: number) => store.forgetClients(key, { before: now - 90 * DAY, limit })
    equal(await forget(2), 'more')
    equal((await model.load()).lastExpired, old[1])
    equal(await forget(2), 'more')
    equal(await forget(9), 'done')
    const { clients, lastExpired } = await model.load([...old, ...stays])
    equal(lastExpired, old[4])
    deepStrictEqual(clients.map(({ clientId }) => clientId).sort(), stays.toSorted())
    equal((await store.news(key, model.head, []))!.lastExpired, old[4])
    // Later ones are not taken back.
    await store.forgetClients(key, { before: now - 99 * DAY, limit: 9 })
    equal((await model.load()).lastExpired, old[4])
  })

  test('there is nothing to forget of a model that is not there', async () => {
    const store = await createStore()
    equal(await store.trim('contract:nowhere', range({})), 'done')
    equal(await store.forgetClients('contract:nowhere', { before: 1e15, limit: 9 }), 'done')
  })
}

function idAt(now: number): string {
  const fillRandom = (bytes: Uint8Array) =>
    void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)
  return createIdFactory({ now: () => now, fillRandom })()
}
