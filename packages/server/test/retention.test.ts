import { createIdFactory, type LogEntry } from '@flushout/core'
import {
  allowAnyone,
  createService,
  defaultEnvironment,
  memoryStore,
  type Environment,
  type ModelStore,
  type ServiceOptions,
} from '@flushout/server'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ALL } from '../src/past-contract.ts'
import { codeOf, countCalls, KEY, Writer } from './support/world.ts'
import { useStores } from './support/stores.ts'

const DAY = 24 * 3_600_000
const START = 1_700_000_000_000

/** A clock that stands still, and timers of idle work that run when they are told to. */
class Calendar {
  now = START
  readonly environment: Environment = {
    ...defaultEnvironment,
    now: () => this.now,
    setTimer: (callback, delayMs, isIdle) => {
      if (!isIdle) return defaultEnvironment.setTimer(callback, delayMs)
      this.#due = callback
      return () => (this.#due = undefined)
    },
  }
  #due: (() => void) | undefined

  get isWaiting(): boolean {
    return this.#due !== undefined
  }

  /** Let the next page of the sweep be looked at, and wait until that is done. */
  async sweep(): Promise<void> {
    const due = this.#due!
    this.#due = undefined
    due()
    await expect.poll(() => this.isWaiting, { timeout: 5000 }).toBe(true)
  }

  createId(): string {
    return createIdFactory(this.environment)()
  }
}

const stores = useStores()

function open(store: ModelStore, calendar: Calendar, options: Partial<ServiceOptions> = {}) {
  return createService({
    store,
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*', initial: { todos: {} } }],
    environment: calendar.environment,
    ...options,
  })
}

const froms = (entries: readonly LogEntry[]) => entries.map(({ from }) => from)

for (const [name, openStore] of Object.entries(stores.both)) {
  describe(`with ${name}`, () => {
    test('each kind of models keeps as much history as it says', async () => {
      const store = await openStore('kinds')
      const calendar = new Calendar()
      const initial = { todos: {} }
      const service = open(store, calendar, {
        checkpoint: { bytes: 0 },
        history: { last: 3 },
        models: [
          { pattern: 'none:*', initial, history: 'none' },
          { pattern: 'young:*', initial, history: { forMs: 10 * DAY } },
          { pattern: 'all:*', initial, history: 'all' },
          { pattern: 'todos:*', initial },
        ],
      })
      const kept: Record<string, number[]> = {}
      for (const key of ['none:a', 'young:a', 'all:a', 'todos:a']) {
        const ada = new Writer(service, 'ada', { key })
        for (let day = 0; day < 20; day += 1) {
          calendar.now = START + day * DAY
          await ada.add(`n${day}`)
        }
        const left = async () => (kept[key] = froms(await store.entries(key, ALL)))
        // What a checkpoint lets go is let go of when there is time.
        const expected = { none: 0, young: 11, all: 20, todos: 3 }[key.split(':')[0]!]
        await expect.poll(async () => (await left()).length).toBe(expected)
      }
      expect(kept).toMatchObject({ 'young:a': { 0: 9 }, 'todos:a': [17, 18, 19] })
      const { document, commandCount } = await service.snapshot('none:a')
      expect([commandCount, Object.keys(document['todos']!).length]).toEqual([20, 20])
      await service.close()
    })

    test('the sweep reaches models that nobody uses, and what no checkpoint holds yet', async () => {
      const store = await openStore('idle')
      const calendar = new Calendar()
      const service = open(store, calendar, { history: { forMs: 30 * DAY } })
      const keys = Array.from({ length: 130 }, (_, index) => `todos:${index}`)
      for (const key of keys) await new Writer(service, 'ada', { key }).add('a')
      calendar.now += 29 * DAY
      await calendar.sweep()
      await calendar.sweep()
      expect(await store.entries('todos:0', ALL)).toHaveLength(1)
      calendar.now += 2 * DAY
      // In pages, and once more for what had to go into a checkpoint first.
      for (let page = 0; page < 4; page += 1) await calendar.sweep()
      for (const key of keys) expect([key, await store.entries(key, ALL)]).toEqual([key, []])
      const { document } = await service.snapshot('todos:77')
      expect(document).toEqual({ todos: { a: { text: 'a' } } })
      await service.close()
    })

    test('a client that is forgotten doubles nothing, on a server that remembers it neither', async () => {
      const store = await openStore('clients')
      const calendar = new Calendar()
      const [service, other] = [open(store, calendar), open(store, calendar)]
      const ada = new Writer(service, calendar.createId())
      const first = ada.next([{ action: 'update', props: { n: 1 } }])
      await ada.send(first)
      const bob = new Writer(other, calendar.createId())
      await bob.add('b')
      calendar.now += 89 * DAY
      await bob.add('c')
      await calendar.sweep()
      expect((await ada.send(first)).outcome).toBe('repeated')
      calendar.now += 2 * DAY
      await calendar.sweep()
      for (const server of [other, open(store, calendar)]) {
        const late = new Writer(server, ada.clientId)
        expect(await codeOf(late.send(first))).toBe('CLIENT_EXPIRED')
        expect(await codeOf(late.send({ ...first, hash: '' }))).toBe('CLIENT_EXPIRED')
        expect(await codeOf(late.send({ ...first, sequence: 2, hash: '' }))).toBe('CLIENT_EXPIRED')
        const young = new Writer(server, calendar.createId())
        expect((await young.add(`y${young.clientId}`)).outcome).toBe('applied')
      }
      // Who was heard of goes on, with an id as old.
      expect((await bob.add('d')).outcome).toBe('applied')
      expect((await service.snapshot(KEY)).commandCount).toBe(6)
      await Promise.all([service.close(), other.close()])
    })

    test('clients are known for ever where that is wanted', async () => {
      const store = await openStore('known')
      const calendar = new Calendar()
      const service = open(store, calendar, { clients: 'all' })
      const ada = new Writer(service, calendar.createId())
      const first = ada.next([{ action: 'update', props: { n: 1 } }])
      await ada.send(first)
      calendar.now += 1000 * DAY
      await calendar.sweep()
      expect((await ada.send(first)).outcome).toBe('repeated')
      await service.close()
    })

    test('who reads while history goes gets all of it, or is told that it is gone', async () => {
      const store = await openStore('readers')
      const service = open(store, new Calendar(), {
        checkpoint: { bytes: 0, keepBytes: 500 },
        limits: { historyBytes: 0 },
      })
      const ada = new Writer(service, 'ada')
      const positions: { from: number; hash: string }[] = []
      for (let turn = 0; turn < 150; turn += 1) {
        const { commandCount: from, hash } = await ada.add(`n${turn}`, { text: 'x'.repeat(100) })
        positions.push({ from, hash })
      }
      const { head } = (await store.load(KEY, []))!
      const seen = { whole: 0, gone: 0, isOver: false }
      const trim = async () => {
        for (let keep = 149; keep >= 0; keep -= 1) {
          await store.trim(KEY, { keep, before: undefined, limit: 1 })
          // A store in memory would be done before anybody has read once.
          await nextTurn()
        }
        seen.isOver = true
      }
      const read = async (place: number) => {
        for (let turn = place; !seen.isOver; turn = (turn + 37) % 150) {
          const { from, hash } = positions[turn]!
          const news = await store.news(KEY, { ...head, commandCount: from, hash }, [])
          const entries = news!.entries && froms(news!.entries)
          const expected = positions.slice(turn, -1).map((one) => one.from)
          if (entries) expect(entries).toEqual(expected)
          seen[entries ? 'whole' : 'gone'] += 1
          const { sync } = await service.pull(KEY, { from, hash })
          if (sync.kind === 'updates') expect(sync.updates[0]!.from).toBe(from)
          const version = await service.snapshotAt(KEY, from).catch((error) => error.code)
          if (typeof version === 'string') expect(version).toBe('VERSION_NOT_FOUND')
          else expect(Object.keys(version.document['todos'])).toHaveLength(from)
          const page = await service.history(KEY, { before: from + 20, limit: 20 })
          if (page.entries.length < Math.min(20, from + 20)) expect(page.isTrimmed).toBe(true)
        }
      }
      await Promise.all([trim(), ...[0, 40, 80, 120].map(read)])
      expect(seen.gone).toBeGreaterThan(0)
      await service.close()
    })
  })
}

test('servers that sweep at once take the same away as one', async () => {
  const store = await stores.openPostgres('several')
  const calendars = Array.from({ length: 4 }, () => new Calendar())
  const services = calendars.map((calendar) => open(store, calendar, { history: { last: 5 } }))
  const writers = calendars.map((calendar) => new Writer(services[0]!, calendar.createId()))
  for (let turn = 0; turn < 100; turn += 1) await writers[turn % 4]!.add(`n${turn}`)
  for (const calendar of calendars) calendar.now += 100 * DAY
  for (let turn = 0; turn < 3; turn += 1) {
    await Promise.all(calendars.map((calendar) => calendar.sweep()))
  }
  expect(froms(await store.entries(KEY, ALL))).toEqual([95, 96, 97, 98, 99])
  const ids = writers.map(({ clientId }) => clientId)
  const { clients, lastExpired } = (await store.load(KEY, ids))!
  expect([clients, lastExpired]).toEqual([[], ids.toSorted().at(-1)])
  expect((await services[3]!.snapshot(KEY)).commandCount).toBe(100)
  for (const service of services) service.drain()
  await Promise.all(services.map((service) => service.close()))
})

test('a sweep costs nothing where nothing is to go, and ends with its service', async () => {
  const { store, calls } = countCalls(memoryStore())
  const calendar = new Calendar()
  const service = open(store, calendar)
  await new Writer(service, 'ada').add('a')
  await calendar.sweep()
  expect(calls).toMatchObject({ list: 1, forgetClients: 1 })
  expect(calls).not.toHaveProperty('trim')
  await service.close()
  expect(calendar.isWaiting).toBe(false)
})

test.each([
  { history: 'some' },
  { history: { last: -1 } },
  { history: { last: 1.5 } },
  { history: { forMs: -1 } },
  { history: { last: 1, forMs: 1 } },
  { history: {} },
  { clients: 'none' },
  { clients: {} },
  { models: [{ pattern: 'a', history: 5 }] },
])('%j is refused', (options) => {
  expect(() => open(memoryStore(), new Calendar(), options as object)).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID' }),
  )
})
