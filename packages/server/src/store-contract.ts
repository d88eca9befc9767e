import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import type { DefineTest } from './define-test.ts'
import { cursorsContract } from './followers/cursors-contract.ts'
import { inventoryContract } from './inventory-contract.ts'
import { ALL, pastContract } from './past-contract.ts'
import { retentionContract } from './retention-contract.ts'
import { client, extend, StoredStory } from './store-story.ts'
import type { Head, ModelStore, News, Write } from './store.ts'

/**
 * What every store has to keep, as tests. `createStore` gives a store that is
 * ready for use; each test uses model keys of its own, so one store may serve
 * them all.
 */
export function storeContract(
  test: DefineTest,
  createStore: () => ModelStore | Promise<ModelStore>,
): void {
  const story = (title: string, tell: (model: StoredStory) => Promise<void>) =>
    test(title, async () => tell(await StoredStory.begin(await createStore())))

  test('a model that nobody made is not there', async () => {
    const store = await createStore()
    equal(await store.load('contract:nowhere', ['c']), undefined)
    equal(await store.news('contract:nowhere', NOWHERE, []), undefined)
    equal(await store.history('contract:nowhere', 0, 1, 1000), undefined)
    deepStrictEqual(await store.hashes('contract:nowhere', [0, 1]), [undefined, undefined])
    deepStrictEqual(await store.entries('contract:nowhere', ALL), [])
    equal(await store.checkpoint('contract:nowhere', 9), undefined)
    await store.keepCheckpoint('contract:nowhere', 0)
    const write = {
      key: 'contract:nowhere',
      read: NOWHERE,
      head: NOWHERE,
      entries: [],
      clients: [],
    }
    deepStrictEqual(await store.commit([write]), ['conflict'])
  })

  story('a new model is its first snapshot', async (model) => {
    const stored = await model.load()
    deepStrictEqual(stored.checkpoint, model.genesis)
    deepStrictEqual(stored.head, { commandCount: 0, revision: 0, hash: model.genesis.hash })
    deepStrictEqual(stored.tail, [])
    deepStrictEqual(stored.clients, [])
  })

  story('what is loaded is of whoever loaded it', async (model) => {
    const { checkpoint } = await model.load()
    ;(checkpoint.document as Record<string, unknown>)['mine'] = true
    const past = await model.store.checkpoint(model.key, 0)
    ;(past!.document as Record<string, unknown>)['mine'] = true
    deepStrictEqual((await model.load()).checkpoint, model.genesis)
    deepStrictEqual(await model.store.checkpoint(model.key, 0), model.genesis)
  })

  story('a model is made once, whoever comes second', async (model) => {
    await model.write([model.entry(1)])
    const other = { commandCount: 0, hash: 'other', document: { other: 1 } }
    equal(await model.store.create(model.key, other, { title: 'Other' }), false)
    deepStrictEqual((await model.load()).head, model.head)
    deepStrictEqual((await model.load()).checkpoint, model.genesis)
  })

  story('what was committed is loaded as it was, text for text', async (model) => {
    const entry = model.entry(3)
    await model.write([entry], [client('c', 1)])
    const stored = await model.load(['c', 'unknown'])
    deepStrictEqual(stored.head, model.head)
    equal(JSON.stringify(stored.tail), JSON.stringify([entry]))
    equal(JSON.stringify(stored.clients), JSON.stringify([client('c', 1)]))
  })

  story('keys keep their order, and text every character', async (model) => {
    const document = {
      b: 1,
      a: { '10': 'x', z: null },
      text: '\u0000 "\\ \u2028 🙂 \u{10ffff}',
      n: -1.5e300,
    }
    const key = `${model.key}:text`
    await model.store.create(key, { commandCount: 0, hash: 'h', document })
    const stored = await model.store.load(key, [])
    equal(JSON.stringify(stored?.checkpoint.document), JSON.stringify(document))
  })

  story('of two writers who read the same head one wins', async (model) => {
    const first = model.next([model.entry(1)], [client('a', 1)])
    const second = model.next([model.entry(2)], [client('b', 1)])
    deepStrictEqual(await model.store.commit([first]), ['committed'])
    deepStrictEqual(await model.store.commit([second]), ['conflict'])
    const stored = await model.load(['a', 'b'])
    deepStrictEqual(stored.head, first.head)
    deepStrictEqual(stored.tail, first.entries)
    deepStrictEqual(stored.clients, first.clients)
  })

  story('of many writers at once exactly one wins', async (model) => {
    const writes = Array.from({ length: 10 }, (_, index) =>
      model.next([model.entry(1, `c${index}`)], [client(`c${index}`, 1)]),
    )
    const outcomes = await Promise.all(writes.map((write) => committed(model.store, write)))
    equal(outcomes.filter((outcome) => outcome === 'committed').length, 1)
    equal((await model.load()).tail.length, 1)
  })

  story('a commit without commands counts as one, and loses against others', async (model) => {
    const first = model.next([], [client('a', 1)])
    const second = model.next([], [client('a', 1), client('b', 1)])
    deepStrictEqual(await model.store.commit([first]), ['committed'])
    deepStrictEqual(await model.store.commit([second]), ['conflict'])
    deepStrictEqual((await model.load(['a', 'b'])).clients, [client('a', 1)])
  })

  for (const [what, other] of Object.entries(OTHER_HEADS)) {
    story(`who read another ${what} writes nothing, in no way to write`, async (model) => {
      await model.write([model.entry(1)], [client('c', 1)])
      await model.write([model.entry(1)], [client('c', 2)])
      const before = await model.load(['c', 'd'])
      const clients = [client('c', 3), client('d', 1)]
      const write = model.next([model.entry(2)], clients, '{"four":4}')
      const stale = { ...write, read: { ...write.read, ...other(write.read) } }
      deepStrictEqual(await model.store.commit([stale]), ['conflict'])
      deepStrictEqual(await model.load(['c', 'd']), before)
      const { key, head, store } = model
      equal(await store.exclusively(key, head, [], () => stale), 'conflict')
      deepStrictEqual(await model.load(['c', 'd']), before)
      deepStrictEqual(await store.commit([write]), ['committed'])
      deepStrictEqual((await model.load(['c', 'd'])).clients.length, 2)
    })
  }

  story('models that are written together win and lose apart', async (model) => {
    const others = await Promise.all([1, 2, 3].map(() => StoredStory.begin(model.store)))
    const lost = others[1]!.next([others[1]!.entry(1)])
    await others[1]!.write([others[1]!.entry(2)])
    const writes = [
      model.next([model.entry(1)], [client('c', 1)]),
      lost,
      others[2]!.next([others[2]!.entry(4)], [client('c', 1)]),
    ]
    deepStrictEqual(await model.store.commit(writes), ['committed', 'conflict', 'committed'])
    deepStrictEqual((await others[1]!.load()).head, others[1]!.head)
    deepStrictEqual((await others[2]!.load(['c'])).clients, [client('c', 1)])
  })

  story('a client row is the last one written', async (model) => {
    await model.write([model.entry(1)], [client('c', 1)])
    await model.write([model.entry(1)], [client('c', 2)])
    deepStrictEqual((await model.load(['c'])).clients, [client('c', 2)])
  })

  story('news lead from what is known to the head', async (model) => {
    const known = await model.write([model.entry(1)], [client('c', 1)])
    const entries = [model.entry(2), model.entryAfter(2, 3)]
    await model.write(entries, [client('c', 3), client('d', 1)])
    const news = (await model.store.news(model.key, known, ['d', 'c', 'unknown']))!
    deepStrictEqual(news.head, model.head)
    deepStrictEqual(news.entries, entries)
    deepStrictEqual(
      news.clients.toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1)),
      [client('c', 3), client('d', 1)],
    )
    deepStrictEqual((await model.store.news(model.key, model.head, []))!.entries, [])
  })

  story('news since another history are none to go on from', async (model) => {
    const known = await model.write([model.entry(2)])
    await model.write([model.entry(1)])
    const since = async (other: Partial<Head>) =>
      (await model.store.news(model.key, { ...known, ...other }, []))!.entries
    equal(await since({ hash: 'stranger' }), undefined)
    equal(await since({ commandCount: 1 }), undefined)
    equal(await since({ commandCount: 99 }), undefined)
  })

  story('a checkpoint takes the place of what led to it', async (model) => {
    await model.write([model.entry(2)])
    await model.write([model.entry(1)], [], '{"three":3}')
    const at = model.head
    const tail = [model.entry(1)]
    await model.write(tail)
    const stored = await model.load()
    const { commandCount, hash } = at
    deepStrictEqual(stored.checkpoint, { commandCount, hash, document: { three: 3 } })
    deepStrictEqual(stored.tail, tail)
    deepStrictEqual(stored.head, model.head)
  })

  story('a checkpoint alone moves no head', async (model) => {
    await model.write([model.entry(2)])
    const { key, head } = model
    const write = { key, read: head, head, entries: [], clients: [], checkpoint: '{"two":2}' }
    deepStrictEqual(await model.store.commit([write]), ['committed'])
    const stored = await model.load()
    deepStrictEqual(stored.head, head)
    deepStrictEqual(stored.tail, [])
    deepStrictEqual(stored.checkpoint.document, { two: 2 })
  })

  story('history is read back as far as it is asked for', async (model) => {
    const entries = await model.writeEach([2, 1, 3, 1])
    const read = (from: number, to: number) => model.store.history(model.key, from, to, 1_000_000)
    deepStrictEqual(await read(0, 7), { floorHash: model.genesis.hash, entries })
    deepStrictEqual(await read(3, 6), { floorHash: entries[1]!.hash, entries: [entries[2]!] })
    // 4 lies within an entry: what comes after that one is all there is.
    deepStrictEqual(await read(4, 7), { floorHash: entries[2]!.hash, entries: [entries[3]!] })
    equal(await read(7, 7), undefined)
    equal(await read(0, 5), undefined)
  })

  story('history is cut at its old end where there is too much of it', async (model) => {
    const entries = await model.writeEach([1, 1, 1, 1, 1, 1, 1, 1])
    const all = JSON.stringify(entries).length
    const stretch = (await model.store.history(model.key, 0, 8, Math.floor(all / 3)))!
    ok(stretch.entries.length > 0 && stretch.entries.length < 8)
    deepStrictEqual(stretch.entries, entries.slice(-stretch.entries.length))
    equal(stretch.floorHash, entries.at(-stretch.entries.length - 1)!.hash)
    equal(await model.store.history(model.key, 0, 8, 1), undefined)
  })

  story('the hash is known at the end of each flush, and nowhere else', async (model) => {
    const { genesis } = model
    const [first, second] = await model.writeEach([2, 1])
    const hashes = (...counts: number[]) => model.store.hashes(model.key, counts)
    deepStrictEqual(await hashes(3, 0, 1, 2, 4, 2), [
      second!.hash,
      genesis.hash,
      '',
      first!.hash,
      '',
      first!.hash,
    ])
    await model.write([model.entry(1)], [], '{"four":4}')
    await model.trim(2)
    deepStrictEqual(await hashes(0, 1, 2, 3), [undefined, undefined, first!.hash, second!.hash])
    deepStrictEqual(await hashes(), [])
  })

  story('a trimmed history begins later, never after the checkpoint', async (model) => {
    const entries = await model.writeEach([2, 2, 2])
    await model.write([model.entry(2)], [], '{"eight":8}')
    const last = model.entry(1)
    await model.write([last])
    await model.trim(4)
    const stretch = await model.store.history(model.key, 0, 9, 1_000_000)
    deepStrictEqual(stretch?.floorHash, entries[1]!.hash)
    deepStrictEqual(
      stretch?.entries.map(({ from }) => from),
      [4, 6, 8],
    )
    await model.trim(0)
    deepStrictEqual((await model.load()).tail, [last])
    deepStrictEqual((await model.load()).checkpoint.document, { eight: 8 })
    const floor = { ...model.head, commandCount: 8, hash: (await model.load()).checkpoint.hash }
    deepStrictEqual((await model.store.news(model.key, floor, []))!.entries, [last])
    const pruned = { ...model.head, commandCount: 4, hash: entries[1]!.hash }
    equal((await model.store.news(model.key, pruned, []))!.entries, undefined)
  })

  story('nobody else writes while one writes exclusively', async (model) => {
    const add = async (clientId: string) => {
      const outcome = await model.store.exclusively(model.key, model.head, [], (news) =>
        extend(model.key, news!, clientId),
      )
      equal(outcome, 'committed')
    }
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map(add))
    const { tail, head } = await model.load()
    equal(head.commandCount, 5)
    deepStrictEqual(tail.map(({ clientId }) => clientId).sort(), ['a', 'b', 'c', 'd', 'e'])
  })

  story('who gives up an exclusive write has written nothing', async (model) => {
    const giveUp = await model.store.exclusively(model.key, model.head, [], () => undefined)
    equal(giveUp, 'conflict')
    const fail = model.store.exclusively(model.key, model.head, [], () => {
      throw new Error('cannot stage')
    })
    await fail.then(
      () => ok(false, 'the error has to come through'),
      (error: Error) => equal(error.message, 'cannot stage'),
    )
    await model.write([model.entry(1)])
    deepStrictEqual((await model.load()).head, model.head)
  })

  test('an exclusive write to no model is told so', async () => {
    const store = await createStore()
    let told: News | undefined | null = null
    await store.exclusively('contract:nowhere', NOWHERE, [], (news) => {
      told = news
      return undefined
    })
    equal(told, undefined)
  })

  inventoryContract(test, createStore)
  pastContract(test, createStore)
  cursorsContract(story)
  retentionContract(test, createStore)
}

/** What a writer may have read who is not to write any more. */
const OTHER_HEADS: { readonly [what: string]: (head: Head) => Partial<Head> } = {
  count: ({ commandCount }) => ({ commandCount: commandCount - 1 }),
  revision: ({ revision }) => ({ revision: revision - 1 }),
  hash: () => ({ hash: 'stranger' }),
}

const NOWHERE: Head = { commandCount: 0, revision: 0, hash: 'nowhere' }

async function committed(store: ModelStore, write: Write): Promise<string> {
  return (await store.commit([write]))[0]!
}
