import type { Command } from '@flushout/core'
import {
  createService,
  allowAnyone,
  defaultEnvironment,
  followModels,
  memoryStore,
  postgresStore,
  type Cursors,
  type Environment,
  type FlushoutService,
  type FollowModelsOptions,
  type ModelStore,
} from '@flushout/server'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { createDatabase, type Database } from '../../../test/support/postgres.ts'
import { until } from '../../../test/support/until.ts'
import { Told } from './support/told.ts'
import { add, wrapStore, Writer } from './support/world.ts'

const opened: { database?: Database } = {}
beforeAll(async () => {
  opened.database = await createDatabase(inject('postgresUrl'))
})
afterAll(() => opened.database?.drop())

let schemas = 0
async function openPostgres(): Promise<ModelStore> {
  schemas += 1
  const options = { connectionString: opened.database!.url, schema: `s${schemas}` }
  const store = postgresStore({ ...options, maxConnections: 4 })
  await store.migrate()
  onTestFinished(() => store.close())
  return store
}

/** Pauses are short. */
const hasty: Environment = {
  ...defaultEnvironment,
  setTimer: (callback, delayMs) => defaultEnvironment.setTimer(callback, Math.min(delayMs, 5)),
}

function serve(store: ModelStore): FlushoutService {
  return createService({
    // Closed by whoever opened it.
    store: wrapStore(store, { close: async () => {} }),
    authorize: allowAnyone,
    models: [
      { pattern: 'todos:*', initial: { todos: {} } },
      { pattern: 'notes:*', initial: {} },
    ],
    checkpoint: { flushes: 4, keepBytes: 300 },
  })
}

function follow(store: ModelStore, options: Partial<FollowModelsOptions> = {}) {
  const told = new Told()
  const follower = followModels({
    store,
    name: 'index',
    patterns: ['todos:*'],
    onChange: told.hear,
    environment: hasty,
    ...options,
  })
  onTestFinished(() => follower.close())
  return Object.assign(told, { follower })
}

const KEY = 'todos:a'

