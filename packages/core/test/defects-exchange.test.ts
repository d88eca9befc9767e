// Defects that systems of this kind had in the exchange between client and
// server, each under its number, and that must not come back.
import type { FlushAnswer, Interceptor } from '@flushout/core'
import { World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

function open(document: object = {}, options: ConstructorParameters<typeof World>[1] = {}) {
  const world = new World<Record<string, any>>(document as Record<string, any>, options)
  return { world, ada: world.join('ada'), bob: world.join('bob') }
}

/** Many props, so that updates are smaller than a snapshot. */
const LARGE = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`key-${index}`, index]))

describe('renamed nodes', () => {
  test('X14: updates without a renamed node report no remap', () => {
    const { ada, bob } = open(LARGE)
    bob.proxy.create([], {}, { id: 'bobs' })
    bob.flush()
    ada.proxy.create([], {}, { id: 'adas' })
    const answer = ada.send(ada.proxy.beginFlush()!)
    expect(answer.sync.kind).toBe('updates')
    expect(answer.remaps).toEqual([])
    expect(ada.proxy.endFlush(answer)).toEqual({ ok: true, remaps: [] })
  })

  test('X15: remaps are pairs of paths, so ids with a comma or a dot are told apart', () => {
    const { world, ada, bob } = open({ 'a,b': {}, a: { b: {} } })
    bob.proxy.create(['a,b'], { by: 'bob' }, { id: 'c.d' })
    bob.flush()
    const created = ada.proxy.create(['a,b'], { by: 'ada' }, { id: 'c.d' })
    const other = ada.proxy.create(['a', 'b'], { by: 'ada' }, { id: 'c.d' })
    const flush = ada.proxy.beginFlush()!
    ada.proxy.update(['a,b', 'c.d'], { mine: true })
    ada.proxy.update(['a', 'b', 'c.d'], { mine: true })
    const answer = ada.send(flush)
    expect(answer.remaps).toEqual([{ from: ['a,b', 'c.d'], to: ['a,b', expect.any(String)] }])
    ada.proxy.endFlush(answer)
    world.settle()
    expect(other.id).toBe('c.d')
    expect(world.master.snapshot().document).toEqual({
      'a,b': { 'c.d': { by: 'bob' }, [created.id]: { by: 'ada', mine: true } },
      a: { b: { 'c.d': { by: 'ada', mine: true } } },
    })
  })

  test('X16: remaps hold only what was renamed, and the answer is left as it came', () => {
    const { ada, bob } = open({ todos: {} })
    bob.proxy.create(['todos'], {}, { id: 'same' })
    bob.flush()
    for (const id of ['one', 'same', 'two']) ada.proxy.create(['todos'], {}, { id })
    for (const id of ['one', 'same', 'two']) ada.proxy.update(['todos', id], { n: 1 })
    const answer = ada.send(ada.proxy.beginFlush()!)
    expect(answer.remaps.map(({ from }) => from)).toEqual([['todos', 'same']])
    const text = JSON.stringify(answer)
    ada.proxy.update(['todos', 'same'], { n: 2 })
    ada.proxy.endFlush(answer)
    expect(JSON.stringify(answer)).toBe(text)
  })

  test('X17: after a rename, paths with names that every object inherits work', () => {
    const { world, ada, bob } = open({ toString: {} })
    bob.proxy.create([], {}, { id: 'valueOf' })
    bob.flush()
    ada.proxy.create([], { n: 1 }, { id: 'valueOf' })
    ada.proxy.update(['toString'], { n: 2 })
    ada.proxy.create(['toString'], {}, { id: 'hasOwnProperty' })
    world.settle()
    expect(world.master.read(['toString'])).toEqual({ n: 2, hasOwnProperty: {} })
    expect(world.master.size()).toBe(3)
    expect(ada.proxy.read()).toEqual(world.master.read())
  })

  test('X18: a rename below a rename is followed to its end', () => {
    const { world, ada, bob } = open()
    for (const { name, proxy } of [bob, ada]) {
      proxy.create([], { by: name }, { id: 'list' })
      proxy.create(['list'], { by: name }, { id: 'item' })
      proxy.create(['list', 'item'], { by: name }, { id: 'part' })
    }
    bob.flush()
    const flush = ada.proxy.beginFlush()!
    ada.proxy.update(['list', 'item', 'part'], { edited: 'ada' })
    ada.proxy.endFlush(ada.send(flush))
    world.settle()
    const { list, ...others } = world.master.snapshot().document as Record<string, any>
    expect(list).toEqual({ by: 'bob', item: { by: 'bob', part: { by: 'bob' } } })
    expect(Object.values(others)).toEqual([
      { by: 'ada', item: { by: 'ada', part: { by: 'ada', edited: 'ada' } } },
    ])
  })

  test('X18: a rename here below a rename by the master is followed to its end', () => {
    const { world, ada, bob } = open()
    bob.proxy.create([], { by: 'bob' }, { id: 'list' })
    bob.flush()
    const list = ada.proxy.create([], { by: 'ada' }, { id: 'list' })
    const flush = ada.proxy.beginFlush()!
    const item = ada.proxy.create(['list'], { by: 'ada' }, { id: 'item' })
    const edit = ada.proxy.update(['list', 'item'], { edited: true })
    const renamed = ada.send(flush).remaps[0]!.to
    // Bob sees ada's list and puts an item of the same name into it.
    bob.settle()
    bob.proxy.create(renamed, { by: 'bob' }, { id: 'item' })
    bob.flush()
    const result = ada.proxy.endFlush(ada.send(flush))
    expect(result).toEqual({
      ok: true,
      remaps: [
        { from: ['list'], to: renamed },
        { from: [...renamed, 'item'], to: [...renamed, item.id] },
      ],
    })
    world.settle()
    expect(list.id).toBe(renamed[0])
    expect(edit.outcome).toEqual({ kind: 'applied' })
    expect(world.master.read(renamed)).toEqual({
      by: 'ada',
      item: { by: 'bob' },
      [item.id]: { by: 'ada', edited: true },
    })
  })

  test('X19: a stale id never leads to the node of another client', () => {
    const { world, ada, bob } = open()
    bob.proxy.create([], { by: 'bob' }, { id: 'same' })
    bob.flush()
    // Given before ada knows of bob's node; in the same flush as the create, in
    // the next, and in one that waits behind a lost answer.
    const { id } = ada.proxy.create([], { by: 'ada' }, { id: 'same' })
    ada.proxy.update([id], { first: 1 })
    const flush = ada.proxy.beginFlush()!
    ada.proxy.update([id], { second: 2 })
    ada.send(flush)
    ada.proxy.cancelFlush()
    ada.proxy.update([id], { third: 3 })
    world.settle()
    expect(world.master.read(['same'])).toEqual({ by: 'bob' })
    expect(Object.values(world.master.snapshot().document)).toContainEqual({
      by: 'ada',
      first: 1,
      second: 2,
      third: 3,
    })
  })
})

