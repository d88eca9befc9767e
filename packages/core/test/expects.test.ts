import type { CommandProxy, JsonObject, Master, Resolver, Update } from '@flushout/core'
import { throughJson, World } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const TEXT = { a: { text: 'old', size: { w: 1, h: 2 } }, b: {} }

function meet(
  document: JsonObject = TEXT,
  options: ConstructorParameters<typeof World>[1] = {},
): { world: World; ada: Side; bob: Side } {
  const world = new World(document, options)
  return { world, ada: world.join('ada'), bob: world.join('bob') }
}
type Side = ReturnType<World['join']>

const textOf = (props?: JsonObject) => props!['text'] as string
const expectOld = { props: { text: 'old' } }
const stored = ({ master }: { master: Master }) => master.snapshot().document

describe('an update that expects props', () => {
  test('is a conflict where somebody was first: nothing is overwritten, both values are told', () => {
    const { world, ada, bob } = meet()
    ada.proxy.update(['a'], { text: 'ada' })
    const raced = bob.proxy.update(['a'], { text: 'bob', n: 1 }, { expects: expectOld })
    const next = bob.proxy.update(['b'], { n: 2 })
    expect(bob.proxy.read(['a', 'text'])).toBe('bob')
    ada.settle()
    world.now = 77
    world.settle()
    expect(stored(world)).toEqual({ a: { text: 'ada', size: { w: 1, h: 2 } }, b: { n: 2 } })
    expect(bob.proxy.read()).toEqual(stored(world))
    const conflict = {
      kind: 'conflict',
      rejection: { code: 'CONFLICT', message: expect.any(String), at: ['a', 'text'] },
      given: { text: 'bob', n: 1 },
      found: { text: 'ada' },
    }
    expect(raced.outcome).toEqual(conflict)
    expect(next.outcome).toEqual({ kind: 'applied' })
    expect(bob.proxy.rejections).toEqual([
      {
        ...conflict,
        command: {
          action: 'update',
          path: ['a'],
          props: { text: 'bob', n: 1 },
          expects: expectOld,
        },
        path: ['a'],
        at: 77,
      },
    ])
  })

  test('is applied as sent where all is as expected, and the history does not tell what was', () => {
    const { world, ada, bob } = meet()
    ada.proxy.update(['a'], { n: 1 })
    ada.settle()
    const receipt = bob.proxy.update(
      ['a'],
      { text: 'bob' },
      { expects: { props: { size: { h: 2, w: 1 }, text: 'old' }, unset: ['gone'] } },
    )
    world.settle()
    expect(receipt.outcome).toEqual({ kind: 'applied' })
    const [entry] = world.master.since({ from: 1, hash: world.master.hashAt(1)! })!
    expect(entry!.commands).toEqual([{ action: 'update', path: ['a'], props: { text: 'bob' } }])
    expect(entry).not.toHaveProperty('notes')
    expect(ada.proxy.read()).toEqual(stored(world))
  })

  test('may expect that something is not there', () => {
    const { world, ada, bob } = meet()
    ada.proxy.update(['b'], { owner: 'ada' })
    const raced = bob.proxy.update(['b'], { owner: 'bob' }, { expects: { unset: ['owner'] } })
    ada.settle()
    world.settle()
    expect(stored(world)).toMatchObject({ b: { owner: 'ada' } })
    expect(raced.outcome).toMatchObject({ kind: 'conflict', found: { owner: 'ada' } })
  })

  test('finds nothing of what was removed, and also tells what it would remove', () => {
    const { world, ada, bob } = meet()
    ada.proxy.update(['a'], { note: 'by ada' }, { unset: ['text'] })
    const raced = bob.proxy.update(['a'], {}, { unset: ['note'], expects: expectOld })
    ada.settle()
    world.settle()
    expect(raced.outcome).toMatchObject({ kind: 'conflict', given: {}, found: { note: 'by ada' } })
    expect(stored(world)).toMatchObject({ a: { note: 'by ada' } })
  })

  test('of a node that is gone is dropped: it is no conflict', () => {
    const { world, ada, bob } = meet()
    ada.proxy.delete(['a'])
    const expects = { ...expectOld, since: 0 }
    const raced = bob.proxy.update(['a'], { text: 'bob' }, { expects })
    ada.settle()
    world.settle()
    expect(raced.outcome).toMatchObject({ kind: 'dropped', rejection: { code: 'PATH_NOT_FOUND' } })
  })

  test('is refused on the spot where it is known here already', () => {
    const { ada, bob } = meet()
    ada.proxy.update(['a'], { text: 'ada' })
    ada.settle()
    bob.settle()
    const before = bob.proxy.read()
    const receipt = bob.proxy.update(['a'], { text: 'bob' }, { expects: expectOld })
    expect(receipt.ok).toBe(false)
    expect(receipt.rejection).toMatchObject({ code: 'CONFLICT', at: ['a', 'text'] })
    expect(receipt.outcome).toMatchObject({
      kind: 'conflict',
      given: { text: 'bob' },
      found: { text: 'ada' },
    })
    expect(bob.proxy.read()).toBe(before)
    expect(bob.proxy.status.queued).toBe(0)
    expect(bob.proxy.rejections).toEqual([])
  })

  test('that meets a conflict while queued does not show, and waits for the word of the master', () => {
    const { world, ada, bob } = meet()
    ada.proxy.update(['a'], { text: 'ada' })
    ada.settle()
    const raced = bob.proxy.update(['a'], { text: 'bob' }, { expects: expectOld })
    const { from, hash } = bob.proxy.confirmed
    expect(bob.proxy.receive(world.master.pull(from, hash))).toBe('applied')
    expect(bob.proxy.read(['a', 'text'])).toBe('ada')
    expect(bob.proxy.status).toMatchObject({ queued: 1, rejected: 0 })
    expect(bob.proxy.commandCount).toBe(1)
    // What was there comes back before the master is asked.
    ada.proxy.update(['a'], { text: 'old' })
    ada.settle()
    world.settle()
    expect(raced.outcome).toEqual({ kind: 'applied' })
    expect(ada.proxy.read(['a', 'text'])).toBe('bob')
  })

  test('sees what its author gave before it, in the same flush', () => {
    const { world, ada, bob } = meet()
    ada.proxy.update(['b'], { n: 1 })
    ada.settle()
    bob.proxy.update(['a'], { text: 'one' }, { expects: expectOld })
    bob.proxy.update(['a'], { text: 'two' }, { expects: { props: { text: 'one' } } })
    world.settle()
    expect(bob.proxy.rejections).toEqual([])
    expect(stored(world)).toMatchObject({ a: { text: 'two' } })
  })

  test('goes on in another proxy that remembers it', () => {
    const { world, ada, bob } = meet()
    bob.proxy.update(['a'], { text: 'bob' }, { expects: expectOld })
    ada.proxy.update(['a'], { text: 'ada' })
    ada.settle()
    const cy = world.join('cy', { memory: throughJson(bob.proxy.memory) })
    expect(cy.proxy.read(['a', 'text'])).toBe('ada')
    cy.settle()
    expect(cy.proxy.rejections).toMatchObject([{ kind: 'conflict', found: { text: 'ada' } }])
  })

  test('of another session does not show where it is a conflict', () => {
    const { ada, bob } = meet()
    ada.proxy.update(['a'], { text: 'ada' }, { expects: expectOld })
    bob.proxy.showOthers([ada.proxy.pending])
    expect(bob.proxy.read(['a', 'text'])).toBe('ada')
    bob.proxy.showOthers([])
    bob.proxy.update(['a'], { text: 'bob' })
    bob.settle()
    bob.proxy.showOthers([ada.proxy.pending])
    expect(bob.proxy.read(['a', 'text'])).toBe('bob')
  })

  test('is refused by both sides where it has not the form', () => {
    const { world, ada } = meet()
    const forms = [
      null,
      [],
      'x',
      { prop: {} },
      { props: [] },
      { props: { x: undefined } },
      { unset: 'text' },
      { unset: [1] },
      { props: { x: 1 }, unset: ['x'] },
      { since: -1 },
      { since: 1.5 },
      { since: '1' },
    ]
    const commands = forms.map((expects) => ({ action: 'update', path: ['a'], expects }))
    for (const command of commands) {
      expect(ada.proxy.apply(command as Update).ok, JSON.stringify(command)).toBe(false)
    }
    const { verdicts } = world.master.apply(
      {
        protocol: 1,
        clientId: 'x',
        sequence: 1,
        from: 0,
        hash: 'genesis',
        commands: commands as Update[],
      },
      { user: undefined, now: 0, seed: '' },
    )
    expect(verdicts.map(({ kind }) => kind)).toEqual(forms.map(() => 'rejected'))
    expect(world.master.commandCount).toBe(0)
  })

  test('tells of long values only so much in one answer, and the document has the rest', () => {
    const long = 'x'.repeat(40_000)
    const { world, ada, bob } = meet({ a: { text: 'old' } })
    ada.proxy.update(['a'], { text: long })
    for (const n of [1, 2]) bob.proxy.update(['a'], { n }, { expects: expectOld })
    const flush = bob.proxy.beginFlush()!
    ada.settle()
    const answer = bob.send(flush)
    expect(answer.verdicts.map((verdict) => 'found' in verdict)).toEqual([true, false])
    expect(JSON.stringify(answer.verdicts).length).toBeLessThan(66_000)
    bob.proxy.endFlush(answer)
    expect(bob.proxy.rejections.map((lost) => lost.kind === 'conflict' && lost.found)).toEqual([
      { text: long },
      { text: long },
    ])
    world.settle()
  })
})