for (const [name, open] of Object.entries({
  memoryStore: async () => memoryStore(),
  postgresStore: openPostgres,
})) {
  describe(`with ${name}`, () => {
    test('a model is told from its first document on, in order, to its end', async () => {
      const store = await open()
      const service = serve(store)
      const [ada, bob] = [writer(service, 'ada'), writer(service, 'bob', 'todos:b')]
      await writer(service, 'eve', 'notes:a').flush({ action: 'update', props: { x: 1 } })
      for (let turn = 0; turn < 10; turn += 1) await ada.add(`a${turn}`)
      const told = follow(store)
      await told.follower.caughtUp()
      expect(told.of(KEY)).toEqual(['snapshot 0', 'entries 0-10'])
      await bob.flush(add('b'), add('c'))
      await ada.flush({ action: 'delete', path: ['todos', 'a3'] })
      await told.follower.caughtUp()
      expect(told.of(KEY).slice(2)).toEqual(['entries 10-11'])
      expect(told.of('notes:a')).toEqual([])
      await expectEqual(told, service, [KEY, 'todos:b'])
    })

    test('who comes back goes on where they were', async () => {
      const store = await open()
      const service = serve(store)
      const ada = writer(service, 'ada')
      await ada.add('a')
      const first = follow(store)
      await first.follower.caughtUp()
      await first.follower.close()
      await ada.add('b')
      await ada.add('c')
      const second = follow(store, { begin: 'latest' })
      await second.follower.caughtUp()
      expect(second.of(KEY)).toEqual(['entries 1-3'])
      const other = follow(store, { name: 'other', begin: 'latest' })
      await other.follower.caughtUp()
      expect(other.of(KEY)).toEqual(['snapshot 3'])
      await ada.add('d')
      await other.follower.caughtUp()
      expect(other.of(KEY).slice(1)).toEqual(['entries 3-4'])
      await expectEqual(other, service, [KEY])
    })

    test('where the history does not lead on there is a document to begin with', async () => {
      const store = await open()
      const service = serve(store)
      const ada = writer(service, 'ada')
      await ada.add('a')
      const before = follow(store)
      await before.follower.caughtUp()
      await before.follower.close()
      for (let turn = 0; turn < 30; turn += 1) await ada.add(`n${turn}`)
      await store.trim(KEY, { keep: 3, before: undefined, limit: 1000 })
      const after = follow(store)
      await after.follower.caughtUp()
      expect(after.of(KEY)).toHaveLength(2)
      expect(after.of(KEY)[0]).toMatch(/^snapshot (2[4-9]|3\d)$/)
      await expectEqual(after, service, [KEY])
    })

    test('a model that is gone is told so, and one that was made again is begun anew', async () => {
      const store = await open()
      const service = serve(store)
      for (const key of [KEY, 'todos:b']) await writer(service, 'ada', key).add('x')
      const told = follow(store)
      await told.follower.caughtUp()
      await service.models.delete(KEY)
      await told.follower.caughtUp()
      expect(told.of(KEY).at(-1)).toBe('deleted')
      await told.follower.close()
      const again = new Writer(service, 'bob', { key: 'todos:b' })
      await service.models.delete('todos:b')
      await again.add('y')
      await again.add('z')
      await writer(service, 'bob').add('z')
      const later = follow(store)
      await later.follower.caughtUp()
      // Though the flushes of the one end where those of the other did.
      expect(later.of('todos:b')).toEqual(['snapshot 0', 'entries 0-2'])
      expect(later.of(KEY)).toEqual(['snapshot 0', 'entries 0-1'])
      expect(later.document(KEY)).toEqual({ todos: { z: { text: 'z' } } })
    })

    test('what fails is told again, longer and longer after, and holds up no other', async () => {
      const store = await open()
      const service = serve(store)
      const keys = ['todos:a', 'todos:b', 'todos:c']
      for (const key of keys) await writer(service, 'ada', key).add('x')
      const pauses: number[] = []
      const errors: object[] = []
      const tries: string[] = []
      const told = new Told()
      const { follower } = follow(store, {
        atOnce: 1,
        environment: {
          ...hasty,
          setTimer: (callback, delayMs) => {
            pauses.push(delayMs)
            return hasty.setTimer(callback, delayMs)
          },
          random: () => 1,
        },
        pollMs: 1_000_000,
        leaseMs: 30_000_000,
        log: { error: (details) => void errors.push(details), info() {}, debug() {} },
        onChange: (change) => {
          if (change.key === 'todos:a' && tries.push(change.kind) <= 10) throw new Error('no')
          told.hear(change)
        },
      })
      await follower.caughtUp()
      await expectEqual(told, service, keys)
      expect(told.changes.slice(0, 4).map(({ key }) => key)).not.toContain('todos:a')
      expect(tries.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'snapshot'))
      expect(pauses.filter((delayMs) => delayMs > 0 && delayMs < 1_000_000)).toEqual([
        300, 600, 1200, 2400, 4800, 9600, 19_200, 30_000, 30_000, 30_000,
      ])
      expect(errors).toHaveLength(10)
      expect(errors[0]).toMatchObject({ follower: 'index', model: 'todos:a' })
    })

    test('one process is told, and another takes over when it is gone', async () => {
      const store = await open()
      const service = serve(store)
      const ada = writer(service, 'ada')
      await ada.add('a')
      const first = follow(store)
      await first.follower.caughtUp()
      const second = follow(store, { leaseMs: 30 })
      await ada.add('b')
      await Promise.all([first.follower.caughtUp(), second.follower.caughtUp()])
      expect(second.changes).toEqual([])
      expect(first.of(KEY)).toEqual(['snapshot 0', 'entries 0-1', 'entries 1-2'])
      await first.follower.close()
      await ada.add('c')
      await second.follower.caughtUp()
      expect(second.of(KEY)).toEqual(['entries 2-3'])
    })

    test('who was taken for dead moves nothing back when they go on', async () => {
      const store = await open()
      const service = serve(store)
      const ada = writer(service, 'ada')
      await ada.add('a')
      let isCutOff = false
      let goOn = () => {}
      let isHeldUp = false
      const first = follow(
        cutOff(store, () => isCutOff),
        {
          leaseMs: 50,
          onChange: async (change) => {
            first.hear(change)
            if (change.kind !== 'entries') return
            isHeldUp = true
            await new Promise<void>((resolve) => (goOn = resolve))
          },
        },
      )
      await until('it is held up', () => isHeldUp)
      isCutOff = true
      const second = follow(store, { leaseMs: 50 })
      await second.follower.caughtUp()
      await ada.add('b')
      await second.follower.caughtUp()
      expect(second.of(KEY)).toEqual(['entries 0-1', 'entries 1-2'])
      goOn()
      await first.follower.close()
      expect(first.of(KEY)).toEqual(['snapshot 0', 'entries 0-1'])
      const { cursor, head } = await store.cursors('index').read(KEY)
      expect(cursor).toEqual(head)
    })

    test('a hint is enough, and so is a look without hints', async () => {
      const store = await open()
      const service = serve(store)
      const heard = follow(store, { name: 'hears', environment: defaultEnvironment, pollMs: 1e8 })
      await heard.follower.caughtUp()
      const deaf = wrapStore(store, {
        hints: () => ({ publish: () => {}, listen: () => () => {} }),
      })
      const looked = follow(deaf, { name: 'looks' })
      const ada = writer(service, 'ada')
      // Its own connection may begin to listen only now.
      for (let turn = 0; heard.of(KEY).length < 3; turn += 1) {
        await ada.add(`n${turn}`)
        await until('it is there', () => heard.of(KEY).length > 1, 200).catch(() => {})
      }
      await until('all is told', async () => {
        const { document } = await service.snapshot(KEY)
        return [heard, looked].every(
          (told) => JSON.stringify(told.document(KEY)) === JSON.stringify(document),
        )
      })
      await service.models.delete(KEY)
      await until('both know', () =>
        [heard, looked].every((told) => told.of(KEY).includes('deleted')),
      )
    })
  })
}

