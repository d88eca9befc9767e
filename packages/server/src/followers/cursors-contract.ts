import { deepStrictEqual, equal } from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { StoredStory } from '../store-story.ts'
import type { Cursor, Cursors } from './cursors.ts'

/** Tells a story of a model that was just made. */
type DefineStory = (title: string, tell: (model: StoredStory) => Promise<void>) => void

/** What every store has to keep about followers. */
export function cursorsContract(story: DefineStory): void {
  story('a cursor moves from where it is, and from nowhere else', async (model) => {
    const cursors = open(model)
    const [first, second] = [point(1, 'a'), point(2, 'b')]
    const moves: [Cursor | undefined, Cursor | undefined, boolean][] = [
      [first, second, false],
      [first, undefined, false],
      [undefined, first, true],
      [undefined, second, false],
      [point(1, 'x'), second, false],
      [point(2, 'a'), second, false],
      [first, second, true],
      [first, point(3, 'c'), false],
      [first, undefined, false],
      [second, undefined, true],
      [undefined, second, true],
    ]
    for (const [from, to, isMoved] of moves) {
      const before = (await cursors.read(model.key)).cursor
      equal(await cursors.move(model.key, from, to), isMoved)
      deepStrictEqual((await cursors.read(model.key)).cursor, isMoved ? to : before)
    }
    equal((await model.store.cursors(follower()).read(model.key)).cursor, undefined)
  })

  story('of many who move a cursor at once one does', async (model) => {
    const cursors = open(model)
    const race = async (from: Cursor | undefined, count: number) => {
      const moved = await Promise.all(
        ['a', 'b', 'c', 'd', 'e'].map((hash) => cursors.move(model.key, from, point(count, hash))),
      )
      equal(moved.filter(Boolean).length, 1)
      return (await cursors.read(model.key)).cursor
    }
    await race(await race(undefined, 1), 2)
  })

  story('a model is behind until its cursor is at its end', async (model) => {
    const cursors = open(model)
    const { key } = model
    const look = async () => cursors.behind({ pattern: key, after: '', limit: 9 })
    const head = ({ commandCount, hash } = model.head) => ({ commandCount, hash })
    deepStrictEqual(await look(), [{ key, head: head(), cursor: undefined }])
    await cursors.move(key, undefined, head())
    deepStrictEqual(await look(), [])
    deepStrictEqual(await cursors.read(key), { key, head: head(), cursor: head() })
    const old = head()
    await model.write([model.entry(2)])
    deepStrictEqual(await look(), [{ key, head: head(), cursor: old }])
    await cursors.move(key, old, point(2, 'stranger'))
    equal((await look()).length, 1)
    await cursors.move(key, point(2, 'stranger'), head())
    deepStrictEqual(await look(), [])
    await model.store.delete(key)
    deepStrictEqual(await look(), [{ key, head: undefined, cursor: head() }])
    deepStrictEqual(await cursors.read(key), { key, head: undefined, cursor: head() })
    await cursors.move(key, head(), undefined)
    deepStrictEqual(await look(), [])
    deepStrictEqual(await cursors.read(key), { key, head: undefined, cursor: undefined })
  })

  story('models that are behind are found by pattern, page by page', async (model) => {
    const cursors = open(model)
    const place = model.key.replaceAll('-', '_')
    const names = [
      'a.b:x',
      'a:x',
      'b:x',
      'c:y',
      'd:x:x',
      'e:x.y',
      'e:xzy',
      '',
      ':x',
      '*:x',
      'é\n:x',
      '😀:x',
      '\uffee:x',
    ]
    const keys = names.map((name) => `${place}:${name}`)
    for (const key of keys) await model.store.create(key, model.genesis)
    // One that is gone is found among the others.
    await cursors.move(`${place}:bb:x`, undefined, point(7, 'gone'))
    const find = async (pattern: string, limit: number) => {
      const found: string[] = []
      for (let after = ''; ;) {
        const page = await cursors.behind({ pattern: `${place}:${pattern}`, after, limit })
        found.push(...page.map(({ key }) => key.slice(place.length + 1)))
        if (page.length < limit) return found
        after = page.at(-1)!.key
      }
    }
    const fitting = ['*:x', 'a.b:x', 'a:x', 'b:x', 'bb:x', 'é\n:x', '\uffee:x', '😀:x']
    for (const limit of [1, 2, 3, 100]) deepStrictEqual(await find('*:x', limit), fitting)
    deepStrictEqual(await find('a.b:x', 9), ['a.b:x'])
    deepStrictEqual(await find('a.*:x', 9), [])
    deepStrictEqual(await find('*:x.y', 9), ['e:x.y'])
    const others = ['c:y', 'e:x.y', 'e:xzy']
    deepStrictEqual(await find('*:*', 2), [...fitting.slice(0, 5), ...others, ...fitting.slice(5)])
  })

  story('one process at a time follows under a name', async ({ store }) => {
    const name = follower()
    const [ada, bob] = [store.cursors(name), store.cursors(name)]
    const claims = await Promise.all(
      [1, 2, 3, 4].map((number) => ada.claim(`process ${number}`, 60_000)),
    )
    equal(claims.filter(Boolean).length, 1)
    const holder = `process ${claims.indexOf(true) + 1}`
    equal(await bob.claim('bob', 60_000), false)
    equal(await ada.claim(holder, 60_000), true)
    equal(await store.cursors(follower()).claim('bob', 60_000), true)
    await ada.claim(holder, 0)
    equal(await bob.claim('bob', 20), true)
    await pause(40)
    equal(await ada.claim(holder, 60_000), true)
    equal(await bob.claim('bob', 60_000), false)
  })
}

function open({ store }: StoredStory): Cursors {
  return store.cursors(follower())
}

function follower(): string {
  return `"name" of ${crypto.randomUUID()}`
}

function point(commandCount: number, hash: string): Cursor {
  return { commandCount, hash }
}
