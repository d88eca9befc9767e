// The behaviours of the original library that its users rely on, as far as they
// concern the master; the others are in original.test.ts.
import { type Command } from '@flushout/core'
import { World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'
import { masterAt, context, flushOf, pair } from './support/original.ts'

describe('the master', () => {
  test('R29: answers a flush at its head with nothing but the new count', () => {
    const master = masterAt(23)
    const answer = master.apply(
      flushOf(
        [
          { action: 'update', props: { a: 1 } },
          { action: 'create', id: 'b' },
        ],
        23,
      ),
      context,
    )
    expect(answer).toMatchObject({
      commandCount: 25,
      verdicts: [],
      remaps: [],
      sync: { kind: 'none' },
    })
  })

  test('R30, decided otherwise: an amended command comes back as a verdict, and needs neither history nor sync', () => {
    const world = new World(
      {},
      {
        master: { maxHistoryBytes: 0, interceptors: [() => ({ props: { stamped: true } })] },
      },
    )
    const ada = world.join('ada')
    const receipt = ada.proxy.apply({ action: 'update', props: { a: 1 } })
    const answer = ada.send(ada.proxy.beginFlush()!)
    expect(answer.sync).toEqual({ kind: 'none' })
    expect(answer.verdicts).toMatchObject([
      { index: 0, kind: 'amended', command: { props: { stamped: true } } },
    ])
    ada.proxy.endFlush(answer)
    expect(receipt.outcome).toMatchObject({ kind: 'amended' })
    expect(ada.proxy.read()).toEqual({ stamped: true })
  })

  test('R31: gives a client that is behind a snapshot when it keeps no history', () => {
    const { ada, bob } = pair(0, 0)
    bob.proxy.update([], { b: 1 })
    bob.flush()
    const answer = ada.send(ada.proxy.beginFlush({ pull: true })!)
    expect(answer.sync).toMatchObject({
      kind: 'snapshot',
      snapshot: { commandCount: 1, document: { b: 1 } },
    })
  })

  test('R32: gives a client that is behind the updates when it has the history, its own flush included', () => {
    const { ada, bob } = pair(0)
    ada.proxy.update(
      [],
      Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, index])),
    )
    ada.settle()
    bob.settle()
    bob.proxy.update([], { b: 1 })
    bob.flush()
    ada.proxy.update([], { a: 1 })
    const { sync } = ada.send(ada.proxy.beginFlush()!)
    expect(sync).toMatchObject({
      kind: 'updates',
      updates: [
        { from: 1, clientId: bob.proxy.clientId, commands: [{ props: { b: 1 } }] },
        { from: 2, clientId: ada.proxy.clientId },
      ],
    })
  })

  test('R33: gives a snapshot when its history does not reach back to the count of the client', () => {
    const { world, ada, bob } = pair(0, 700)
    for (let count = 0; count < 10; count += 1) {
      bob.proxy.update([], { text: 'x'.repeat(40), count })
      bob.flush()
    }
    expect(world.master.floor).toBeGreaterThan(0)
    expect(ada.send(ada.proxy.beginFlush({ pull: true })!).sync.kind).toBe('snapshot')
  })

  test('R34, decided otherwise: a client that is ahead is told that the history changed, and then gets a snapshot', () => {
    const { ada } = pair(3)
    const other = masterAt(1, { restored: true })
    ada.proxy.update([], { mine: 1 })
    const flush = ada.proxy.beginFlush()!
    const refusal = expect.objectContaining({ code: 'HISTORY_CHANGED', retry: 'after-resync' })
    expect(() => other.apply(flush, context)).toThrow(refusal)
    for (const from of [2, 99, Number.MAX_SAFE_INTEGER]) {
      expect(() => other.apply(flushOf([], from), context)).toThrow(refusal)
    }
    ada.proxy.failFlush({ code: 'HISTORY_CHANGED', message: '', retry: 'after-resync' })
    const again = ada.proxy.beginFlush()!
    expect(again.hash).toBe('')
    ada.proxy.endFlush(other.apply(again, context))
    expect(ada.proxy.read()).toEqual({ restored: true, mine: 1 })
  })

  test('R35: goes on after a rejected command; what depends on it is dropped, the rest is history', () => {
    const master = masterAt(0, { a: {} })
    const { verdicts, commandCount } = master.apply(
      flushOf([
        { action: 'update', path: ['gone'], props: { n: 1 } },
        { action: 'create', path: ['gone'], id: 'x' },
        { action: 'update', path: ['gone', 'x'], props: { n: 2 } },
        { action: 'update', path: ['a'], props: { n: 3 } },
      ]),
      context,
    )
    expect(verdicts.map(({ index, kind }) => [index, kind])).toEqual([
      [0, 'dropped'],
      [1, 'dropped'],
      [2, 'dropped'],
    ])
    expect(verdicts[2]).toMatchObject({ rejection: { code: 'PARENT_REJECTED', at: ['gone', 'x'] } })
    expect(commandCount).toBe(1)
    expect(master.pull(0, 'hash-0').sync).toMatchObject({ kind: 'snapshot' })
    expect(master.snapshot().document).toEqual({ a: { n: 3 } })
  })

  for (const maxHistoryBytes of [0, undefined]) {
    test(`R36: two clients create the same id with children and converge, ${maxHistoryBytes === 0 ? 'without' : 'with'} history`, () => {
      const { world, ada, bob } = pair(0, maxHistoryBytes)
      for (const { name, proxy } of [ada, bob]) {
        proxy.create([], { by: name }, { id: 'same' })
        proxy.create(['same'], { child: name }, { id: 'child' })
      }
      world.settle()
      expect(world.master.commandCount).toBe(4)
      const { document } = world.master.snapshot()
      const [adas, bobs] = Object.values(document)
      expect(adas).toEqual({ by: 'ada', child: { child: 'ada' } })
      expect(bobs).toEqual({ by: 'bob', child: { child: 'bob' } })
      for (const { proxy } of [ada, bob])
        expect(JSON.stringify(proxy.read())).toBe(JSON.stringify(document))
    })
  }

  test('R37: an empty flush pulls, and uses up no number', () => {
    const { ada, bob } = pair(0)
    bob.proxy.update([], { b: 1 })
    bob.flush()
    ada.flush()
    expect(ada.proxy.read()).toEqual({ b: 1 })
    ada.proxy.update([], { a: 1 })
    expect(ada.proxy.beginFlush()!.sequence).toBe(1)
  })

  test('R38: an interceptor on the proxy refuses on the spot, and nothing is queued', () => {
    const world = new World<Record<string, any>>(
      {},
      {
        proxy: { interceptors: [() => ({ reject: { code: 'NO', message: 'Not today.' } })] },
      },
    )
    const { proxy } = world.join('ada')
    const receipt = proxy.update([], { a: 1 })
    expect(receipt).toMatchObject({ ok: false, rejection: { code: 'NO', message: 'Not today.' } })
    expect(proxy.status.queued).toBe(0)
    expect(proxy.read()).toEqual({})
  })

  test('R39: remaps name old and new path, and commands queued on the old id arrive at the new one', () => {
    const { world, ada, bob } = pair(0)
    bob.proxy.create([], { by: 'bob' }, { id: 'same' })
    bob.flush()
    const { id } = ada.proxy.create([], { by: 'ada' }, { id: 'same' })
    const flush = ada.proxy.beginFlush()!
    ada.proxy.update([id], { later: true })
    const answer = ada.send(flush)
    const renamed = answer.remaps[0]!.to
    expect(answer.remaps).toEqual([{ from: ['same'], to: renamed }])
    ada.proxy.endFlush(answer)
    ada.settle()
    expect(world.master.read(renamed)).toEqual({ by: 'ada', later: true })
    expect(world.master.read(['same'])).toEqual({ by: 'bob' })
  })

  test('R40: the history as applied rebuilds the document', () => {
    const source = masterAt(0)
    const staged = [
      source.stage(
        flushOf([
          { action: 'create', id: 'a' },
          { action: 'update', path: ['a'], props: { n: 1 } },
        ]),
        context,
      ),
      source.stage(
        flushOf([{ action: 'delete', path: ['a', 'n'] }, { action: 'create' }], 2, '', 2),
        context,
      ),
    ]
    source.commit()
    const rebuilt = masterAt(0)
    rebuilt.advance(staged.map(({ entry }) => entry!))
    expect(rebuilt.snapshot()).toEqual(source.snapshot())
  })

  test('R41: runs on after an unknown action, which does not count', () => {
    const master = masterAt(0)
    const odd = { action: 'rename', path: ['a'] } as unknown as Command
    const answer = master.apply(flushOf([odd, { action: 'update', props: { a: 1 } }]), context)
    expect(answer.verdicts).toMatchObject([
      { index: 0, kind: 'rejected', rejection: { code: 'COMMAND_UNKNOWN' } },
    ])
    expect(answer.commandCount).toBe(1)
    expect(master.snapshot().document).toEqual({ a: 1 })
  })
})
