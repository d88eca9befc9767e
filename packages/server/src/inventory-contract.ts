import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import type { JsonObject } from '@flushout/core'
import type { DefineTest } from './define-test.ts'
import { client, extend, StoredStory } from './store-story.ts'
import type { Head, ModelStore } from './store.ts'

/** What every store has to keep of models as a whole: making, listing, taking away. */
export function inventoryContract(
  test: DefineTest,
  createStore: () => ModelStore | Promise<ModelStore>,
): void {
  const story = (title: string, tell: (model: StoredStory) => Promise<void>) =>
    test(title, async () => tell(await StoredStory.begin(await createStore())))

  test('of many who make a model at once one makes it', async () => {
    const store = await createStore()
    const key = `contract:${crypto.randomUUID()}`
    const made = await Promise.all(
      [0, 1, 2, 3, 4].map((hash) => {
        const snapshot = { commandCount: 0, hash: `${hash}`, document: {} }
        return store.create(key, snapshot, { hash: `${hash}` })
      }),
    )
    equal(made.filter(Boolean).length, 1)
    const stored = await store.load(key, [])
    equal(stored?.head.hash, `${made.indexOf(true)}`)
    deepStrictEqual(await configOf(store, key), { hash: `${made.indexOf(true)}` })
  })

  test('the heads of many models are one look-up', async () => {
    const store = await createStore()
    const models: StoredStory[] = []
    for (let count = 0; count < 30; count += 1) models.push(await StoredStory.begin(store))
    await models[3]!.write([models[3]!.entry(2)])
    await models[7]!.write([])
    const keys = models.map(({ key }) => key)
    const heads = await store.heads([...keys, 'contract:nowhere', keys[0]!, '__proto__'])
    deepStrictEqual(
      toEntries(heads),
      toEntries(new Map(models.map(({ key, head }) => [key, head]))),
    )
    equal((await store.heads([])).size, 0)
  })

  story('a list tells heads and configs', async (model) => {
    const { store, key } = model
    await model.write([model.entry(2)])
    const child = `${key}:child`
    await store.create(child, model.genesis, CONFIG)
    const { commandCount, hash } = model.genesis
    deepStrictEqual(await store.list({ prefix: key, after: '', limit: 10 }), [
      { key, head: model.head, config: undefined },
      { key: child, head: { commandCount, revision: 0, hash }, config: CONFIG },
    ])
  })

  for (const [what, names] of Object.entries(NAMES)) {
    test(`a list holds what begins with ${what}, in the order of characters`, async () => {
      const store = await createStore()
      const prefix = `contract:${crypto.randomUUID()}:`
      for (const name of names.toReversed()) {
        await store.create(prefix + name, { commandCount: 0, hash: 'h', document: {} })
      }
      for (const start of ['', ...names]) {
        const expected = names.filter((name) => name.startsWith(start))
        for (const limit of [1, 3, 100]) {
          deepStrictEqual(await listAll(store, prefix, start, limit), expected)
        }
      }
      // Neither before the prefix nor behind it.
      const all = { prefix: prefix + names[1]!, limit: 100 }
      const listed = names.filter((name) => name.startsWith(names[1]!))
      equal((await store.list({ ...all, after: 'a' })).length, listed.length)
      equal((await store.list({ ...all, after: '~' })).length, 0)
    })
  }

  story('a config is replaced whole, and moves nothing', async (model) => {
    const { store, key } = model
    await model.write([model.entry(1)], [client('c', 1)])
    const before = await model.load(['c'])
    equal(await store.configure(key, CONFIG), true)
    deepStrictEqual(JSON.stringify(await configOf(store, key)), JSON.stringify(CONFIG))
    equal(await store.configure(key, { other: 1 }), true)
    deepStrictEqual(await configOf(store, key), { other: 1 })
    equal(await store.configure(key, {}), true)
    deepStrictEqual(await configOf(store, key), {})
    deepStrictEqual(await model.load(['c']), before)
    await model.write([model.entry(1)], [], '{"two":2}')
    deepStrictEqual(await configOf(store, key), {})
  })

  test('what is not there can be neither configured nor deleted', async () => {
    const store = await createStore()
    equal(await store.configure('contract:nowhere', {}), false)
    equal(await store.delete('contract:nowhere'), false)
    equal((await store.list({ prefix: 'contract:nowhere', after: '', limit: 1 })).length, 0)
  })

  story('a deleted model is gone with all that was known of it', async (model) => {
    const { store, key } = model
    const other = await StoredStory.begin(store)
    await other.write([other.entry(1)], [client('c', 1)])
    const before = await other.load(['c'])
    await model.write([model.entry(2)], [client('c', 1)])
    const last = model.head
    equal(await store.delete(key), true)
    equal(await store.delete(key), false)
    equal(await store.load(key, ['c']), undefined)
    equal(await store.news(key, last, ['c']), undefined)
    equal(await store.history(key, 0, 2, 1000), undefined)
    deepStrictEqual(await store.hashes(key, [0, 2]), [undefined, undefined])
    equal((await store.heads([key])).size, 0)
    deepStrictEqual(await store.commit([model.next([model.entry(1)])]), ['conflict'])
    deepStrictEqual(await other.load(['c']), before)
    await begunAnew(model)
  })

  story('of a commit that meets a delete nothing stays', async (model) => {
    const { store, key } = model
    for (let turn = 0; turn < 10; turn += 1) {
      const write = model.next([model.entry(1)], [client('c', 1)])
      const [, isGone] = await Promise.all([store.commit([write]), store.delete(key)])
      ok(isGone)
      await begunAnew(model)
    }
  })

  story('a delete that waits for an exclusive write takes it away too', async (model) => {
    const { store, key } = model
    for (let turn = 0; turn < 10; turn += 1) {
      let deleted: Promise<boolean> | undefined
      await store.exclusively(key, model.head, ['c'], (news) => {
        deleted = store.delete(key)
        return news && extend(key, news, 'c')
      })
      ok(await deleted)
      await begunAnew(model)
    }
  })
}