describe('answers', () => {
  test('X21: a flush that was applied and then cancelled takes effect once', () => {
    const { world, ada } = open()
    ada.proxy.create([])
    ada.send(ada.proxy.beginFlush()!)
    ada.proxy.cancelFlush()
    const answer = ada.send(ada.proxy.beginFlush()!)
    expect(answer).toMatchObject({ outcome: 'repeated', commandCount: 1 })
    ada.proxy.endFlush(answer)
    expect(world.master.commandCount).toBe(1)
    expect(ada.proxy.commandCount).toBe(1)
  })

  test('X22: cancelling twice, or after the end, doubles nothing', () => {
    const { world, ada } = open()
    ada.proxy.create([])
    ada.proxy.beginFlush()
    ada.proxy.cancelFlush()
    ada.proxy.cancelFlush()
    ada.settle()
    ada.proxy.cancelFlush()
    expect(ada.proxy.beginFlush()).toBeUndefined()
    expect(world.master.commandCount).toBe(1)
    expect(ada.proxy.status).toMatchObject({ queued: 0, inFlight: 0, confirmed: 1 })
  })

  test('X23: updates that do not fit leave a proxy that can go on, with its edits', () => {
    const { world, ada, bob } = open(LARGE)
    bob.proxy.update([], { b: 1 })
    bob.flush()
    ada.proxy.update([], { a: 1 })
    const flush = ada.proxy.beginFlush()!
    const answer = ada.send(flush)
    const before = JSON.stringify(ada.proxy.read())
    const [first] = (answer.sync as Extract<FlushAnswer['sync'], { kind: 'updates' }>).updates
    const bad: unknown[] = [
      { ...answer, sync: { kind: 'updates', updates: [{ ...first, from: 7 }] } },
      {
        ...answer,
        sync: {
          kind: 'updates',
          updates: [{ ...first, commands: [{ action: 'update', path: ['gone'] }] }],
        },
      },
      { ...answer, sync: { kind: 'updates', updates: [{ ...first, commands: undefined }] } },
      { ...answer, sync: { kind: 'none' } },
      { ...answer, commandCount: 99 },
    ]
    for (const one of bad) {
      expect(ada.proxy.endFlush(one)).toEqual({ ok: false, code: 'ANSWER_INVALID' })
      expect(JSON.stringify(ada.proxy.read())).toBe(before)
      expect(ada.proxy.status).toMatchObject({ inFlight: 1 })
      const again = ada.proxy.beginFlush()!
      expect(again).toEqual({ ...flush, hash: '' })
    }
    ada.proxy.cancelFlush()
    world.settle()
    expect(ada.proxy.read()).toEqual({ ...LARGE, b: 1, a: 1 })
    expect(world.master.commandCount).toBe(2)
  })

  test('X24: a queued command that a rebase loses is told, and rules run again on a rebase', () => {
    const onlyWhileOpen: Interceptor = (document) =>
      document.read(['isClosed']) === true
        ? { reject: { code: 'CLOSED', message: 'Closed.' } }
        : undefined
    const { world, ada, bob } = open({ a: {} }, { proxy: { interceptors: [onlyWhileOpen] } })
    const edit = ada.proxy.update(['a'], { n: 1 })
    bob.proxy.update([], { isClosed: true })
    bob.settle()
    const { from, hash } = ada.proxy.confirmed
    expect(ada.proxy.receive(world.master.pull(from, hash))).toBe('applied')
    expect(edit.outcome).toMatchObject({ kind: 'rejected', rejection: { code: 'CLOSED' } })
    expect(ada.proxy.rejections).toMatchObject([
      { kind: 'rejected', command: { path: ['a'], props: { n: 1 } } },
    ])
    expect(ada.proxy.read()).toEqual({ a: {}, isClosed: true })
  })

  test('X25: what was refused names its command by index on the wire and by receipt here', () => {
    const { ada } = open({ a: {} })
    const receipts = [ada.proxy.update(['a'], { n: 1 }), ada.proxy.update([], { b: 1 })]
    const flush = ada.proxy.beginFlush()!
    const answer = ada.send({
      ...flush,
      commands: [{ action: 'update', path: ['gone'] }, flush.commands[1]!],
    })
    expect(answer.verdicts).toMatchObject([
      { index: 0, kind: 'dropped', rejection: { at: ['gone'] } },
    ])
    ada.proxy.endFlush(answer)
    expect(receipts.map(({ outcome }) => outcome?.kind)).toEqual(['dropped', 'applied'])
    expect(ada.proxy.rejections).toHaveLength(1)
  })

  test('X31: what is in flight is counted as such, and not as queued', () => {
    const { ada } = open()
    ada.proxy.update([], { a: 1 })
    expect(ada.proxy.status).toEqual({
      queued: 1,
      inFlight: 0,
      confirmed: 0,
      rejected: 0,
      historyChanges: 0,
    })
    const flush = ada.proxy.beginFlush()!
    ada.proxy.update([], { b: 1 })
    expect(ada.proxy.status).toEqual({
      queued: 1,
      inFlight: 1,
      confirmed: 0,
      rejected: 0,
      historyChanges: 0,
    })
    ada.proxy.endFlush(ada.send(flush))
    expect(ada.proxy.status).toEqual({
      queued: 1,
      inFlight: 0,
      confirmed: 1,
      rejected: 0,
      historyChanges: 0,
    })
  })
})

