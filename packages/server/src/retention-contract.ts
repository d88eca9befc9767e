import { deepStrictEqual, equal } from 'node:assert/strict'
import { createIdFactory, type ClientRecord, type LogEntry } from '@flushout/core'
import type { DefineTest } from './define-test.ts'
import { ALL } from './past-contract.ts'
import { client, extend, StoredStory } from './store-story.ts'
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

  story('what is erased is gone from entries, checkpoints and answers', async (model) => {
    const { store, key } = model
    const create = (id: string): LogEntry => ({
      ...model.entry(1),
      commands: [{ action: 'create', path: ['list'], id, props: { text: `SECRET ${id}` } }],
    })
    const amended = (index: number, id: string): ClientRecord => ({
      ...client(`c${id}`, 1),
      answer: {
        verdicts: [{ index, kind: 'amended', command: create(id).commands[0]! }],
        remaps: [],
      },
    })
    const document = { list: { a: { text: 'SECRET a' }, b: { text: 'b' } } }
    await model.write([model.entry(9)])
    await model.write([create('a')], [amended(0, 'a')], JSON.stringify(document))
    const before = model.head
    await store.keepCheckpoint(key, 0)
    await model.write([create('b')], [amended(0, 'b')], JSON.stringify(document))
    const gone: LogEntry = {
      ...model.entry(1),
      commands: [{ action: 'delete', path: ['list', 'a'] }],
    }
    await model.write([gone])
    const again = create('a')
    const known = await model.write([again])
    deepStrictEqual(await store.erase(key, ['list', 'a'], 12), {
      entries: 1,
      checkpoints: 2,
      clients: 1,
    })
    const entries = (await store.entries(key, ALL)).slice(1)
    deepStrictEqual(entries[0]!.commands, [
      { action: 'create', path: ['list'], id: 'a', props: {} },
    ])
    equal(entries[0]!.salt, '')
    equal(typeof entries[0]!.seal, 'string')
    // What came after it went is somebody else's.
    deepStrictEqual(entries.slice(2), [gone, again])
    const left = { list: { a: {}, b: { text: 'b' } } }
    deepStrictEqual((await store.checkpoint(key, 10))!.document, left)
    const stored = await model.load(['ca', 'cb'])
    deepStrictEqual(stored.checkpoint.document, left)
    deepStrictEqual(
      stored.clients.toSorted((x, y) => (x.clientId < y.clientId ? -1 : 1)),
      [
        {
          ...amended(0, 'a'),
          answer: {
            verdicts: [{ index: 0, kind: 'amended', command: entries[0]!.commands[0]! }],
            remaps: [],
          },
        },
        amended(0, 'b'),
      ],
    )
    equal(stored.erasures, 1)
    // Nobody writes who read before that.
    deepStrictEqual(await store.commit([model.next([model.entry(1)])]), ['conflict'])
    deepStrictEqual(stored.head, { ...known, revision: known.revision + 1 })
    const news = (await store.news(key, before, []))!
    equal(news.erasures, 1)
    deepStrictEqual(news.entries, entries.slice(1))
  })

  story('an erasure that meets writers and others that trim loses nothing', async (model) => {
    const { store, key } = model
    await model.writeEach(Array.from({ length: 30 }, () => 1))
    await model.write([], [client('c', 1)], '{"list":{}}')
    const add = (clientId: string) =>
      store.exclusively(key, model.head, [], (news) => extend(key, news!, clientId))
    await Promise.all([
      store.erase(key, ['list', 'n3'], 30),
      add('a'),
      store.trim(key, range({ keep: 20 })),
      store.erase(key, ['list', 'n25'], 30),
      add('b'),
    ])
    const { head, erasures, tail } = await model.load()
    deepStrictEqual([head.commandCount, erasures, tail.length], [32, 2, 2])
    const [entry] = await store.entries(key, { ...ALL, after: 25, before: 26 })
    deepStrictEqual(entry!.commands[0], {
      action: 'create',
      path: ['list'],
      id: 'n25',
      props: {},
    })
  })

  test('nothing is erased from a model that is not there', async () => {
    equal(await (await createStore()).erase('contract:nowhere', ['a'], 9), undefined)
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