describe('an update that expects nobody else to have written since a count', () => {
  const set = (path: string[], props: JsonObject = { n: 9 }): Update => ({
    action: 'update',
    path,
    props,
  })
  // Long enough for updates to be the shorter answer.
  const START = { a: { b: { c: {} }, x: 1 }, z: {}, notes: 'x'.repeat(1_000) }
  const cases: [string, (proxy: CommandProxy) => unknown, boolean][] = [
    ['at the node', (proxy) => proxy.apply(set(['a', 'b'])), true],
    ['below it', (proxy) => proxy.apply(set(['a', 'b', 'c'])), true],
    ['a new node below it', (proxy) => proxy.create(['a', 'b'], {}), true],
    ['a delete below it', (proxy) => proxy.delete(['a', 'b', 'c']), true],
    ['the node itself', (proxy) => proxy.apply(set(['a'], { b: {} })), true],
    ['all above it', (proxy) => proxy.apply(set([], { a: { b: {} } })), true],
    ['something beside it', (proxy) => proxy.apply(set(['a'], { x: 2 })), false],
    ['a new node beside it', (proxy) => proxy.create(['a'], {}), false],
    ['somewhere else', (proxy) => proxy.apply(set(['z'])), false],
  ]

  for (const [where, write, isConflict] of cases) {
    test(`${isConflict ? 'is a conflict' : 'is applied'} when somebody wrote ${where}`, () => {
      for (const isNoticedBefore of [false, true]) {
        const { world, ada, bob } = meet(START)
        const raced = bob.proxy.update(['a', 'b'], { by: 'bob' }, { expects: { since: 0 } })
        write(ada.proxy)
        ada.settle()
        const { from, hash } = bob.proxy.confirmed
        if (isNoticedBefore) bob.proxy.receive(world.master.pull(from, hash))
        if (isNoticedBefore)
          expect(bob.proxy.read(['a', 'b', 'by'])).toBe(isConflict ? undefined : 'bob')
        world.settle()
        expect(raced.outcome!.kind).toBe(isConflict ? 'conflict' : 'applied')
        expect(bob.proxy.read()).toEqual(stored(world))
        // Given again, it is known here.
        const again = bob.proxy.update(['a', 'b'], { by: 'bob' }, { expects: { since: 0 } })
        expect(again.ok).toBe(!isConflict)
      }
    })
  }

  test('does not mind what its author wrote, nor what was before the count', () => {
    const { world, ada, bob } = meet(START)
    ada.proxy.apply(set(['a', 'b']))
    ada.settle()
    bob.settle()
    bob.proxy.apply(set(['a', 'b'], { n: 1 }))
    bob.settle()
    const receipt = bob.proxy.update(['a', 'b'], { n: 2 }, { expects: { since: 1 } })
    world.settle()
    expect(receipt.outcome).toEqual({ kind: 'applied' })
  })

  test('is a conflict where nobody can vouch for it', () => {
    const expects = { since: 0 }
    const short = meet(START, { master: { maxHistoryBytes: 0 } })
    short.ada.proxy.apply(set(['z']))
    short.ada.settle()
    const tooFar = short.bob.proxy.update(['a'], { x: 2 }, { expects })
    short.world.settle()
    expect(tooFar.outcome!.kind).toBe('conflict')

    const { world, ada, bob } = meet(START)
    ada.proxy.apply(set(['z']))
    ada.settle()
    // Counts of what is not confirmed yet name something else to the master.
    expect(bob.proxy.update(['a'], { x: 2 }, { expects: { since: 1 } }).ok).toBe(false)
    const claimless = bob.proxy.update(['a'], { x: 2 }, { expects })
    bob.proxy.beginFlush()
    bob.proxy.endFlush('not an answer')
    bob.settle()
    expect(claimless.outcome!.kind).toBe('conflict')
    world.settle()
  })
})