test('of more models than it has room for every one is told, though many fail', async () => {
  const store = memoryStore()
  const keys = Array.from({ length: 2500 }, (_, index) => `todos:${index}`)
  for (const key of keys) {
    await store.create(key, { commandCount: 0, hash: key, document: { todos: {} } })
  }
  const failing = new Set(keys.slice(0, 1500))
  const told = new Told()
  let areBroken = true
  const { follower } = follow(store, {
    onChange: (change) => {
      if (areBroken && failing.has(change.key)) throw new Error('no')
      told.hear(change)
    },
  })
  await until('the others are told', () => told.changes.length >= 1000)
  areBroken = false
  await follower.caughtUp()
  expect(new Set(told.changes.map(({ key }) => key))).toEqual(new Set(keys))
})

test('who waits for more models than there is room for waits for all of them', async () => {
  const store = memoryStore()
  for (let index = 0; index < 2500; index += 1) {
    const snapshot = { commandCount: 0, hash: `${index}`, document: { todos: {} } }
    await store.create(`todos:${index}`, snapshot)
  }
  const { follower, changes } = follow(store, { environment: defaultEnvironment, pollMs: 1e8 })
  await follower.caughtUp()
  expect(changes).toHaveLength(2500)

  // The same where they fail, and there is no room for all that did.
  const failed = new Set<string>()
  const told = new Told()
  const other = follow(store, {
    name: 'other',
    onChange: (change) => {
      if (failed.size < 1500 && !failed.has(change.key)) {
        failed.add(change.key)
        throw new Error('no')
      }
      told.hear(change)
    },
    environment: {
      ...hasty,
      // Once more long before the next look.
      setTimer: (callback, delayMs) =>
        defaultEnvironment.setTimer(callback, delayMs === 1000 ? 1000 : Math.min(delayMs, 100)),
    },
    pollMs: 1000,
  })
  await other.follower.caughtUp()
  expect(told.changes).toHaveLength(2500)
})

test('what happens while something is told is told after it', async () => {
  const store = memoryStore()
  const ada = writer(serve(store), 'ada')
  await ada.add('a')
  let goOn: (() => void) | undefined
  const told = follow(store, {
    pollMs: 1e8,
    environment: defaultEnvironment,
    onChange: async (change) => {
      told.hear(change)
      await new Promise<void>((resolve) => (goOn = resolve))
    },
  })
  for (const [index, next] of ['snapshot 0', 'entries 0-1', 'entries 1-2'].entries()) {
    await until('it is told', () => told.of(KEY).length > index && goOn)
    expect(told.of(KEY).at(-1)).toBe(next)
    // While the last of what was there is told.
    if (index === 1) {
      await ada.add('b')
      await new Promise((resolve) => setImmediate(resolve))
    }
    const resume = goOn!
    goOn = undefined
    resume()
  }
  await told.follower.close()
})

test('a follower is closed when what it was telling is handled', async () => {
  const store = memoryStore()
  await writer(serve(store), 'ada').add('a')
  let goOn: (() => void) | undefined
  const told = follow(store, {
    onChange: async (change) => {
      told.hear(change)
      await new Promise<void>((resolve) => (goOn = resolve))
    },
  })
  await until('it is told', () => goOn)
  let isClosed = false
  const closing = told.follower.close().then(() => void (isClosed = true))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(isClosed).toBe(false)
  goOn!()
  await closing
  expect((await store.cursors('index').read(KEY)).cursor?.commandCount).toBe(0)
  expect(told.of(KEY)).toEqual(['snapshot 0'])
})

