import { CommandProxy, FlushoutError, type EntryNote, type Flush } from '@flushout/core'
import { createTestIds, throughJson, World } from '@flushout/core/testing'
import { UndoStack } from '@flushout/core/undo'
import { describe, expect, test } from 'vitest'

function open(document: object = {}) {
  const world = new World<Record<string, any>>(document as Record<string, any>)
  const ada = world.join('ada')
  return { world, ada, proxy: ada.proxy }
}

/** The notes of the last entry of the history. */
function notesOf({ master }: World<any>): readonly EntryNote[] | undefined {
  const { commandCount } = master
  for (let from = commandCount - 1; ; from -= 1) {
    const hash = master.hashAt(from)
    if (hash) return master.since({ from, hash })!.at(-1)!.notes
  }
}

describe('a label', () => {
  test('of a batch goes with all its commands, and ends in the history once', () => {
    const { world, ada, proxy } = open({ a: {}, b: {} })
    proxy.update(['a'], { n: 1 })
    proxy.batch(
      () => {
        proxy.update(['a'], { n: 2 })
        proxy.update(['b'], { n: 2 })
      },
      { label: 'Count on' },
    )
    proxy.update(['b'], { n: 3 })
    expect(ada.proxy.beginFlush()!.groups).toEqual([{ at: 1, count: 2, label: 'Count on' }])
    proxy.cancelFlush()
    ada.flush()
    expect(notesOf(world)).toEqual([{ index: 1, count: 2, label: 'Count on' }])
  })

  test('of one command is given with it', () => {
    const { world, ada, proxy } = open({ a: {} })
    proxy.update(['a'], { n: 1 }, { label: 'Once' })
    proxy.update(['a'], { n: 2 }, { label: 'Twice' })
    expect(proxy.beginFlush()!.groups).toEqual([
      { at: 0, count: 1, label: 'Once' },
      { at: 1, count: 1, label: 'Twice' },
    ])
    proxy.cancelFlush()
    ada.flush()
    expect(notesOf(world)).toEqual([
      { index: 0, label: 'Once' },
      { index: 1, label: 'Twice' },
    ])
  })

  test('of the outer batch counts; one inside a batch without any is its own', () => {
    const { proxy } = open({ a: {} })
    proxy.batch(() => proxy.batch(() => proxy.update(['a'], { n: 1 }), { label: 'inner' }), {
      label: 'outer',
    })
    proxy.batch(() => {
      proxy.update(['a'], { n: 2 })
      proxy.batch(() => proxy.update(['a'], { n: 3 }), { label: 'inner' })
    })
    expect(proxy.beginFlush()!.groups).toEqual([
      { at: 0, count: 1, label: 'outer' },
      { at: 2, count: 1, label: 'inner' },
    ])
  })

  test('is cut where it is too long, and says the same on both sides', () => {
    const { proxy } = open({ a: {} })
    proxy.update(['a'], { n: 1 }, { label: `${'x'.repeat(199)}🙂` })
    const [group] = proxy.beginFlush()!.groups!
    expect(group!.label).toBe(`${'x'.repeat(199)}\uFFFD`)
  })

  test('of a step to undo is that of its batch', () => {
    const { proxy } = open({ a: {} })
    new UndoStack(proxy).step('Count', () => proxy.update(['a'], { n: 1 }))
    expect(proxy.beginFlush()!.groups).toEqual([{ at: 0, count: 1, label: 'Count' }])
  })

  test('is not told of what was refused', () => {
    const { world, ada, proxy } = open({ a: {}, b: {} })
    const bob = world.join('bob')
    proxy.batch(
      () => {
        proxy.update(['a'], { n: 1 })
        proxy.update(['b'], { n: 1 })
      },
      { label: 'Both' },
    )
    proxy.update(['a'], { n: 2 }, { label: 'A' })
    bob.proxy.delete(['a'])
    bob.flush()
    ada.flush()
    expect(notesOf(world)).toEqual([{ index: 0, label: 'Both' }])
  })

  test('outlives the page', () => {
    const { world, proxy } = open({ a: {} })
    proxy.batch(
      () => {
        proxy.update(['a'], { n: 1 })
        proxy.update(['a'], { n: 2 })
      },
      { label: 'Count' },
    )
    const memory = throughJson(proxy.memory)
    const restored = new CommandProxy(world.master.snapshot(), {
      createId: createTestIds('again'),
      now: () => 0,
      memory,
    })
    expect(restored.memory.pending).toEqual(memory.pending)
    expect(restored.beginFlush()!.groups).toEqual([{ at: 0, count: 2, label: 'Count' }])
  })

  test('makes another flush of the same commands: it is not taken for a repeated one', () => {
    const { world, ada, proxy } = open({ a: {} })
    proxy.update(['a'], { n: 1 }, { label: 'Once' })
    const flush = proxy.beginFlush()!
    ada.send(flush)
    const other = { ...flush, groups: [{ at: 0, count: 1, label: 'Other' }] }
    expect(() => ada.send(other)).toThrow('Flush 1 was another flush before.')
    expect(ada.send(flush).outcome).toBe('repeated')
    expect(world.master.commandCount).toBe(1)
  })

  test.each([
    [[{ at: 1, count: 1 }]],
    [[{ at: 0, count: 0 }]],
    [[{ at: 0, count: 1, label: 'x'.repeat(201) }]],
    [
      [
        { at: 0, count: 1 },
        { at: 0, count: 1 },
      ],
    ],
  ])('is refused with the flush where groups are no ranges: %j', (groups) => {
    const { ada, proxy } = open({ a: {} })
    proxy.update(['a'], { n: 1 })
    const flush: Flush = { ...proxy.beginFlush()!, groups }
    expect(() => ada.send(flush)).toThrow(FlushoutError)
  })
})