const CONFIG: JsonObject = { title: 'Ünï "x" \u0000', b: 1, a: { '10': null, '9': [] } }

/** Each in the order of its characters, and none that SQL could take for a pattern. */
const NAMES: { readonly [what: string]: readonly string[] } = {
  'what means something to SQL': ['%', '%%', '%a', "'", '_', '_a', '__', '\\', '\\%', 'a%'].sort(),
  'what means something in keys': ['*', '*:a', '.', '.a', ':', ':a', 'a', 'a*', 'a:', 'a:b'].sort(),
  'letters of all sizes': ['A', 'AB', 'B', 'a', 'aB', 'ab', 'b'],
  // By halves of characters, the last three would come before \uffee.
  'other letters': ['z', 'ä', 'äa', 'é', '\u2028', '\ud7ff', '\uffee', '😀', '😀a', '\u{10ffff}'],
}

async function listAll(
  store: ModelStore,
  prefix: string,
  start: string,
  limit: number,
): Promise<string[]> {
  const keys: string[] = []
  for (;;) {
    const after = keys.at(-1) ?? ''
    const page = await store.list({ prefix: prefix + start, after, limit })
    ok(page.length <= limit, 'no more than was asked for')
    ok(!page.some(({ key }) => keys.includes(key)), 'nothing twice')
    keys.push(...page.map(({ key }) => key))
    if (page.length < limit) return keys.map((key) => key.slice(prefix.length))
  }
}

async function configOf(store: ModelStore, key: string): Promise<JsonObject | undefined> {
  const [first] = await store.list({ prefix: key, after: '', limit: 1 })
  equal(first?.key, key)
  return first?.config
}

/** Make a deleted model again: whatever was left of the old one would show. */
async function begunAnew(model: StoredStory): Promise<void> {
  const { store, key, genesis } = model
  equal(await store.load(key, []), undefined)
  equal(await store.create(key, genesis), true)
  model.head = { commandCount: 0, revision: 0, hash: genesis.hash }
  const stored = await model.load(['c'])
  deepStrictEqual(stored.tail, [])
  deepStrictEqual(stored.clients, [])
  deepStrictEqual(await store.hashes(key, [0, 1, 2]), [genesis.hash, '', ''])
  equal(await configOf(store, key), undefined)
}

function toEntries(heads: ReadonlyMap<string, Head>): [string, Head][] {
  return [...heads].toSorted(([a], [b]) => (a < b ? -1 : 1))
}
