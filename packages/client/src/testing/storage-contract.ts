import type { JsonValue } from '@flushout/core'
import type { ClientStorage, StorageChange, StorageKey } from '../storage/client-storage.ts'
import { memoryStorage } from '../storage/memory-storage.ts'
import { AWKWARD_KEYS, equal, EXACT } from './contract-story.ts'

/** A storage that is empty, and how to open what it has stored once more. */
export interface StorageUnderTest {
  readonly storage: ClientStorage
  /** Open the same after `storage` was closed. Left out where nothing outlives a storage. */
  readonly reopen?: () => ClientStorage | Promise<ClientStorage>
  /** Called after each test. */
  readonly close?: () => void | Promise<void>
}

/**
 * Define the tests that every storage has to pass. `test` is that of any runner;
 * `createStorage` makes an empty storage for each of them.
 */
export function storageContract(
  test: (title: string, run: () => Promise<void>) => unknown,
  createStorage: () => StorageUnderTest | Promise<StorageUnderTest>,
): void {
  const story = (title: string, tell: (storage: ClientStorage) => Promise<void>) =>
    storyOf(title, ({ storage }) => tell(storage))
  const storyOf = (title: string, tell: (under: StorageUnderTest) => Promise<void>) =>
    test(title, async () => {
      const under = await createStorage()
      try {
        await tell(under)
      } finally {
        await under.storage.close()
        await under.close?.()
      }
    })

  story('a new storage is empty', async (storage) => {
    equal(await storage.read([]), [], 'all rows')
    equal(await storage.read(['a', 1]), [], 'the rows of a prefix')
  })

  story('what was written is read as it was', async (storage) => {
    const values: JsonValue[] = [EXACT, '', 0, false, null, [], {}, [[1], { a: null }]]
    await storage.write(values.map((value, index) => ({ put: ['value', index], value })))
    const rows = await storage.read(['value'])
    equal(JSON.stringify(rows.map(({ value }) => value)), JSON.stringify(values), 'the values')
  })

  story('keys keep apart and keep every character', async (storage) => {
    const parts = [...AWKWARD_KEYS, '', '\u0000', '\ud800', '1', 1, -1, 1.5, 2 ** 53, 1e-7]
    await storage.write(parts.map((part) => ({ put: ['key', part], value: part })))
    equal((await storage.read(['key'])).length, parts.length, 'how many rows')
    for (const part of parts) {
      equal(
        await storage.read(['key', part]),
        [{ key: ['key', part], value: part }],
        `the row of ${JSON.stringify(part)}`,
      )
    }
  })

  story('rows come in the order of their keys', async (storage) => {
    const keys: StorageKey[] = [
      [],
      [-10],
      [2],
      [2, 'a'],
      [10],
      ['', 1],
      ['1'],
      ['10'],
      ['2'],
      ['A'],
      ['a'],
      ['a', 2],
      ['a', 2, 0],
      ['a', 10],
      ['a', 'a'],
      ['a', 'a', 'a'],
      ['aa'],
      ['b'],
      ['\ud83d\ude00'],
      ['\uffff'],
    ]
    for (const key of keys.toReversed()) await storage.write([{ put: key, value: 1 }])
    equal(await keysOf(storage, []), keys, 'all keys')
  })

  story('a prefix is whole parts, and finds its own row too', async (storage) => {
    const keys: StorageKey[] = [['a'], ['a', 1], ['a', 10], ['a', 'b', 'c'], ['aa'], ['b', 'a']]
    await storage.write(keys.map((key) => ({ put: key, value: 1 })))
    equal(await keysOf(storage, ['a']), keys.slice(0, 4), 'what begins with a')
    equal(await keysOf(storage, ['a', 1]), [['a', 1]], 'what begins with a, 1')
    equal(await keysOf(storage, ['a', 'b']), [['a', 'b', 'c']], 'what begins with a, b')
    equal(await keysOf(storage, ['a', 2]), [], 'what begins with a, 2')
  })

  story('a row is replaced, and deleted', async (storage) => {
    await storage.write([{ put: ['a'], value: 1 }])
    await storage.write([{ put: ['a'], value: 2 }])
    equal(await storage.read([]), [{ key: ['a'], value: 2 }], 'after it was replaced')
    await storage.write([{ delete: ['a'] }, { delete: ['never was'] }])
    equal(await storage.read([]), [], 'after it was deleted')
  })

  story('changes of one write take effect in their order', async (storage) => {
    await storage.write([
      { put: ['a', 1], value: 'before' },
      { put: ['a', 2], value: 'before' },
      { put: ['aa'], value: 'other' },
      { deleteAll: ['a'] },
      { put: ['a', 2], value: 'after' },
      { put: ['a', 3], value: 'after' },
      { delete: ['a', 3] },
    ])
    const expected = [
      { key: ['a', 2], value: 'after' },
      { key: ['aa'], value: 'other' },
    ]
    equal(await storage.read([]), expected, 'the rows')
    await storage.write([{ deleteAll: [] }])
    equal(await storage.read([]), [], 'after all was deleted')
  })

  story('writes take effect in the order of their calls', async (storage) => {
    const writes: Promise<void>[] = []
    for (let n = 0; n < 50; n += 1) writes.push(storage.write([{ put: ['n'], value: n }]))
    equal(await storage.read(['n']), [{ key: ['n'], value: 49 }], 'a read without waiting')
    await Promise.all(writes)
    equal(await storage.read(['n']), [{ key: ['n'], value: 49 }], 'a read afterwards')
  })

  story('what was given and what was read may be changed', async (storage) => {
    const value = { list: [1] }
    const key = ['a']
    const written = storage.write([{ put: key, value }])
    value.list.push(2)
    key.push('b')
    await written
    const [row] = await storage.read([])
    const read = row?.value as typeof value
    read.list.push(3)
    equal(await storage.read([]), [{ key: ['a'], value: { list: [1] } }], 'the row')
  })

  story('a write with a key that is none changes nothing, and others are done', async (storage) => {
    const bad: StorageChange[] = [
      { put: ['good'], value: 1 },
      { put: [Number.NaN], value: 1 },
    ]
    const before = storage.write([{ put: ['before'], value: 1 }])
    const refused = storage.write(bad).then(
      () => 'nothing',
      (error: { code?: string }) => error.code,
    )
    const after = storage.write([{ put: ['after'], value: 1 }])
    equal(await refused, 'OPTIONS_INVALID', 'what was thrown')
    await Promise.all([before, after])
    equal(await keysOf(storage, []), [['after'], ['before']], 'the keys')
  })

  story('after any script it holds what a map would hold', async (storage) => {
    const model = memoryStorage()
    const random = createDice(7)
    const key = () => Array.from({ length: random(4) }, () => ['a', 'b', 0, 1][random(4)]!)
    for (let n = 0; n < 60; n += 1) {
      const changes = Array.from({ length: random(5) }, (): StorageChange => {
        const kind = random(6)
        if (kind === 0) return { deleteAll: key() }
        return kind < 3 ? { delete: key() } : { put: key(), value: n }
      })
      const written = storage.write(changes)
      await model.write(changes)
      if (random(3) === 0) await written
      const prefix = key()
      equal(
        await storage.read(prefix),
        await model.read(prefix),
        `what begins with ${JSON.stringify(prefix)}`,
      )
    }
    equal(await storage.read([]), await model.read([]), 'all rows')
  })

  story('a closed storage says so', async (storage) => {
    await storage.close()
    for (const run of [() => storage.read([]), () => storage.write([{ put: ['a'], value: 1 }])]) {
      const code = await run().then(
        () => 'nothing',
        (error: { code?: string }) => error.code,
      )
      equal(code, 'CLIENT_CLOSED', 'what was thrown')
    }
    await storage.close()
  })

  storyOf('what was written is there when it is opened again', async ({ storage, reopen }) => {
    await storage.write([
      { put: ['kept'], value: EXACT },
      { put: ['deleted'], value: 1 },
    ])
    await storage.write([{ delete: ['deleted'] }])
    // Where nothing outlives a storage, it has to say so.
    equal(storage.isDurable, reopen !== undefined, 'whether it is durable')
    if (!reopen) return
    // Close waits for it.
    void storage.write([{ put: ['last'], value: 1 }])
    await storage.close()
    const again = await reopen()
    const rows = [
      { key: ['kept'], value: EXACT },
      { key: ['last'], value: 1 },
    ]
    const found = await again.read([])
    await again.close()
    equal(JSON.stringify(found), JSON.stringify(rows), 'the rows')
  })
}

async function keysOf(storage: ClientStorage, prefix: StorageKey): Promise<StorageKey[]> {
  return (await storage.read(prefix)).map(({ key }) => key)
}

/** Numbers below what is asked for, the same in each run. */
function createDice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 16) % below
  }
}