/** Two todos for ada and bob, and a batch of ada that changes both, all or none. */
function openPair(options: Parameters<World['join']>[1] = {}) {
  const world = new World<Record<string, any>>({ a: { n: 0 }, b: { n: 0 } })
  const ada = world.join('ada', options)
  const bob = world.join('bob')
  const both = (n = 1) =>
    ada.proxy.batch(
      () => [ada.proxy.update(['a'], { n }), ada.proxy.update(['b'], { n })] as const,
      { atomic: true },
    )
  return { world, ada, bob, both, proxy: ada.proxy }
}

describe('an atomic group', () => {
  test('takes effect as a whole, and the history says so', () => {
    const { world, ada, both, proxy } = openPair()
    const receipts = both()
    expect(proxy.beginFlush()!.groups).toEqual([{ at: 0, count: 2, atomic: true }])
    proxy.cancelFlush()
    ada.flush()
    expect(receipts.map(({ outcome }) => outcome!.kind)).toEqual(['applied', 'applied'])
    expect(world.master.read()).toEqual({ a: { n: 1 }, b: { n: 1 } })
    expect(notesOf(world)).toEqual([{ index: 0, count: 2, atomic: true }])
  })

  test('of which one command does not apply on the master leaves no trace', () => {
    const { world, ada, bob, both, proxy } = openPair()
    proxy.update(['a'], { before: true })
    const receipts = both()
    proxy.update(['a'], { after: true })
    bob.proxy.delete(['b'])
    bob.flush()
    ada.flush()
    expect(receipts.map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'dropped', rejection: { code: 'GROUP_REJECTED' } },
      { kind: 'dropped', rejection: { code: 'PATH_NOT_FOUND' } },
    ])
    expect(world.master.read()).toEqual({ a: { n: 0, before: true, after: true } })
    expect(proxy.read()).toEqual(world.master.read())
    expect(notesOf(world)).toBeUndefined()
    expect(proxy.rejections).toHaveLength(2)
  })

  test('of which a rule of the master refuses one falls as a whole, with what builds on it', () => {
    const world = new World<Record<string, any>>(
      { todos: {} },
      {
        master: {
          interceptors: [
            (_document, command) =>
              command.action === 'create' && command.props?.['bad']
                ? { reject: { message: 'No.' } }
                : undefined,
          ],
        },
      },
    )
    const ada = world.join('ada')
    const { proxy } = ada
    const receipts = proxy.batch(
      () => [
        proxy.create(['todos'], {}, { id: 'x' }),
        proxy.create(['todos', 'x'], { bad: true }, { id: 'y' }),
        proxy.create(['todos', 'x', 'y'], {}, { id: 'z' }),
      ],
      { atomic: true },
    )
    const below = proxy.update(['todos', 'x'], { n: 1 })
    ada.flush()
    expect([...receipts, below].map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'dropped', rejection: { code: 'GROUP_REJECTED' } },
      { kind: 'rejected', rejection: { code: 'REJECTED' } },
      { kind: 'dropped', rejection: { code: 'GROUP_REJECTED' } },
      { kind: 'dropped', rejection: { code: 'PARENT_REJECTED' } },
    ])
    expect(world.master.commandCount).toBe(0)
    expect(world.master.documentBytes).toBe(new World({ todos: {} }).master.documentBytes)
    expect(proxy.read()).toEqual({ todos: {} })
  })

  test('of which one is refused on the spot is taken back, with one notification', () => {
    const { proxy } = open({ a: { n: 0 } })
    const before = proxy.read()
    const seen: unknown[] = []
    proxy.subscribe(() => seen.push(proxy.read()))
    const [first, second, third] = proxy.batch(
      () =>
        [
          proxy.update(['a'], { n: 1 }),
          proxy.update(['nowhere'], { n: 1 }),
          proxy.update(['a'], { n: 2 }),
        ] as const,
      { atomic: true },
    )
    expect(proxy.read()).toBe(before)
    expect(seen.every((document) => document === before)).toBe(true)
    expect([first.ok, second.ok, third.ok]).toEqual([false, false, false])
    expect(second.outcome).toMatchObject({ kind: 'rejected' })
    expect(third.outcome).toMatchObject({ rejection: { code: 'GROUP_REJECTED' } })
    expect(proxy.beginFlush()).toBeUndefined()
    expect(proxy.rejections).toEqual([])
  })

  test('of which one has a wrong form is taken back', () => {
    const { proxy } = open({ a: { n: 0 } })
    proxy.batch(
      () => {
        proxy.update(['a'], { n: 1 })
        proxy.update(['a'], { n: Number.NaN })
      },
      { atomic: true },
    )
    expect(proxy.read()).toEqual({ a: { n: 0 } })
    proxy.batch(() => proxy.update(['a'], { n: 2 }), { atomic: true })
    expect(proxy.read()).toEqual({ a: { n: 2 } })
  })

  test('in a batch is a group of its own; a batch in it belongs to it', () => {
    const { proxy } = open({ a: {}, b: {} })
    proxy.batch(
      () => {
        proxy.update(['a'], { n: 1 })
        proxy.batch(
          () => {
            proxy.update(['a'], { n: 2 })
            proxy.batch(() => proxy.update(['b'], { n: 2 }), { label: 'inner' })
          },
          { atomic: true },
        )
        proxy.update(['a'], { n: 3 })
      },
      { label: 'outer' },
    )
    expect(proxy.beginFlush()!.groups).toEqual([
      { at: 0, count: 1, label: 'outer' },
      { at: 1, count: 2, label: 'outer', atomic: true },
      { at: 3, count: 1, label: 'outer' },
    ])
  })

  test('is never split over two flushes', () => {
    const { proxy, both } = openPair({ maxFlushCommands: 3 })
    proxy.update(['a'], { n: 5 })
    proxy.update(['a'], { n: 6 })
    both()
    expect(proxy.beginFlush()!.commands).toHaveLength(2)
    const { ada, proxy: other, both: otherBoth } = openPair({ maxFlushBytes: 260 })
    other.update(['a'], { text: 'x'.repeat(100) })
    otherBoth()
    expect(other.beginFlush()!.commands).toHaveLength(1)
    other.cancelFlush()
    ada.flush()
    expect(other.beginFlush()!.commands).toHaveLength(2)
  })

  test('that fits into no flush is refused on the spot', () => {
    const { proxy, both } = openPair({ maxFlushCommands: 1 })
    expect(both().map(({ rejection }) => rejection!.code)).toEqual([
      'GROUP_TOO_LARGE',
      'GROUP_TOO_LARGE',
    ])
    expect(proxy.read()).toEqual({ a: { n: 0 }, b: { n: 0 } })
    const { both: otherBoth } = openPair({ maxFlushBytes: 120 })
    expect(otherBoth()[0].rejection).toMatchObject({ code: 'GROUP_TOO_LARGE' })
  })

  test('is one where a flush that is too large goes in halves', () => {
    const { world, ada, both, proxy } = openPair()
    proxy.update(['a'], { first: true })
    const receipts = both()
    proxy.update(['b'], { last: true })
    const sizes: number[] = []
    for (let flush = proxy.beginFlush(); flush; flush = proxy.beginFlush()) {
      sizes.push(flush.commands.length)
      const isRefused = flush.groups !== undefined
      if (isRefused) proxy.failFlush(new FlushoutError('FLUSH_TOO_LARGE', 'Too large.'))
      else proxy.endFlush(ada.send(flush))
    }
    expect(sizes).toEqual([4, 1, 3, 2, 1])
    expect(receipts.map(({ outcome }) => outcome!.kind)).toEqual(['rejected', 'rejected'])
    expect(world.master.read()).toEqual({ a: { n: 0, first: true }, b: { n: 0, last: true } })
  })

  test('is not sent before it is whole', () => {
    const { proxy } = open({ a: {} })
    proxy.update(['a'], { n: 0 })
    proxy.batch(
      () => {
        proxy.update(['a'], { n: 1 })
        expect(proxy.beginFlush()!.commands).toHaveLength(1)
        proxy.update(['a'], { n: 2 })
      },
      { atomic: true },
    )
    expect(proxy.memory.pending).toHaveLength(3)
  })

  test('falls as a whole on a rebase, with a flush of others in between', () => {
    const { world, ada, bob, both, proxy } = openPair()
    const receipts = both()
    const after = proxy.update(['a'], { after: true })
    bob.proxy.delete(['b'])
    bob.flush()
    proxy.receive(throughJson(world.master.pull(0, 'genesis')), 'genesis')
    expect(proxy.read()).toEqual({ a: { n: 0, after: true } })
    expect(receipts.map(({ outcome }) => outcome)).toMatchObject([
      { rejection: { code: 'GROUP_REJECTED' } },
      { rejection: { code: 'PATH_NOT_FOUND' } },
    ])
    ada.flush()
    expect(after.outcome).toEqual({ kind: 'applied' })
  })

  test('in flight shows as a whole or not at all', () => {
    const { world, ada, bob, both, proxy } = openPair()
    both()
    const flush = proxy.beginFlush()!
    bob.proxy.delete(['b'])
    const { clientId, sequence, commands } = bob.proxy.beginFlush()!
    bob.proxy.cancelFlush()
    bob.flush()
    const { hash } = world.master
    const updates = [{ from: 0, hash, clientId, sequence, commands }]
    const news = { commandCount: 1, hash, sync: { kind: 'updates', updates } }
    expect(proxy.receive(news, 'genesis')).toBe('applied')
    expect(proxy.read()).toEqual({ a: { n: 0 } })
    proxy.endFlush(ada.send(flush))
    expect(proxy.read()).toEqual({ a: { n: 0 } })
    expect(proxy.rejections).toHaveLength(2)
  })

  test('is in one place among what other sessions wait for', () => {
    const { proxy, both } = openPair()
    both()
    const { commands } = proxy.pending
    // Given at the same time as the first, so it belongs between the two.
    const { serial } = commands[0]!
    const update = { action: 'update', path: ['b'], props: { n: 9 } } as const
    proxy.showOthers([{ clientId: 'z', commands: [{ serial, command: update }] }])
    expect(proxy.read()).toEqual({ a: { n: 1 }, b: { n: 9 } })
    expect(proxy.confirmedSnapshot().document).toEqual({ a: { n: 0 }, b: { n: 0 } })
    const remove = { action: 'delete', path: ['b'] } as const
    proxy.showOthers([{ clientId: 'z', commands: [{ serial: 0, command: remove }] }])
    expect(proxy.read()).toEqual({ a: { n: 0 } })
    proxy.showOthers([])
    expect(proxy.read()).toEqual({ a: { n: 1 }, b: { n: 1 } })
  })

  test('waits as a whole for what it builds on in another session', () => {
    const { proxy, both } = openPair()
    const command = { action: 'update', path: ['b'], props: { n: 9 } } as const
    proxy.showOthers([{ clientId: 'z', commands: [{ serial: 1, command }] }])
    proxy.update(['a'], { n: 7 })
    both()
    expect(proxy.beginFlush()!.commands).toHaveLength(1)
  })

  test('is withdrawn as a whole', () => {
    const { proxy, both } = openPair()
    const receipts = both()
    const { serial } = proxy.pending.commands[1]!
    expect(proxy.withdraw([serial])).toHaveLength(2)
    expect(receipts[0].outcome).toMatchObject({ rejection: { code: 'WITHDRAWN' } })
    expect(proxy.read()).toEqual({ a: { n: 0 }, b: { n: 0 } })
  })

  test('outlives the page as one, and is lost as one where one of it cannot be read', () => {
    const { world, proxy, both } = openPair()
    both()
    const memory = throughJson(proxy.memory)
    const options = { createId: createTestIds('again'), now: () => 0 }
    const restored = new CommandProxy(world.master.snapshot(), { ...options, memory })
    expect(restored.read()).toEqual({ a: { n: 1 }, b: { n: 1 } })
    expect(restored.beginFlush()!.groups).toEqual([{ at: 0, count: 2, atomic: true }])
    const [first, second] = memory.pending
    const spoiled = { ...second!, command: { action: 'burn' } as never }
    const other = new CommandProxy(world.master.snapshot(), {
      ...options,
      memory: { ...memory, pending: [first!, spoiled] },
    })
    expect(other.read()).toEqual({ a: { n: 0 }, b: { n: 0 } })
    expect(other.rejections.map(({ rejection }) => rejection.code).sort()).toEqual([
      'COMMAND_UNKNOWN',
      'GROUP_REJECTED',
    ])
  })
})

