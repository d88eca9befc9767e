import type { FlushAnswer, JsonObject } from '@flushout/core'
import { type Peer, throughJson, World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

/** Many props, so that updates are smaller than a snapshot. */
const LARGE = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`key-${index}`, index]))

function open(document: JsonObject = LARGE, options: ConstructorParameters<typeof World>[1] = {}) {
  const world = new World<JsonObject>(document, options)
  return { world, ada: world.join('ada'), bob: world.join('bob') }
}

function newsFor(world: World, { proxy }: Peer) {
  return throughJson(world.master.pull(proxy.confirmed.from, proxy.confirmed.hash))
}

function expectEqual(world: World): void {
  world.settle()
  for (const { proxy } of world.peers) {
    expect(JSON.stringify(proxy.read())).toBe(JSON.stringify(world.master.snapshot().document))
    expect(proxy.commandCount).toBe(world.master.commandCount)
  }
}

describe('an answer', () => {
  test('as sent, with updates or with a snapshot leaves the proxy equal to the master', () => {
    for (const [maxHistoryBytes, kind] of [
      [100_000, 'updates'],
      [0, 'snapshot'],
    ] as const) {
      const { world, ada, bob } = open(LARGE, { master: { maxHistoryBytes } })
      ada.proxy.update([], { a: 1 })
      expect(ada.send(ada.proxy.beginFlush()!).sync.kind).toBe('none')
      ada.proxy.cancelFlush()
      bob.proxy.update([], { b: 1 })
      bob.flush()
      const answer = ada.send(ada.proxy.beginFlush()!)
      expect(answer).toMatchObject({ outcome: 'repeated', sync: { kind } })
      ada.proxy.endFlush(answer)
      expect(ada.proxy.confirmed.hash).toBe(world.master.hash)
      expectEqual(world)
    }
  })

  test('to a question for news, or to another client, is none to a flush', () => {
    const { world, ada, bob } = open()
    bob.proxy.update([], { b: 1 })
    const toBob = bob.send(bob.proxy.beginFlush()!)
    bob.proxy.endFlush(toBob)
    const news = ada.send(ada.proxy.beginFlush({ pull: true })!)
    ada.proxy.cancelFlush()
    const receipt = ada.proxy.update([], { a: 1 })
    ada.proxy.beginFlush()
    for (const answer of [news, toBob]) {
      expect(ada.proxy.endFlush(answer)).toEqual({ ok: false, code: 'NO_FLUSH' })
      expect(receipt.outcome).toBeUndefined()
    }
    ada.proxy.cancelFlush()
    expectEqual(world)
    expect(world.master.commandCount).toBe(2)
  })

  test('that belongs to another flush is ignored, and the flush stays under way', () => {
    const { world, ada } = open()
    ada.proxy.update([], { a: 1 })
    const first = ada.send(ada.proxy.beginFlush()!)
    ada.proxy.endFlush(first)
    ada.proxy.update([], { a: 2 })
    const flush = ada.proxy.beginFlush()!
    expect(ada.proxy.endFlush(first)).toEqual({ ok: false, code: 'NO_FLUSH' })
    expect(() => ada.proxy.beginFlush()).toThrow(
      expect.objectContaining({ code: 'FLUSH_IN_PROGRESS' }),
    )
    expect(ada.proxy.endFlush(ada.send(flush)).ok).toBe(true)
    expect(ada.proxy.endFlush({ ...first, sequence: 99 })).toEqual({ ok: false, code: 'NO_FLUSH' })
    expectEqual(world)
    expect(world.master.commandCount).toBe(2)
  })

  test('that comes after its flush was cancelled is taken all the same', () => {
    const { world, ada } = open()
    const receipt = ada.proxy.update([], { a: 1 })
    const answer = ada.send(ada.proxy.beginFlush()!)
    ada.proxy.cancelFlush()
    expect(ada.proxy.endFlush(answer).ok).toBe(true)
    expect(receipt.outcome).toEqual({ kind: 'applied' })
    expect(ada.proxy.beginFlush()).toBeUndefined()
    expectEqual(world)
  })

  test('that comes twice, or to a second sending, counts once', () => {
    const { world, ada } = open()
    ada.proxy.create([], {}, { id: 'x' })
    const flush = ada.proxy.beginFlush()!
    const [first, second] = [ada.send(flush), ada.send(flush)]
    expect(second.outcome).toBe('repeated')
    expect(ada.proxy.endFlush(second).ok).toBe(true)
    expect(ada.proxy.endFlush(first)).toEqual({ ok: false, code: 'NO_FLUSH' })
    expect(ada.proxy.endFlush(second)).toEqual({ ok: false, code: 'NO_FLUSH' })
    expect(world.master.commandCount).toBe(1)
    expectEqual(world)
  })

  test('that is overtaken by live news of its own flush changes nothing twice', () => {
    const { world, ada, bob } = open()
    ada.proxy.create([], { by: 'ada' }, { id: 'x' })
    ada.proxy.update([], { b: 'ada' })
    const answer = ada.send(ada.proxy.beginFlush()!)
    bob.proxy.update([], { b: 'bob' })
    bob.flush()
    ada.proxy.update(['x'], { n: 1 })
    expect(ada.proxy.receive(newsFor(world, ada))).toBe('applied')
    expect(ada.proxy.read(['x'])).toEqual({ by: 'ada', n: 1 })
    expect(ada.proxy.read(['b'])).toBe('bob')
    expect(ada.proxy.commandCount).toBe(4)
    expect(ada.proxy.endFlush(answer).ok).toBe(true)
    expect(ada.proxy.status).toMatchObject({ queued: 1, inFlight: 0, confirmed: 3 })
    expectEqual(world)
  })

  test('that is overtaken by live news of a rename brings a queued edit below it back', () => {
    const { world, ada, bob } = open()
    bob.proxy.create([], { by: 'bob' }, { id: 'list' })
    bob.flush()
    ada.proxy.create([], { by: 'ada' }, { id: 'list' })
    ada.proxy.create(['list'], {}, { id: 'item' })
    const answer = ada.send(ada.proxy.beginFlush()!)
    const edit = ada.proxy.update(['list', 'item'], { edited: true })
    // Now there is a list without an item; only the answer tells that ada's has another name.
    expect(ada.proxy.receive(newsFor(world, ada))).toBe('applied')
    expect(edit.outcome).toBeUndefined()
    expect(ada.proxy.read(['list'])).toEqual({ by: 'bob' })
    expect(ada.proxy.commandCount).toBe(3)
    ada.proxy.endFlush(answer)
    expect(ada.proxy.read([answer.remaps[0]!.to[0]!])).toEqual({
      by: 'ada',
      item: { edited: true },
    })
    expectEqual(world)
    expect(edit.outcome).toEqual({ kind: 'applied' })
    expect(ada.proxy.rejections).toEqual([])
  })

  test('to a question for news that live news went past is taken, and nothing goes back', () => {
    const { world, ada, bob } = open()
    const answer = ada.send(ada.proxy.beginFlush({ pull: true })!)
    bob.proxy.update([], { b: 1 })
    bob.flush()
    ada.proxy.receive(newsFor(world, ada))
    expect(ada.proxy.endFlush(answer)).toEqual({ ok: true, remaps: [] })
    expect(ada.proxy.confirmed).toEqual({ from: 1, hash: world.master.hash })
    expect(ada.proxy.read(['b'])).toBe(1)
  })

  test('that makes no sense never throws, loses no edit, and leads to a snapshot', () => {
    const { world, ada, bob } = open()
    bob.proxy.update([], { b: 1 })
    bob.flush()
    const flush = (ada.proxy.update([], { a: 1 }), ada.proxy.beginFlush()!)
    const answer = ada.send(flush)
    const odd: unknown[] = [undefined, null, 0, '', 'text', true, [], {}, [answer], () => answer]
    for (const field of Object.keys(answer) as (keyof FlushAnswer)[]) {
      for (const value of [
        undefined,
        null,
        -1,
        1.5,
        Number.NaN,
        'text',
        [],
        {},
        [null],
        [{}],
        [1],
      ]) {
        const isFine =
          JSON.stringify(value) === JSON.stringify(answer[field]) ||
          (field === 'hash' && value === 'text')
        if (!isFine) odd.push({ ...answer, [field]: value })
      }
    }
    const verdicts = [
      { index: 1, kind: 'dropped', rejection: { code: 'X', message: '' } },
      { index: -1, kind: 'dropped' },
      { index: 0, kind: 'applied' },
      { index: 0, kind: 'amended' },
      { index: 0, kind: 'amended', command: { action: 'create' } },
      { index: 0, kind: 'rejected', rejection: {} },
    ]
    for (const verdict of verdicts) odd.push({ ...answer, verdicts: [verdict] })
    for (const remap of [
      { from: [], to: [] },
      { from: ['a'], to: [] },
      { from: 'a', to: 'b' },
      { from: ['a'] },
      { from: ['a'], to: ['__proto__'] },
    ])
      odd.push({ ...answer, remaps: [remap] })
    odd.push({
      ...answer,
      sync: { kind: 'snapshot', snapshot: { commandCount: 0, hash: 'old', document: {} } },
    })
    const before = JSON.stringify(ada.proxy.read())
    for (const one of odd) {
      const result = ada.proxy.endFlush(one)
      expect(result).toMatchObject({
        ok: false,
        code: expect.stringMatching(/^(ANSWER_INVALID|NO_FLUSH)$/),
      })
      expect(JSON.stringify(ada.proxy.read())).toBe(before)
      expect(ada.proxy.status.inFlight).toBe(1)
      ada.proxy.cancelFlush()
      ada.proxy.beginFlush()
    }
    ada.proxy.cancelFlush()
    expect(ada.proxy.endFlush(ada.send(ada.proxy.beginFlush()!)).ok).toBe(true)
    expectEqual(world)
    expect(world.master.commandCount).toBe(2)
  })
})

