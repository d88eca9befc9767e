import { deepStrictEqual, equal } from 'node:assert/strict'
import type { LogEntry } from '@flushout/core'
import type { DefineTest } from './define-test.ts'
import { StoredStory } from './store-story.ts'
import type { EntryRange, ModelStore } from './store.ts'

/** A range without bounds. */
export const ALL: EntryRange = {
  after: 0,
  before: Number.MAX_SAFE_INTEGER,
  side: 'latest',
  limit: 1000,
  maxBytes: 1_000_000,
}

/** What every store has to keep about the past of a model. */
export function pastContract(
  test: DefineTest,
  createStore: () => ModelStore | Promise<ModelStore>,
): void {
  const story = (title: string, tell: (model: StoredStory) => Promise<void>) =>
    test(title, async () => tell(await StoredStory.begin(await createStore())))

  story('entries are read from either side, page by page', async (model) => {
    const entries = await model.writeEach([2, 1, 3, 1])
    const read = (range: Partial<EntryRange>) =>
      model.store.entries(model.key, { ...ALL, ...range })
    deepStrictEqual(await read({}), entries)
    deepStrictEqual(await read({ side: 'oldest' }), entries)
    deepStrictEqual(await read({ limit: 2 }), entries.slice(2))
    deepStrictEqual(await read({ before: 3, limit: 1 }), [entries[1]!])
    deepStrictEqual(await read({ before: 2 }), [entries[0]!])
    deepStrictEqual(await read({ before: 0 }), [])
    deepStrictEqual(await read({ after: 3, side: 'oldest', limit: 1 }), [entries[2]!])
    deepStrictEqual(await read({ after: 7, side: 'oldest' }), [])
  })

  story('a count within an entry belongs to that entry', async (model) => {
    const entries = await model.writeEach([2, 3, 2])
    const read = (range: Partial<EntryRange>) =>
      model.store.entries(model.key, { ...ALL, ...range })
    deepStrictEqual(await read({ before: 4 }), entries.slice(0, 2))
    deepStrictEqual(await read({ before: 4, limit: 1 }), [entries[1]!])
    deepStrictEqual(await read({ after: 3, side: 'oldest' }), entries.slice(1))
    deepStrictEqual(await read({ after: 3, before: 4 }), [entries[1]!])
  })

  story('entries are cut where there is too much of them, but never to none', async (model) => {
    const entries = await model.writeEach([1, 1, 1, 1, 1, 1, 1, 1])
    const maxBytes = Math.ceil(JSON.stringify(entries).length / 3)
    const read = (range: Partial<EntryRange>) =>
      model.store.entries(model.key, { ...ALL, ...range })
    const isCut = ({ length }: readonly LogEntry[]) => length > 1 && length < 8
    const latest = await read({ maxBytes })
    equal(isCut(latest), true)
    deepStrictEqual(latest, entries.slice(-latest.length))
    const oldest = await read({ maxBytes, side: 'oldest' })
    equal(isCut(oldest), true)
    deepStrictEqual(oldest, entries.slice(0, oldest.length))
    deepStrictEqual(await read({ maxBytes: 1 }), entries.slice(7))
    deepStrictEqual(await read({ maxBytes: 1, side: 'oldest' }), entries.slice(0, 1))
  })

  story('the first document and the current checkpoint are there to begin at', async (model) => {
    await model.write([model.entry(2)], [], '{"two":2}')
    const { hash } = model.head
    await model.write([model.entry(1)])
    const checkpoint = (count: number) => model.store.checkpoint(model.key, count)
    deepStrictEqual(await checkpoint(0), model.genesis)
    deepStrictEqual(await checkpoint(1), model.genesis)
    deepStrictEqual(await checkpoint(2), { commandCount: 2, hash, document: { two: 2 } })
    deepStrictEqual(await checkpoint(3), { commandCount: 2, hash, document: { two: 2 } })
  })

  story('a checkpoint is kept where enough history lies before it', async (model) => {
    const { store, key } = model
    await model.write([model.entry(9)], [], '{"nine":9}')
    const nine = await store.checkpoint(key, 9)
    await store.keepCheckpoint(key, 1_000_000)
    await model.write([model.entry(1)], [], '{"ten":10}')
    equal((await store.checkpoint(key, 9))!.commandCount, 0)
    await store.keepCheckpoint(key, 0)
    // Too near to the one before.
    await model.write([model.entry(1)], [], JSON.stringify({ text: 'x'.repeat(1000) }))
    await store.keepCheckpoint(key, 0)
    await model.write([model.entry(1)], [], '{"twelve":12}')
    equal((await store.checkpoint(key, 9))!.commandCount, 0)
    deepStrictEqual((await store.checkpoint(key, 11))!.document, { ten: 10 })
    deepStrictEqual(nine!.document, { nine: 9 })
  })

  story('kept checkpoints go with their history', async (model) => {
    const { store, key } = model
    await model.write([model.entry(4)], [], '{"four":4}')
    await store.keepCheckpoint(key, 0)
    await model.write([model.entry(2)], [], '{"six":6}')
    await model.trim(2)
    equal(await store.checkpoint(key, 3), undefined)
    deepStrictEqual((await store.checkpoint(key, 5))!.document, { four: 4 })
    await model.trim(0)
    equal(await store.checkpoint(key, 5), undefined)
    deepStrictEqual((await store.checkpoint(key, 6))!.document, { six: 6 })
  })

  story('each checkpoint says of which schema version it is', async (model) => {
    const { store, key } = model
    const read = async (count: number) => (await store.checkpoint(key, count))!.schema
    const write = async (text: string, checkpointSchema?: number) => {
      const next = { ...model.next([model.entry(1)], [], text), checkpointSchema }
      deepStrictEqual(await store.commit([next]), ['committed'])
      model.head = next.head
      await store.keepCheckpoint(key, 0)
    }
    await write('{}')
    await write('{"two":2}', 2)
    equal((await model.load()).checkpoint.schema, 2)
    await model.write([model.entry(1)])
    equal((await model.load()).checkpoint.schema, 2)
    await write('{"three":3}', 3)
    deepStrictEqual(
      [await read(0), await read(1), await read(3), await read(4)],
      [undefined, undefined, 2, 3],
    )
    const snapshot = { commandCount: 0, hash: 'new', document: {}, schema: 4 }
    await store.create(`${key} new`, snapshot)
    deepStrictEqual(await store.checkpoint(`${key} new`, 0), snapshot)
    equal((await store.load(`${key} new`, []))!.checkpoint.schema, 4)
  })

  story('a model that is made again has no other past', async (model) => {
    const { store, key } = model
    await model.write([model.entry(4)], [], '{"four":4}')
    await store.keepCheckpoint(key, 0)
    await store.delete(key)
    const genesis = { commandCount: 0, hash: 'again', document: { again: 1 } }
    await store.create(key, genesis)
    deepStrictEqual(await store.checkpoint(key, 9), genesis)
    deepStrictEqual(await store.entries(key, ALL), [])
  })
}
