import { preview, type Interceptor } from '@flushout/core'
import { throughJson, World } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { command, wide } from './support/arbitraries.ts'

const RULES = { now: () => 0 }
// Large enough that updates are shorter than a snapshot.
const LONG = { bulk: wide(300), list: { a: { text: 'milk', done: false }, b: {} } }

function open(options: object = {}) {
  const world = new World<Record<string, any>>(LONG)
  return { world, ada: world.join('ada', options), bob: world.join('bob') }
}

/** What the master would tell `ada` now, in both forms. */
function latest({ world, ada }: ReturnType<typeof open>) {
  const { from, hash } = ada.proxy.confirmed
  return [throughJson(world.master.pull(from, hash)), throughJson(world.master.snapshot())]
}

describe('a preview', () => {
  test('tells of an atomic group that all of it would apply, or nothing', () => {
    const all = open()
    const { ada, bob } = all
    ada.proxy.batch(
      () => {
        ada.proxy.create(['list'], { text: 'tea' }, { id: 'c' })
        ada.proxy.update(['list', 'a'], { done: true })
        ada.proxy.update(['list', 'b'], { n: 1 })
      },
      { atomic: true },
    )
    ada.proxy.update(['list', 'c'], { done: true })
    const kinds = () =>
      latest(all).map((one) =>
        preview(ada.proxy, one, RULES)!.commands.map(
          ({ kind, rejection }) => rejection?.code ?? kind,
        ),
      )
    const applied = ['applied', 'applied', 'applied', 'applied']
    expect(kinds()).toEqual([applied, applied])
    bob.proxy.delete(['list', 'b'])
    bob.flush()
    const lost = ['GROUP_REJECTED', 'GROUP_REJECTED', 'PATH_NOT_FOUND', 'PARENT_REJECTED']
    expect(kinds()).toEqual([lost, lost])
  })

  test('says what would become of each pending command, and changes nothing', () => {
    const rule: Interceptor = (_document, given) => {
      if (given.action === 'create') return { props: { ...given.props, by: 'ada' } }
      if (given.action === 'update' && given.props?.['no']) return { reject: { message: 'no' } }
      return undefined
    }
    const all = open()
    const { ada, bob } = all
    ada.proxy.update(['list', 'a'], { done: true })
    ada.proxy.update(['list', 'b'], { n: 1 })
    ada.proxy.create(['list'], { text: 'tea' }, { id: 'c' })
    ada.proxy.update(['list', 'c'], { done: true })
    ada.proxy.update(['list'], { no: 1 })
    bob.proxy.delete(['list', 'b'])
    bob.proxy.create(['list'], {}, { id: 'c' })
    bob.flush()
    const before = { memory: ada.proxy.memory, document: ada.proxy.read() }
    for (const one of latest(all)) {
      const seen = preview(ada.proxy, one, { ...RULES, interceptors: [rule] })!
      expect(seen).toMatchObject({ commandCount: 2, hash: all.world.master.hash })
      expect(seen.commands.map(({ serial, kind, path }) => [serial, kind, path.join('/')])).toEqual(
        [
          [1, 'applied', 'list/a'],
          [2, 'dropped', 'list/b'],
          [3, 'amended', 'list/preview-1'],
          [4, 'amended', 'list/preview-1'],
          [5, 'rejected', 'list'],
        ],
      )
      expect(seen.commands.map(({ rejection }) => rejection?.code)).toEqual([
        undefined,
        'PATH_NOT_FOUND',
        undefined,
        undefined,
        'REJECTED',
      ])
      expect(seen.commands[2]!.command).toMatchObject({ props: { text: 'tea', by: 'ada' } })
    }
    expect({ memory: ada.proxy.memory, document: ada.proxy.read() }).toEqual(before)
  })

  test('says where an update would find something else than it expects', () => {
    const all = open()
    const { ada, bob } = all
    const expects = { props: { text: 'milk' } }
    ada.proxy.update(['list', 'a'], { text: 'tea' }, { expects })
    bob.proxy.update(['list', 'a'], { text: 'gin' })
    bob.flush()
    for (const one of latest(all)) {
      const [alone] = preview(ada.proxy, one, RULES)!.commands
      expect(alone).toMatchObject({ kind: 'conflict', rejection: { code: 'CONFLICT' } })
      const resolve = () => ({ props: { text: 'gin and tea' } })
      const [merged] = preview(ada.proxy, one, { ...RULES, resolve })!.commands
      expect(merged).toMatchObject({ kind: 'amended', command: { props: { text: 'gin and tea' } } })
    }
  })

  test('drops what was given for a node that would be refused', () => {
    const refuse: Interceptor = (_document, given) =>
      given.action === 'create' ? { reject: { message: 'no' } } : undefined
    const all = open()
    all.ada.proxy.create(['list'], {}, { id: 'c' })
    all.ada.proxy.update(['list', 'c'], { n: 1 })
    const seen = preview(all.ada.proxy, latest(all)[0]!, { ...RULES, interceptors: [refuse] })!
    expect(seen.commands.map(({ kind, rejection }) => [kind, rejection?.code])).toEqual([
      ['rejected', 'REJECTED'],
      ['dropped', 'PARENT_REJECTED'],
    ])
  })

  test('shows where somebody else changed the same, to something else', () => {
    const all = open()
    const { ada, bob } = all
    ada.proxy.update(['list', 'a'], { text: 'oat milk', done: true, mine: 1 }, { unset: ['gone'] })
    ada.proxy.delete(['list', 'b'])
    ada.proxy.delete(['bulk', 't1'])
    bob.proxy.update(['list', 'a'], { text: 'soy milk', done: true, gone: 1 })
    bob.proxy.update(['list', 'b'], { n: 1 })
    bob.flush()
    for (const one of latest(all)) {
      const seen = preview(ada.proxy, one, RULES)!
      expect(seen.commands.map(({ conflicts }) => conflicts)).toEqual([
        [
          { path: ['list', 'a', 'text'], before: 'milk', mine: 'oat milk', theirs: 'soy milk' },
          { path: ['list', 'a', 'gone'], before: undefined, mine: undefined, theirs: 1 },
        ],
        [{ path: ['list', 'b'], before: {}, mine: undefined, theirs: { n: 1 } }],
        [],
      ])
    }
  })

  test('knows what of the flight has landed', () => {
    const all = open()
    const { ada } = all
    const { from, hash } = ada.proxy.confirmed
    ada.proxy.create(['list'], {}, { id: 'c' })
    ada.send(ada.proxy.beginFlush()!)
    ada.proxy.update(['list', 'c'], { n: 1 })
    const news = throughJson(all.world.master.pull(from, hash))
    expect(preview(ada.proxy, news, RULES)!.commands).toMatchObject([
      { kind: 'applied', path: ['list', 'c'], isSent: true },
      { kind: 'applied', path: ['list', 'c'], isSent: false },
    ])
  })

  test('finds in a whole document that the flight has landed, by a node that it made', () => {
    const all = open()
    const { ada, world } = all
    ada.proxy.update(['list', 'a'], { n: 1 })
    ada.proxy.create(['list'], {}, { id: 'c' })
    const flush = ada.proxy.beginFlush()!
    ada.proxy.update(['list', 'c'], { n: 1 })
    const before = throughJson(world.master.snapshot())
    ada.send(flush)
    const kinds = (latest: typeof before) =>
      preview(ada.proxy, latest, RULES)!.commands.map(({ kind, path }) => [kind, path.at(-1)])
    const applied = [
      ['applied', 'a'],
      ['applied', 'c'],
      ['applied', 'c'],
    ]
    expect(kinds(throughJson(world.master.snapshot()))).toEqual(applied)
    expect(kinds(before)).toEqual(applied)
  })

  test('plays what others have pending where it belongs, but not what is there by now', () => {
    const all = open()
    const { ada, bob, world } = all
    bob.proxy.create(['list'], { text: 'tea' }, { id: 'c' })
    bob.proxy.create(['list'], {}, { id: 'd' })
    ada.proxy.showOthers([throughJson(bob.proxy.pending)])
    ada.proxy.update(['list', 'c'], { done: true })
    ada.proxy.delete(['list', 'd'])
    bob.proxy.update(['list', 'c'], { text: 'gin' })
    const others = [throughJson(bob.proxy.pending), ada.proxy.pending]
    for (const one of latest(all)) {
      expect(preview(ada.proxy, one, RULES)!.commands).toMatchObject([
        { kind: 'dropped', rejection: { code: 'PATH_NOT_FOUND' } },
        { kind: 'applied' },
      ])
      expect(preview(ada.proxy, one, { ...RULES, others })!.commands).toMatchObject([
        { kind: 'applied', path: ['list', 'c'], conflicts: [] },
        { kind: 'applied' },
      ])
    }
    const flush = bob.proxy.beginFlush()!
    const inFlight = throughJson(bob.proxy.pending)
    bob.proxy.endFlush(bob.send(flush))
    const eve = world.join('eve')
    eve.proxy.delete(['list', 'c'])
    eve.flush()
    const [news] = latest(all)
    expect(
      preview(ada.proxy, news!, { ...RULES, others: [inFlight] })!.commands.map(({ kind }) => kind),
    ).toEqual(['dropped', 'applied'])
  })

  test('needs what continues the proxy, or a whole document', () => {
    const all = open()
    const { world, ada, bob } = all
    for (const n of [1, 2]) {
      bob.proxy.update(['list'], { n })
      bob.flush()
    }
    const [news] = latest(all)
    const later = throughJson(world.master.pull(0, 'genesis'))
    expect(preview(ada.proxy, news!, RULES)).toBeDefined()
    if (later.sync.kind !== 'updates') throw new Error('too short')
    const { updates } = later.sync
    for (const bad of [
      { ...later, sync: { kind: 'updates', updates: updates.slice(1) } },
      { ...later, sync: { kind: 'updates', updates: updates.slice(0, 1) } },
      { ...later, sync: { kind: 'updates', updates: [{ ...updates[0], commands: undefined }] } },
      { document: [] },
      {},
    ]) {
      expect(preview(ada.proxy, bad as never, RULES)).toBe(undefined)
    }
  })

  test('tells what the master then does, whatever was done meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 8 }),
        fc.array(command, { maxLength: 8 }),
        fc.boolean(),
        (mine, theirs, isWhole) => {
          const world = new World<Record<string, any>>(LONG)
          const [ada, bob] = [world.join('ada'), world.join('bob')]
          const receipts = mine.map((one) => ada.proxy.apply(one)).filter(({ ok }) => ok)
          for (const one of theirs) bob.proxy.apply(one)
          bob.flush()
          const { from, hash } = ada.proxy.confirmed
          const all = [world.master.pull(from, hash), world.master.snapshot()]
          const seen = preview(ada.proxy, throughJson(all[Number(isWhole)]!), RULES)!
          ada.flush()
          const kinds = receipts.map(({ outcome }) => outcome?.kind)
          expect(seen.commands.map(({ kind }) => kind)).toEqual(kinds)
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 1_500) },
    )
  })
})