describe('a resolver', () => {
  /** Joins both texts. */
  const join: Resolver = ({ command, found }) => ({
    props: { text: `${textOf(found)}+${textOf(command.props)}` },
  })
  const race = (resolve: Resolver, options: ConstructorParameters<typeof World>[1] = {}) => {
    const { world, ada, bob } = meet(TEXT, { ...options, master: { ...options.master, resolve } })
    ada.proxy.update(['a'], { text: 'ada' })
    const raced = bob.proxy.update(['a'], { text: 'bob' }, { expects: expectOld })
    ada.settle()
    world.settle()
    expect(bob.proxy.read()).toEqual(stored(world))
    expect(ada.proxy.read()).toEqual(stored(world))
    return { world, ada, bob, raced, text: ada.proxy.read(['a', 'text']) }
  }

  test('puts both together, for everybody, and the history tells of both', () => {
    const { world, raced, text, bob } = race(join)
    expect(text).toBe('ada+bob')
    const command = { action: 'update', path: ['a'], props: { text: 'ada+bob' } }
    expect(raced.outcome).toEqual({ kind: 'amended', command })
    expect(bob.proxy.rejections).toEqual([])
    const entry = world.master.since({ from: 1, hash: world.master.hashAt(1)! })![0]!
    expect(entry.commands).toEqual([command])
    const sent = { action: 'update', path: ['a'], props: { text: 'bob' }, expects: expectOld }
    expect(entry.notes).toEqual([{ index: 0, merged: { sent, found: { text: 'ada' }, base: 0 } }])
  })

  test('may leave the conflict to its author, or leave all as it is', () => {
    expect(race(() => {}).raced.outcome).toMatchObject({ kind: 'conflict' })
    const { raced, text } = race(() => ({ props: {} }))
    expect([raced.outcome!.kind, text]).toEqual(['amended', 'ada'])
    expect(race(() => ({ props: {}, unset: ['text'] })).text).toBeUndefined()
  })

  test('is followed by the rules', () => {
    const { text } = race(join, {
      master: {
        interceptors: [
          (_, command) =>
            command.action === 'update' && textOf(command.props).includes('+')
              ? { props: { text: textOf(command.props).toUpperCase() } }
              : undefined,
        ],
      },
    })
    expect(text).toBe('ADA+BOB')
    const never = race(join, {
      master: {
        interceptors: [
          (_, command) =>
            command.action === 'update' && command.props!['text'] === 'ada+bob'
              ? { reject: { code: 'NEVER', message: 'Never.' } }
              : undefined,
        ],
      },
    })
    expect(never.raced.outcome).toMatchObject({ kind: 'rejected', rejection: { code: 'NEVER' } })
    expect(never.text).toBe('ada')
  })

  test('that throws or answers what cannot be used refuses the command', () => {
    const errors: unknown[] = []
    const failing = race(
      () => {
        throw new Error('Oops.')
      },
      { master: { onInterceptorError: (error) => errors.push(error) } },
    )
    expect(failing.raced.outcome).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'INTERCEPTOR_FAILED' },
    })
    expect(errors).toEqual([new Error('Oops.')])
    for (const answer of [
      null,
      7,
      {},
      { props: null },
      { props: [] },
      { props: { x: undefined } },
      { props: {}, path: [] },
      { props: { text: 1 }, unset: ['text'] },
      Promise.resolve({ props: {} }),
      Promise.reject(new Error('late')),
    ]) {
      const { raced, text } = race(() => answer as never)
      expect(raced.outcome, JSON.stringify(answer)).toMatchObject({
        kind: 'rejected',
        rejection: { code: 'INTERCEPTOR_INVALID' },
      })
      expect(text).toBe('ada')
    }
  })

  test('shows on the proxy what will come of it, and the master decides all the same', () => {
    const { world, ada, bob } = meet(TEXT, { master: { resolve: join }, proxy: { resolve: join } })
    ada.proxy.update(['a'], { text: 'ada' })
    ada.settle()
    const queued = bob.proxy.update(['a'], { text: 'bob' }, { expects: expectOld })
    const { from, hash } = bob.proxy.confirmed
    bob.proxy.receive(world.master.pull(from, hash))
    expect(bob.proxy.read(['a', 'text'])).toBe('ada+bob')
    expect(bob.proxy.confirmedSnapshot().document).toMatchObject({ a: { text: 'ada' } })
    expect(bob.proxy.read(['a', 'text'])).toBe('ada+bob')
    // Known on the spot.
    const given = bob.proxy.update(['a'], { text: 'more' }, { expects: expectOld })
    expect(given.ok).toBe(true)
    expect(bob.proxy.read(['a', 'text'])).toBe('ada+bob+more')
    expect(bob.proxy.beginFlush()!.commands).toMatchObject([
      { props: { text: 'bob' }, expects: expectOld },
      { props: { text: 'more' }, expects: expectOld },
    ])
    bob.proxy.cancelFlush()
    world.settle()
    expect([queued.outcome!.kind, given.outcome!.kind]).toEqual(['amended', 'amended'])
    expect(stored(world)).toMatchObject({ a: { text: 'ada+bob+more' } })
    expect(bob.proxy.read()).toEqual(stored(world))
  })

  test('of a proxy gives way to a master that applied the command as sent', () => {
    const { ada, bob } = meet(TEXT, { proxy: { resolve: join } })
    ada.proxy.update(['a'], { text: 'ada' })
    ada.settle()
    bob.settle()
    bob.proxy.update(['a'], { text: 'bob' }, { expects: expectOld })
    const { clientId, sequence, from } = bob.proxy.beginFlush()!
    const answer = { clientId, sequence, outcome: 'applied', commandCount: from + 1, hash: 'x' }
    const result = { ...answer, verdicts: [], remaps: [], sync: { kind: 'none' } }
    expect(bob.proxy.endFlush(result)).toMatchObject({ ok: true })
    expect(bob.proxy.read(['a', 'text'])).toBe('bob')
  })

  test('of a proxy alone changes nothing: it is a conflict', () => {
    const { world, ada, bob } = meet(TEXT, { proxy: { resolve: join } })
    ada.proxy.update(['a'], { text: 'ada' })
    ada.settle()
    bob.settle()
    const raced = bob.proxy.update(['a'], { text: 'bob' }, { expects: expectOld })
    expect(bob.proxy.read(['a', 'text'])).toBe('ada+bob')
    world.settle()
    expect(raced.outcome!.kind).toBe('conflict')
    expect(bob.proxy.read()).toEqual(stored(world))
  })
})