describe('interceptors', () => {
  test('X26: an answer that makes no sense is refused with a code and a reason', () => {
    for (const [action, answer] of [
      ['delete', { props: {} }],
      ['update', {}],
      ['update', null],
      ['update', 'no'],
      ['update', { reject: {} }],
      ['update', { reject: 'no' }],
      ['update', { props: [] }],
      ['update', { props: { a: Number.NaN } }],
      ['update', { props: {}, other: 1 }],
    ] as const) {
      const { world, ada } = open(
        { a: 1 },
        { master: { interceptors: [() => answer as { props: {} }] } },
      )
      const receipt = action === 'delete' ? ada.proxy.delete(['a']) : ada.proxy.update([], { b: 1 })
      ada.settle()
      expect(receipt.outcome).toMatchObject({
        kind: 'rejected',
        rejection: { code: 'INTERCEPTOR_INVALID', message: expect.stringContaining(':') },
      })
      expect(world.master.snapshot()).toMatchObject({ commandCount: 0, document: { a: 1 } })
    }
  })

  test('X27: an interceptor that gives the same props amends nothing', () => {
    const { ada } = open(
      {},
      {
        master: {
          interceptors: [
            (_, command) => ('props' in command ? { props: { ...command.props } } : undefined),
          ],
        },
      },
    )
    ada.proxy.update([], { a: { b: [1] } })
    const answer = ada.send(ada.proxy.beginFlush()!)
    expect(answer).toMatchObject({ verdicts: [], sync: { kind: 'none' } })
  })

  test('X28: an interceptor that throws refuses its command alone, and tells the client nothing more', () => {
    const errors: unknown[] = []
    const failing: Interceptor = (_, command) => {
      if (command.path?.length === 1) throw new Error('secret')
    }
    const { world, ada } = open(
      { a: {} },
      { master: { interceptors: [failing], onInterceptorError: (error) => errors.push(error) } },
    )
    const receipts = [
      ada.proxy.update([], { x: 1 }),
      ada.proxy.update(['a'], { n: 1 }),
      ada.proxy.update([], { y: 1 }),
    ]
    ada.settle()
    expect(receipts.map(({ outcome }) => outcome!.kind)).toEqual(['applied', 'rejected', 'applied'])
    expect(JSON.stringify(receipts[1]!.outcome)).not.toContain('secret')
    expect(errors).toEqual([new Error('secret')])
    expect(world.master.snapshot().document).toEqual({ a: {}, x: 1, y: 1 })
  })

  test('X28: what a listener for interceptor errors throws changes nothing', () => {
    const failing: Interceptor = (_, command) => {
      if (command.path?.length === 1) throw new Error('secret')
    }
    const { world, ada } = open(
      { a: {} },
      {
        master: {
          interceptors: [failing],
          onInterceptorError: (error) => {
            throw error
          },
        },
      },
    )
    ada.proxy.update([], { x: 1 })
    ada.proxy.update(['a'], { n: 1 })
    const flush = ada.proxy.beginFlush()!
    expect(() => ada.send(flush)).toThrow('secret')
    expect(world.master.snapshot()).toEqual({
      commandCount: 0,
      hash: 'genesis',
      document: { a: {} },
    })
    expect(world.master.client(flush.clientId)).toBeUndefined()
  })
})
