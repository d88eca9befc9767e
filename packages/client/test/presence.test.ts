import { createTestEnvironment } from '@flushout/client/testing'
import { FlushoutError, type LiveEvent, type Peer, type PresenceRequest } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { PresenceBoard } from '../src/presence-board.ts'
import { Places } from '../src/presence-places.ts'

const KEY = 'todos:groceries'

/** A page, what it announces, and what the server says. */
function open() {
  const environment = createTestEnvironment()
  const announced: PresenceRequest[] = []
  const kept = { count: 0 }
  let changes = 0
  const places: Places = new Places({
    environment,
    onUse() {
      page.board.used()
      changes += 1
    },
    onState: () => page.board.stated(),
  })
  const page = {
    environment,
    announced,
    kept,
    /** What announcing fails with. */
    failure: undefined as FlushoutError | undefined,
    isLoaded: true,
    board: new PresenceBoard({
      environment,
      places: places.used,
      isLoaded: (): boolean => page.isLoaded,
      announce: async (presence) => {
        announced.push(presence)
        if (page.failure) throw page.failure
      },
    }),
    closePlaces: () => places.close(),
    place: (key = KEY) =>
      places.open(key, () => {
        kept.count += 1
        return () => void (kept.count -= 1)
      }),
    connect(peer = 'me') {
      const request = page.board.request()
      page.board.hear({ event: 'ready', heartbeatMs: 1_000, peer })
      page.board.connected(request)
    },
    hear: (peers: Extract<LiveEvent, { event: 'presence' }>['peers'], isAll = false, key = KEY) =>
      page.board.hear({ event: 'presence', key, peers, ...(isAll && { isAll }) }),
    states: () => announced.map(({ models }) => models[KEY]),
    takeChanges: () => {
      const count = changes
      changes = 0
      return count
    },
  }
  return page
}

const peer = (name: string) => ({ userId: null, state: { name } })
const names = (others: readonly Peer[]) => others.map(({ state }) => state['name'])
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted })

describe('the others', () => {
  test('are those whom the server tells of, by id, without this page', () => {
    const page = open()
    const place = page.place()
    place.subscribe(() => {})
    page.connect('b')
    page.hear({ c: peer('Cy'), b: peer('Me'), a: peer('Ada') }, true)
    expect(place.others).toEqual([
      { id: 'a', userId: null, state: { name: 'Ada' } },
      { id: 'c', userId: null, state: { name: 'Cy' } },
    ])
    page.hear({ c: null, d: peer('Dee') })
    expect(names(place.others)).toEqual(['Ada', 'Dee'])
    page.hear({ e: peer('Eve') }, true)
    expect(names(place.others)).toEqual(['Eve'])
  })

  test('never have this page among them, also where its name comes late', () => {
    const page = open()
    const place = page.place()
    place.subscribe(() => {})
    page.hear({ me: peer('Me'), a: peer('Ada') }, true)
    page.connect('me')
    expect(names(place.others)).toEqual(['Ada'])
    page.board.hear({ event: 'ready', heartbeatMs: 1_000 })
    page.hear({ me: peer('Me') })
    expect(names(place.others)).toEqual(['Ada'])
  })

  test('are the same list and the same objects while nothing changed, and frozen', () => {
    const page = open()
    const place = page.place()
    let calls = 0
    place.subscribe(() => {
      calls += 1
    })
    page.connect()
    page.hear({ a: peer('Ada'), b: peer('Bob') }, true)
    const before = place.others
    expect(calls).toBe(1)
    page.hear({ a: peer('Ada') })
    page.hear({ b: peer('Bob'), a: peer('Ada') }, true)
    page.hear({ nobody: null })
    expect(calls).toBe(1)
    expect(place.others).toBe(before)
    page.hear({ b: peer('Bo') })
    expect(calls).toBe(2)
    expect(place.others[0]).toBe(before[0])
    expect(names(place.others)).toEqual(['Ada', 'Bo'])
    expect([place.others, place.others[0], place.others[0]!.state].every(Object.isFrozen)).toBe(
      true,
    )
  })

  test('of one model are not those of another', () => {
    const page = open()
    const [one, two] = [page.place('one'), page.place('two')]
    for (const place of [one, two]) place.subscribe(() => {})
    page.hear({ a: peer('Ada') }, true, 'one')
    expect(names(one.others)).toEqual(['Ada'])
    expect(two.others).toEqual([])
  })

  test('are nobody when the connection is lost, or the model may not be read', () => {
    const page = open()
    const place = page.place()
    place.subscribe(() => {})
    page.hear({ a: peer('Ada') }, true)
    page.board.lost()
    expect(place.others).toEqual([])
    page.hear({ a: peer('Ada') }, true)
    const refused = { event: 'refused', code: 'FORBIDDEN', message: 'No.', retry: 'never' } as const
    page.board.hear({ ...refused, models: 'other' })
    expect(names(place.others)).toEqual(['Ada'])
    page.board.hear({ ...refused, models: KEY })
    expect(place.others).toEqual([])
  })

  test('with a state that is no JSON of ours are not shown', () => {
    const page = open()
    const place = page.place()
    place.subscribe(() => {})
    const state = JSON.parse('{"__proto__":{"polluted":true}}') as Peer['state']
    page.hear({ a: { userId: null, state }, b: peer('Bob') }, true)
    expect(names(place.others)).toEqual(['Bob'])
  })
})