describe('counting up together', () => {
  /** Adds what the author added to what is there. */
  const add: Resolver = ({ command, found }) => ({
    props: {
      n: Number(found['n']) + Number(command.props!['n']) - Number(command.expects!.props!['n']),
    },
  })
  const step = fc.tuple(fc.nat(2), fc.constantFrom('add', 'flush', 'pull') as fc.Arbitrary<string>)

  function play(steps: readonly [number, string][], isResolved: boolean, onProxy: boolean) {
    const world = new World<{ n: number }>(
      { n: 0 },
      { master: isResolved ? { resolve: add } : {}, proxy: onProxy ? { resolve: add } : {} },
    )
    const peers = ['ada', 'bob', 'cy'].map((name) => world.join(name))
    const receipts = []
    for (const [at, what] of steps) {
      const peer = peers[at]!
      const n = peer.proxy.read(['n'])!
      if (what === 'add') {
        receipts.push(peer.proxy.update([], { n: n + 1 }, { expects: { props: { n } } }))
      } else if (what === 'flush') peer.flush()
      else {
        const { from, hash } = peer.proxy.confirmed
        peer.proxy.receive(throughJson(world.master.pull(from, hash)))
      }
    }
    world.settle()
    for (const { proxy } of peers) expect(proxy.read()).toEqual(world.master.snapshot().document)
    const kinds = receipts.map(({ outcome }) => outcome!.kind)
    return { n: Number(world.master.snapshot().document['n']), kinds }
  }

  test('no step is lost: as many took effect as were applied, and all others were told', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { n, kinds } = play(steps, false, false)
        expect(n).toBe(kinds.filter((kind) => kind === 'applied').length)
        expect(kinds.filter((kind) => kind !== 'applied' && kind !== 'conflict')).toEqual([])
      }),
    )
  })

  test('with a resolver every step counts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, onProxy) => {
        const { n, kinds } = play(steps, true, onProxy)
        expect(n).toBe(kinds.length)
        expect(kinds.filter((kind) => kind !== 'applied' && kind !== 'amended')).toEqual([])
      }),
    )
  })
})

