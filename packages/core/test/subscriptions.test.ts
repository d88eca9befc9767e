import { type JsonObject, type Path } from '@flushout/core'
import { throughJson, World } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { command, document } from './support/arbitraries.ts'

function open(document: object = {}, options: ConstructorParameters<typeof World>[1] = {}) {
  const world = new World<Record<string, any>>(document as Record<string, any>, options)
  return { world, ada: world.join('ada'), bob: world.join('bob') }
}

/** Counts calls by path. */
function listen(
  proxy: { subscribe: (listener: () => void, path?: Path) => () => void },
  paths: Path[],
) {
  const calls: Record<string, number> = {}
  for (const path of paths) {
    const name = path.join('/')
    calls[name] = 0
    proxy.subscribe(() => (calls[name]! += 1), path)
  }
  return calls
}

const rows = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`row-${index}`, { n: index }]))

describe('a listener', () => {
  test('is called for changes at, above and below its path, and no others', () => {
    const { ada } = open({ a: { b: { c: 1 }, x: 1 }, d: {} })
    const calls = listen(ada.proxy, [[], ['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'x'], ['d']])
    const expectCalls = (expected: Record<string, number>) => {
      expect(calls).toEqual({ '': 0, a: 0, 'a/b': 0, 'a/b/c': 0, 'a/x': 0, d: 0, ...expected })
      for (const name of Object.keys(calls)) calls[name] = 0
    }
    ada.proxy.update(['a', 'b'], { c: 2 })
    expectCalls({ '': 1, a: 1, 'a/b': 1, 'a/b/c': 1 })
    ada.proxy.update(['a'], { x: 2 })
    expectCalls({ '': 1, a: 1, 'a/x': 1 })
    ada.proxy.update([], { e: 1 })
    expectCalls({ '': 1 })
    ada.proxy.create(['d'], {}, { id: 'new' })
    expectCalls({ '': 1, d: 1 })
    ada.proxy.delete(['a'])
    expectCalls({ '': 1, a: 1, 'a/b': 1, 'a/b/c': 1, 'a/x': 1 })
    ada.proxy.update(['gone'], {})
    expectCalls({})
  })

  test('is called once, in however many places a command writes below its path', () => {
    const { ada } = open({ a: { b: 1, c: 1 }, d: {} })
    const calls = listen(ada.proxy, [[], ['a'], ['a', 'b'], ['a', 'c'], ['d']])
    ada.proxy.update(['a'], { b: 2, c: 2, e: 2 })
    expect(calls).toEqual({ '': 1, a: 1, 'a/b': 1, 'a/c': 1, d: 0 })
  })

  test('among ten thousand is found without calling the others', () => {
    const { world, ada, bob } = open({ rows: rows(10_000) })
    const calls: string[] = []
    for (const key of ada.proxy.keys(['rows']))
      ada.proxy.subscribe(() => calls.push(key), ['rows', key])
    ada.proxy.update(['rows', 'row-77'], { done: true })
    expect(calls.splice(0)).toEqual(['row-77'])
    bob.proxy.update(['rows', 'row-5'], { done: true })
    bob.flush()
    // The answer confirms one edit and brings another.
    ada.flush()
    expect(calls.splice(0)).toEqual(['row-5'])
    ada.proxy.create(['rows'], {})
    ada.proxy.update(['rows'], { title: 'Rows' })
    expect(calls).toEqual([])
    world.settle()
    expect(calls).toEqual([])
  })

  test('is not called when its edits are confirmed as they were sent', () => {
    const { ada } = open({ a: {} })
    ada.proxy.update(['a'], { n: 1 })
    const calls = listen(ada.proxy, [[]])
    const before = ada.proxy.read()
    ada.settle()
    expect(calls).toEqual({ '': 0 })
    expect(ada.proxy.read()).toBe(before)
  })

  for (const maxHistoryBytes of [100_000, 0]) {
    test(`hears what others changed, whether by ${maxHistoryBytes === 0 ? 'snapshot' : 'updates'}, and what a rejection took back`, () => {
      const { ada, bob } = open(
        { rows: rows(100), mine: {} },
        {
          master: {
            maxHistoryBytes,
            interceptors: [
              (_, command) =>
                command.path?.[0] === 'mine' ? { reject: { message: 'no' } } : undefined,
            ],
          },
        },
      )
      const calls = listen(ada.proxy, [['rows', 'row-1'], ['rows', 'row-2'], ['mine'], ['rows']])
      bob.proxy.update(['rows', 'row-1'], { done: true })
      bob.flush()
      ada.proxy.update(['mine'], { n: 1 })
      expect(calls).toEqual({ 'rows/row-1': 0, 'rows/row-2': 0, mine: 1, rows: 0 })
      ada.flush()
      expect(calls).toEqual({ 'rows/row-1': 1, 'rows/row-2': 0, mine: 2, rows: 1 })
      expect(ada.proxy.read(['mine'])).toEqual({})
    })
  }

  test('hears of a parent that came with its first child', () => {
    const { ada } = open({})
    const calls = listen(ada.proxy, [['lists', 'title'], ['lists'], []])
    ada.proxy.create(['lists'], {}, { parentDefault: { title: 'Lists' } })
    expect(calls).toEqual({ 'lists/title': 1, lists: 1, '': 1 })
  })

  for (const maxHistoryBytes of [100_000, 0]) {
    test(`hears of a new order of keys, by ${maxHistoryBytes === 0 ? 'snapshot' : 'updates'}`, () => {
      const { world, ada, bob } = open(
        { large: 'x'.repeat(1_000), list: {} },
        { master: { maxHistoryBytes } },
      )
      // Both set the same key; bob's comes first, and before ada's other one.
      ada.proxy.update(['list'], { x: 1, y: 1 })
      bob.proxy.update(['list'], { y: 1 })
      bob.flush()
      const before = ada.proxy.keys(['list'])
      const calls = listen(ada.proxy, [['list'], ['large']])
      const { from, hash } = ada.proxy.confirmed
      const news = throughJson(world.master.pull(from, hash))
      expect(news.sync.kind).toBe(maxHistoryBytes === 0 ? 'snapshot' : 'updates')
      ada.proxy.receive(news)
      expect(ada.proxy.keys(['list'])).toEqual(['y', 'x'])
      expect(ada.proxy.keys(['list'])).not.toBe(before)
      expect(calls).toEqual({ list: 1, large: 0 })
    })
  }

  test('that is given twice is called twice, and each is taken off by itself', () => {
    const { ada } = open()
    let calls = 0
    const listener = () => (calls += 1)
    const [first, second] = [ada.proxy.subscribe(listener), ada.proxy.subscribe(listener)]
    ada.proxy.update([], { n: 1 })
    expect(calls).toBe(2)
    first()
    first()
    ada.proxy.update([], { n: 2 })
    expect(calls).toBe(3)
    second()
    ada.proxy.update([], { n: 3 })
    expect(calls).toBe(3)
  })

  test('that throws keeps no other from being called, and the command stands', () => {
    const { ada } = open()
    const calls = listen(ada.proxy, [['n']])
    let statusCalls = 0
    ada.proxy.subscribe(() => {
      throw new Error('bad listener')
    })
    const later = listen(ada.proxy, [[]])
    ada.proxy.subscribeStatus(() => (statusCalls += 1))
    expect(() => ada.proxy.update([], { n: 1 })).toThrow('bad listener')
    expect([calls['n'], later[''], statusCalls]).toEqual([1, 1, 1])
    expect(ada.proxy.read()).toEqual({ n: 1 })
    expect(ada.proxy.status.queued).toBe(1)
  })

  test('may give commands itself', () => {
    const { ada } = open()
    ada.proxy.subscribe(() => {
      if (ada.proxy.read(['count']) !== 3)
        ada.proxy.update([], {
          count: ((ada.proxy.read(['count']) as number | undefined) ?? 0) + 1,
        })
    })
    ada.proxy.update([], { start: true })
    expect(ada.proxy.read()).toEqual({ start: true, count: 3 })
  })

  test('at any path is called whenever the value there is another, after any script', () => {
    const paths: Path[] = [
      [],
      ['a'],
      ['todos'],
      ['todos', 't1'],
      ['todos', 'a'],
      ['a', 'b'],
      ['7'],
      ['b'],
    ]
    fc.assert(
      fc.property(
        document,
        fc.array(fc.tuple(fc.boolean(), command, fc.boolean()), { maxLength: 12 }),
        fc.constantFrom(0, 100_000),
        (document, script, maxHistoryBytes) => {
          const world = new World<JsonObject>(document, { master: { maxHistoryBytes } })
          const [ada, bob] = [world.join('ada'), world.join('bob')]
          const known = new Map(paths.map((path) => [path, JSON.stringify(ada.proxy.read(path))]))
          for (const path of paths)
            ada.proxy.subscribe(() => known.set(path, JSON.stringify(ada.proxy.read(path))), path)
          for (const [isAda, command, hasFlush] of script) {
            const peer = isAda ? ada : bob
            peer.proxy.apply(command)
            if (hasFlush) peer.flush()
            for (const path of paths)
              expect(known.get(path), path.join('/')).toBe(JSON.stringify(ada.proxy.read(path)))
          }
        },
      ),
      { numRuns: 400 },
    )
  })
})

describe('the status', () => {
  test('is one object until one of its fields changes, and its listeners are called just then', () => {
    const { ada } = open()
    let calls = 0
    ada.proxy.subscribeStatus(() => (calls += 1))
    const before = ada.proxy.status
    expect(ada.proxy.status).toBe(before)
    ada.proxy.beginFlush({ pull: true })
    ada.proxy.cancelFlush()
    expect(ada.proxy.status).toBe(before)
    expect(calls).toBe(0)
    ada.proxy.update([], { n: 1 })
    expect(ada.proxy.status).toEqual({
      queued: 1,
      inFlight: 0,
      confirmed: 0,
      rejected: 0,
      historyChanges: 0,
    })
    ada.settle()
    expect(ada.proxy.status).toEqual({
      queued: 0,
      inFlight: 0,
      confirmed: 1,
      rejected: 0,
      historyChanges: 0,
    })
    expect(calls).toBe(3)
    expect(Object.isFrozen(before)).toBe(true)
  })

  test('is still heard by nobody who ended it', () => {
    const { ada } = open()
    let calls = 0
    ada.proxy.subscribeStatus(() => (calls += 1))()
    ada.proxy.update([], { n: 1 })
    expect(calls).toBe(0)
  })
})