describe('what a page shares', () => {
  test('is asked for with the document, and not before it', () => {
    const page = open()
    page.isLoaded = false
    page.place().subscribe(() => {})
    expect(page.board.request()).toBeUndefined()
    page.isLoaded = true
    expect(page.board.request()?.models).toEqual({ [KEY]: null })
  })

  test('is asked for with the connection, and announced when it changes after that', async () => {
    const page = open()
    const place = page.place()
    expect(page.board.request()).toBeUndefined()
    place.share({ name: 'Ada' })
    expect(page.takeChanges()).toBe(1)
    const first = page.board.request()!
    expect(first.models).toEqual({ [KEY]: { name: 'Ada' } })
    page.connect()
    await page.environment.advance(1_000)
    expect(page.announced).toEqual([])
    place.share({ editing: 'milk' })
    await page.environment.advance(100)
    expect(page.states()).toEqual([{ name: 'Ada', editing: 'milk' }])
    const [{ token, sequence } = first] = page.announced
    expect(token).toBe(first.token)
    expect(sequence).toBeGreaterThan(first.sequence)
    // Another connection is only needed for another model.
    expect(page.takeChanges()).toBe(0)
  })

  test('is announced at most every 100 ms, and the last of it always', async () => {
    const page = open()
    const place = page.place()
    page.connect()
    let withdraw = place.share({ n: 0 })
    page.connect()
    for (let n = 1; n <= 50; n += 1) {
      withdraw()
      withdraw = place.share({ n })
      await page.environment.advance(10)
    }
    await page.environment.advance(100)
    expect(page.announced.length).toBeLessThanOrEqual(6)
    expect(page.states().at(-1)).toEqual({ n: 50 })
    page.hear({ me: { userId: null, state: { n: 50 } } })
    await page.environment.advance(2_000)
    expect(page.environment.timers).toBe(0)
  })

  test('in several places is merged, the latest over those before it', () => {
    const page = open()
    const place = page.place()
    const state = () => page.board.request()?.models[KEY]
    const first = place.share({ name: 'Ada', at: 1 })
    const second = place.share({ at: 2, unknown: undefined })
    expect(state()).toEqual({ name: 'Ada', at: 2 })
    second()
    expect(state()).toEqual({ name: 'Ada', at: 1 })
    second()
    first()
    expect(state()).toBeNull()
  })

  test('that was not announced before the connection was made goes out after it', async () => {
    const page = open()
    const place = page.place()
    place.share({ n: 1 })
    const request = page.board.request()
    place.share({ n: 2 })
    page.board.connected(request)
    await page.environment.advance(100)
    expect(page.states()).toEqual([{ n: 2 }])
  })

  test('is not announced if it is what it was, as for a page that is drawn anew', async () => {
    const page = open()
    const place = page.place()
    const withdraw = place.share({ n: 1 })
    page.connect()
    withdraw()
    place.share({ n: 1 })
    await page.environment.advance(1_000)
    expect(page.announced).toEqual([])
  })

  test('is tried again after a passing failure, but not if it is refused', async () => {
    const page = open()
    const place = page.place()
    place.share({ n: 1 })
    page.connect()
    page.failure = new FlushoutError('NETWORK', 'The network is down.')
    place.share({ n: 2 })
    await page.environment.advance(100)
    page.failure = undefined
    await page.environment.advance(1_000)
    expect(page.states()).toEqual([{ n: 2 }, { n: 2 }])
    page.failure = new FlushoutError('FORBIDDEN', 'No.')
    place.share({ n: 3 })
    await page.environment.advance(60_000)
    expect(page.announced).toHaveLength(3)
    expect(page.environment.timers).toBe(0)
  })

  test('is announced again as long as nobody is told of it, with growing pauses', async () => {
    const page = open()
    const place = page.place()
    place.share({ n: 1 })
    page.connect()
    place.share({ n: 2 })
    await page.environment.advance(100 + 2_000 + 4_000)
    expect(page.states()).toEqual([{ n: 2 }, { n: 2 }, { n: 2 }])
    const sequences = page.announced.map(({ sequence }) => sequence)
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
    page.hear({ me: { userId: null, state: { n: 2 } } })
    await page.environment.advance(60_000)
    expect(page.announced).toHaveLength(3)
    expect(page.environment.timers).toBe(0)
  })

  test('is announced again when the others are told that this page went', async () => {
    const page = open()
    page.place().share({ n: 1 })
    page.connect()
    page.hear({ me: { userId: null, state: { n: 1 } } }, true)
    await page.environment.advance(60_000)
    expect(page.announced).toEqual([])
    page.hear({ me: null })
    page.hear({ ada: peer('Ada') })
    await page.environment.advance(2_000)
    expect(page.states()).toEqual([{ n: 1 }])
    page.hear({ me: { userId: null, state: { n: 1 } } })
    await page.environment.advance(60_000)
    expect(page.announced).toHaveLength(1)
    expect(page.environment.timers).toBe(0)
  })

  test('is not announced while there is no connection', async () => {
    const page = open()
    const place = page.place()
    place.share({ n: 1 })
    page.connect()
    place.share({ n: 2 })
    page.board.lost()
    place.share({ n: 3 })
    expect(page.environment.timers).toBe(0)
    await page.environment.advance(1_000)
    expect(page.announced).toEqual([])
    expect(page.board.request()?.models[KEY]).toEqual({ n: 3 })
  })

  test.each([{ run: () => 1 }, { at: new Date(0) }, { of: () => {} }, { text: 'x'.repeat(1_100) }])(
    'has to be a little JSON (%#)',
    (part) => {
      const place = open().place()
      place.share({ name: 'Ada' })
      expect(() => place.share(part as object)).toThrow(code('OPTIONS_INVALID'))
    },
  )

  test('that was refused leaves what was shared before', () => {
    const page = open()
    const place = page.place()
    place.share({ name: 'Ada' })
    expect(() => place.share({ text: 'x'.repeat(1_100) })).toThrow(code('OPTIONS_INVALID'))
    place.share({ at: 1 })
    expect(page.board.request()?.models[KEY]).toEqual({ name: 'Ada', at: 1 })
  })
})