describe('live news', () => {
  test('come in any order, repeated or missing, and end well', () => {
    const { world, ada, bob } = open()
    const news: unknown[] = []
    for (let n = 0; n < 5; n += 1) {
      const { from, hash } = bob.proxy.confirmed
      bob.proxy.update([], { n })
      bob.flush()
      news.push(throughJson(world.master.pull(from, hash)))
    }
    expect(ada.proxy.receive(news[2])).toBe('gap')
    expect(ada.proxy.receive(news[0])).toBe('applied')
    expect(ada.proxy.receive(news[0])).toBe('ignored')
    expect(ada.proxy.receive(news[1])).toBe('applied')
    expect(ada.proxy.receive(news[4])).toBe('gap')
    expect(ada.proxy.read(['n'])).toBe(1)
    // From the start, so that the first two are known.
    expect(ada.proxy.receive(throughJson(world.master.pull(0, 'genesis')))).toBe('applied')
    expect(ada.proxy.read(['n'])).toBe(4)
    for (const one of news) expect(ada.proxy.receive(one)).toBe('ignored')
    expectEqual(world)
  })

  test('that cannot be used are ignored', () => {
    const { ada } = open()
    const before = ada.proxy.read()
    for (const one of [
      undefined,
      null,
      1,
      'x',
      [],
      {},
      { commandCount: 3, hash: 'h' },
      { commandCount: 3, hash: 'h', sync: {} },
      { commandCount: 3, hash: 'h', sync: { kind: 'updates' } },
      { commandCount: 3, hash: 'h', sync: { kind: 'updates', updates: [{}] } },
      { commandCount: -3, hash: 'h', sync: { kind: 'none' } },
    ]) {
      expect(ada.proxy.receive(one)).toBe('ignored')
    }
    expect(ada.proxy.read()).toBe(before)
  })

  test('that only name a higher count say that a pull is needed', () => {
    const { ada } = open()
    expect(ada.proxy.receive({ commandCount: 2, hash: 'h', sync: { kind: 'none' } })).toBe('gap')
    expect(ada.proxy.receive({ commandCount: 0, hash: 'genesis', sync: { kind: 'none' } })).toBe(
      'ignored',
    )
  })

  test('of another history at the same count shake the trust: the next flush asks for a snapshot', () => {
    const { world, ada } = open()
    ada.proxy.update([], { a: 1 })
    expect(ada.proxy.receive({ commandCount: 0, hash: 'other', sync: { kind: 'none' } })).toBe(
      'ignored',
    )
    const flush = ada.proxy.beginFlush()!
    expect(flush.hash).toBe('')
    expect(ada.send(flush).sync.kind).toBe('snapshot')
    ada.proxy.cancelFlush()
    expectEqual(world)
  })

  test('with an older snapshot take nothing back', () => {
    const { world, ada } = open()
    const old = world.master.snapshot()
    ada.proxy.update([], { a: 1 })
    ada.settle()
    expect(
      ada.proxy.receive({
        commandCount: 0,
        hash: old.hash,
        sync: { kind: 'snapshot', snapshot: old },
      }),
    ).toBe('ignored')
    expect(ada.proxy.read()).toEqual({ ...LARGE, a: 1 })
    expect(ada.proxy.confirmed.from).toBe(1)
  })

  test('with a snapshot wait while a flush is in flight, since it may hold it or not', () => {
    const { world, ada, bob } = open()
    ada.proxy.update([], { a: 1 })
    const answer = ada.send(ada.proxy.beginFlush()!)
    bob.proxy.update([], { b: 1 })
    bob.flush()
    const snapshot = world.master.snapshot()
    const news = throughJson({
      commandCount: snapshot.commandCount,
      hash: snapshot.hash,
      sync: { kind: 'snapshot', snapshot },
    })
    expect(ada.proxy.receive(news)).toBe('ignored')
    ada.proxy.endFlush(answer)
    expect(ada.proxy.receive(news)).toBe('applied')
    expect(ada.proxy.read()).toEqual({ ...LARGE, a: 1, b: 1 })
  })
})

test('a lost answer, a thousand times: nothing is applied twice or lost', () => {
  const { world, ada, bob } = open({}, { master: { maxHistoryBytes: 2_000 } })
  for (let n = 0; n < 1_000; n += 1) {
    ada.proxy.create([], { n })
    ada.send(ada.proxy.beginFlush()!)
    ada.proxy.cancelFlush()
    if (n % 3 === 0) bob.proxy.update([], { n })
    if (n % 7 === 0) bob.settle()
    ada.flush()
  }
  expectEqual(world)
  const todos = Object.values(world.master.snapshot().document).filter(
    (value) => typeof value === 'object',
  )
  expect(todos.map((todo) => (todo as JsonObject)['n'])).toEqual(
    Array.from({ length: 1_000 }, (_, n) => n),
  )
})