/** A document in which ada and bob decide by what the other one changes. */
function openReads(options: { master?: object } = {}) {
  const world = new World<Record<string, any>>({ a: { n: 0 }, b: { n: 0 }, c: { n: 0 } }, options)
  const ada = world.join('ada')
  const bob = world.join('bob')
  /** Decide by `reads` to set `write`. */
  const decide = (peer: typeof ada, reads: string[], write: string) =>
    peer.proxy.batch(() => peer.proxy.update([write], { by: peer.name }), {
      reads: reads.map((name) => [name]),
    })
  return { world, ada, bob, decide }
}

const CONFLICT = { kind: 'conflict', rejection: { code: 'CONFLICT' } }

describe('a group that was decided by what was read', () => {
  test('says what and when, is atomic, and the history keeps it', () => {
    const { world, ada, decide } = openReads()
    decide(ada, ['a', 'b'], 'c')
    const reads = { since: 0, hash: 'genesis', paths: [['a'], ['b']] }
    expect(ada.proxy.beginFlush()!.groups).toEqual([{ at: 0, count: 1, atomic: true, reads }])
    ada.proxy.cancelFlush()
    ada.flush()
    const { hash: _, ...kept } = reads
    expect(notesOf(world)).toEqual([{ index: 0, atomic: true, reads: kept }])
  })

  test('is a conflict where each of two writes what the other one read', () => {
    const { world, ada, bob, decide } = openReads()
    decide(ada, ['a'], 'b')
    const receipt = decide(bob, ['b'], 'a')
    const after = bob.proxy.update(['c'], { n: 1 })
    ada.flush()
    bob.flush()
    expect(receipt.outcome).toMatchObject({ ...CONFLICT, rejection: { at: ['b'] } })
    expect(receipt.outcome).toMatchObject({ given: { by: 'bob' }, found: {} })
    expect(after.outcome).toEqual({ kind: 'applied' })
    expect(world.master.read()).toEqual({ a: { n: 0 }, b: { n: 0, by: 'ada' }, c: { n: 1 } })
    expect(bob.proxy.read()).toEqual(world.master.read())
  })

  test('is let in where it could have come first', () => {
    const { world, ada, bob, decide } = openReads()
    decide(ada, ['c'], 'b')
    const receipt = decide(bob, ['b'], 'a')
    ada.flush()
    bob.flush()
    expect(receipt.outcome).toEqual({ kind: 'applied' })
    expect(world.master.read(['a', 'by'])).toBe('bob')
  })

  test('is a conflict where it writes what another has written that it read', () => {
    const { ada, bob, decide } = openReads()
    decide(ada, [], 'b')
    const receipt = decide(bob, ['b'], 'b')
    ada.flush()
    bob.flush()
    expect(receipt.outcome).toMatchObject({ ...CONFLICT, found: { by: 'ada' } })
  })

  test('is a conflict where a third one would have to come in between', () => {
    const { world, ada, bob, decide } = openReads()
    const eve = world.join('eve')
    const receipt = decide(bob, ['a'], 'c')
    ada.proxy.update(['a'], { by: 'ada' })
    ada.flush()
    eve.flush()
    // It has seen what bob has not, and writes what he writes.
    decide(eve, ['a'], 'c')
    eve.flush()
    bob.flush()
    expect(receipt.outcome).toMatchObject(CONFLICT)
  })

  test('with several commands is told by its first; the others fall with it', () => {
    const { ada, bob } = openReads()
    ada.proxy.update(['b'], { n: 1 })
    const receipts = bob.proxy.batch(
      () => [bob.proxy.update(['a'], { n: 1 }), bob.proxy.update(['b'], { n: 2 })],
      { reads: [['b', 'n']], label: 'Move' },
    )
    ada.flush()
    bob.flush()
    expect(receipts.map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'conflict', rejection: { code: 'CONFLICT', at: ['b', 'n'] } },
      { kind: 'dropped', rejection: { code: 'GROUP_REJECTED' } },
    ])
    expect(bob.proxy.read()).toEqual({ a: { n: 0 }, b: { n: 1 }, c: { n: 0 } })
  })

  test('may read what its own client has written, as long as that is so', () => {
    const { bob, decide } = openReads()
    bob.proxy.update(['a'], { n: 1 })
    const receipt = decide(bob, ['a'], 'b')
    bob.flush()
    expect(receipt.outcome).toEqual({ kind: 'applied' })
  })

  test('is a conflict where its own client had another command refused in the same flush', () => {
    const { ada, bob, decide } = openReads()
    bob.proxy.update(['a'], { n: 1 })
    const receipt = decide(bob, ['a'], 'b')
    const other = decide(bob, ['c'], 'b')
    ada.proxy.delete(['a'])
    ada.flush()
    bob.flush()
    expect(receipt.outcome).toMatchObject(CONFLICT)
    expect(other.outcome).toEqual({ kind: 'applied' })
  })

  test('is a conflict where the master amended a command of the flush before', () => {
    const { bob, decide } = openReads({
      master: {
        interceptors: [
          (_document: unknown, { props }: any) =>
            props?.stamp ? { props: { ...props, stamp: 'master' } } : undefined,
        ],
      },
    })
    bob.proxy.update(['a'], { stamp: 'bob' })
    const flush = bob.proxy.beginFlush()!
    const receipt = decide(bob, ['a'], 'b')
    const other = decide(bob, ['c'], 'b')
    bob.proxy.endFlush(bob.send(flush))
    expect(receipt.outcome).toMatchObject({ ...CONFLICT, rejection: { at: ['a'] } })
    expect(other.outcome).toBeUndefined()
    expect(bob.proxy.read(['b'])).toEqual({ n: 0, by: 'bob' })
  })

  test.each([
    ['the history does not reach back that far', { maxHistoryBytes: 0 }, undefined],
    ['the past is another one', {}, 'other'],
    ['no past is claimed', {}, ''],
  ])('is a conflict where %s', (_name, master, hash) => {
    const { ada, bob, decide } = openReads({ master })
    const receipt = decide(bob, ['a'], 'b')
    ada.proxy.update(['c'], { n: 1 })
    ada.flush()
    const flush = bob.proxy.beginFlush()!
    const groups = flush.groups!.map((group) => ({
      ...group,
      reads: { ...group.reads!, hash: hash ?? group.reads!.hash },
    }))
    bob.proxy.endFlush(bob.send({ ...flush, groups }))
    expect(receipt.outcome).toMatchObject(CONFLICT)
  })

  test('has read what batches in it have read', () => {
    const { ada, decide } = openReads()
    ada.proxy.batch(() => [decide(ada, ['b'], 'b'), decide(ada, ['c'], 'b')], { reads: [['a']] })
    const [group] = ada.proxy.beginFlush()!.groups!
    expect(group).toMatchObject({ count: 2, reads: { paths: [['a'], ['b'], ['c']] } })
  })

  test('says so where what was read are no paths, or too many', () => {
    const { ada } = openReads()
    for (const reads of [['a'], [['__proto__']], Array.from({ length: 101 }, () => ['a'])]) {
      const run = () => ada.proxy.batch(() => ada.proxy.update(['a'], {}), { reads } as never)
      expect(run).toThrow(FlushoutError)
    }
    expect(ada.proxy.pending.commands).toEqual([])
  })

  test('outlives the page with what it read', () => {
    const { world, ada, decide } = openReads()
    decide(ada, ['a'], 'b')
    const memory = throughJson(ada.proxy.memory)
    const options = { createId: createTestIds('again'), now: () => 0, memory }
    const restored = new CommandProxy(world.master.snapshot(), options)
    expect(restored.beginFlush()!.groups).toEqual(ada.proxy.beginFlush()!.groups)
  })
})