describe('a model', () => {
  test('is kept while somebody looks at its presence or shares something, and a moment longer', async () => {
    const page = open()
    const place = page.place()
    expect(page.kept.count).toBe(0)
    const leave = place.subscribe(() => {})
    const withdraw = place.share({ name: 'Ada' })
    expect(page.takeChanges()).toBe(1)
    leave()
    await page.environment.advance(2_000)
    expect(page.kept.count).toBe(1)
    withdraw()
    leave()
    expect(page.board.request()?.models).toEqual({ [KEY]: null })
    await page.environment.advance(999)
    expect(page.kept.count).toBe(1)
    await page.environment.advance(1)
    expect(page.kept.count).toBe(0)
    expect(page.board.request()).toBeUndefined()
    expect(page.takeChanges()).toBe(1)
  })

  test('keeps its others for who leaves and comes back at once, as a page that is drawn anew', async () => {
    const page = open()
    const place = page.place()
    const leave = place.subscribe(() => {})
    page.connect()
    page.hear({ a: peer('Ada') }, true)
    page.takeChanges()
    leave()
    place.subscribe(() => {})
    await page.environment.advance(5_000)
    expect(names(place.others)).toEqual(['Ada'])
    expect(page.takeChanges()).toBe(0)
    expect(page.environment.timers).toBe(0)
  })

  test('leaves no timer behind when the client is closed', () => {
    const page = open()
    const place = page.place()
    page.connect()
    place.share({ n: 1 })()
    page.connect()
    place.share({ n: 2 })()
    expect(page.environment.timers).toBeGreaterThan(0)
    page.board.lost()
    page.closePlaces()
    expect(page.environment.timers).toBe(0)
    expect(page.board.request()).toBeUndefined()
  })

  test('counts among the first hundred, of which servers hear', () => {
    const page = open()
    for (let n = 0; n < 120; n += 1) page.place(`m${n}`).share({ n })
    expect(Object.keys(page.board.request()!.models)).toHaveLength(100)
  })
})