test('what follows a command by a rule may expect something, too', () => {
  const { world, ada, bob } = meet(TEXT, {
    master: {
      interceptors: [
        (_, { path }) =>
          path![0] === 'b'
            ? { follow: [{ action: 'update', path: ['a'], props: { n: 1 }, expects: expectOld }] }
            : undefined,
      ],
    },
  })
  const first = bob.proxy.update(['b'], { n: 1 })
  world.settle()
  expect(first.outcome).toEqual({
    kind: 'applied',
    followUps: [{ action: 'update', path: ['a'], props: { n: 1 } }],
  })
  ada.proxy.update(['a'], { text: 'ada' })
  world.settle()
  const second = bob.proxy.update(['b'], { n: 2 })
  world.settle()
  expect(second.outcome).toMatchObject({ rejection: { code: 'FOLLOW_UP_REJECTED' } })
  expect(bob.proxy.read(['b'])).toEqual({ n: 1 })
})

test('what is found is told once more where the flush is sent again', () => {
  const { ada, bob } = meet()
  ada.proxy.update(['a'], { text: 'ada' })
  ada.settle()
  bob.proxy.update(['a'], { text: 'bob' }, { expects: expectOld })
  const flush = bob.proxy.beginFlush()!
  const first = bob.send(flush)
  ada.proxy.update(['a'], { text: 'newer' })
  ada.settle()
  expect(bob.send(flush)).toMatchObject({ outcome: 'repeated', verdicts: first.verdicts })
})