test('a long history comes in pieces', async () => {
  const store = memoryStore()
  const ada = writer(serve(store), 'ada')
  for (let turn = 0; turn < 1200; turn += 1) await ada.add(`n${turn}`, { text: 'x'.repeat(300) })
  const told = follow(store)
  await told.follower.caughtUp()
  const sizes = told.changes.map((change) => JSON.stringify(change).length)
  expect(sizes.length).toBeGreaterThan(3)
  expect(Math.max(...sizes)).toBeLessThan(400_000)
  expect(Object.keys(told.document(KEY)!['todos'] as object)).toHaveLength(1200)
})

test('a history that contradicts itself is no news', async () => {
  const store = memoryStore()
  const ada = writer(serve(store), 'ada')
  await ada.add('a')
  await ada.add('b')
  const errors: string[] = []
  // The hashes are of another history than the entries.
  const broken = wrapStore(store, { hashes: async () => ['other', 'other'] })
  const told = follow(broken, {
    log: {
      error: (details) => void errors.push((details as { err: Error }).err.message),
      info() {},
      debug() {},
    },
  })
  await until('it was tried', () => errors.length > 2)
  expect(errors[0]).toBe('The history of "todos:a" does not lead on from 0.')
  expect(told.of(KEY)).toEqual(['snapshot 0'])
})

test('following runs no rules', async () => {
  let runs = 0
  const store = memoryStore()
  const rule = (_document: unknown, command: Command) => {
    runs += 1
    return command.action === 'create' ? { props: { ...command.props, runs } } : undefined
  }
  const service = createService({
    store,
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*', initial: { todos: {} }, interceptors: [rule] }],
  })
  const ada = writer(service, 'ada')
  for (const id of ['a', 'b', 'c']) await ada.add(id)
  expect(runs).toBe(3)
  for (const begin of ['oldest', 'latest'] as const) {
    const told = follow(store, { name: begin, begin })
    await told.follower.caughtUp()
    await expectEqual(told, service, [KEY])
  }
  expect(runs).toBe(3)
})

test('a store that cannot be reached is waited for', async () => {
  const store = memoryStore()
  await writer(serve(store), 'ada').add('a')
  let failures = 0
  const fail = async (): Promise<never> => {
    failures += 1
    throw new Error('The store is down.')
  }
  const failing = wrapStore(store, {
    migrate: () => (failures < 3 ? fail() : store.migrate()),
    cursors: (name) => {
      const cursors = store.cursors(name)
      return {
        claim: (...args) => (failures < 6 ? fail() : cursors.claim(...args)),
        behind: (...args) => (failures < 9 ? fail() : cursors.behind(...args)),
        read: (...args) => (failures < 12 ? fail() : cursors.read(...args)),
        move: (...args) => (failures < 15 ? fail() : cursors.move(...args)),
      }
    },
  })
  const told = follow(failing)
  await told.follower.caughtUp()
  expect(failures).toBe(15)
  // What could not be noted was told again.
  expect(new Set(told.of(KEY))).toEqual(new Set(['snapshot 0', 'entries 0-1']))
  expect(told.of(KEY).length).toBe(5)
})

test('who waits for a follower that is closed is told so', async () => {
  const { follower } = follow(memoryStore(), {
    onChange: () => {
      throw new Error('no')
    },
  })
  const waiting = follower.caughtUp()
  await follower.close()
  await follower.close()
  await expect(waiting).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
})

test('options that make no sense are refused', () => {
  const store = memoryStore()
  const options = { store, name: 'index', patterns: ['todos:*'], onChange() {} }
  for (const wrong of [
    { store: undefined },
    { name: '' },
    { patterns: [] },
    { patterns: 'todos:*' },
    { patterns: ['todos::*'] },
    { onChange: undefined },
    { begin: 'middle' },
  ]) {
    const all = { ...options, ...wrong } as FollowModelsOptions
    expect(() => followModels(all), JSON.stringify(wrong)).toThrow(/./)
  }
})

function writer(service: FlushoutService, clientId: string, key = KEY): Writer {
  return new Writer(service, clientId, { key })
}

async function expectEqual(told: Told, service: FlushoutService, keys: string[]): Promise<void> {
  for (const key of keys) {
    const { document } = await service.snapshot(key)
    expect(JSON.stringify(told.document(key)), key).toBe(JSON.stringify(document))
  }
}

/** A store whose claims fail while somebody is cut off. */
function cutOff(store: ModelStore, isCutOff: () => boolean): ModelStore {
  return wrapStore(store, {
    cursors: (name): Cursors => {
      const cursors = store.cursors(name)
      const claim: Cursors['claim'] = async (...args) => {
        if (isCutOff()) throw new Error('cut off')
        return cursors.claim(...args)
      }
      return { ...cursors, claim }
    },
  })
}
