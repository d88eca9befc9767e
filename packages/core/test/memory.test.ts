import { CommandProxy, type Command, type LogRecord, type Snapshot } from '@flushout/core'
import { createTestIds, throughJson, World, type Peer } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'
import { wide } from './support/arbitraries.ts'

// Large enough that updates are shorter than a snapshot.
const LONG = { bulk: wide(300), list: {} }

function open(options: object = {}) {
  const world = new World<Record<string, any>>(LONG, { proxy: { keepsConfirmed: true } })
  return { world, ada: world.join('ada', options), bob: world.join('bob') }
}

/** The proxy that goes on from what is known of `proxy`, as from a disk. */
function takeOut(
  { proxy }: Peer<any>,
  { snapshot = proxy.confirmedSnapshot(), ...options }: Record<string, any> = {},
): CommandProxy<Record<string, any>> {
  const { memory } = proxy
  return new CommandProxy(throughJson(snapshot as Snapshot<Record<string, any>>), {
    createId: createTestIds('again'),
    now: () => 0,
    memory: throughJson(memory),
    ...options,
  })
}

const update = (props: object): Command => ({ action: 'update', path: ['list'], props }) as Command

describe('a proxy taken out again', () => {
  test('shows and sends what was queued', () => {
    const { world, ada } = open()
    const { id } = ada.proxy.create(['list'], { text: 'milk' })
    ada.proxy.update(['list', id], { done: true })
    const again = takeOut(ada)
    expect(again.read()).toEqual(ada.proxy.read())
    expect(again.status).toMatchObject({ queued: 2, inFlight: 0, confirmed: 0, rejected: 0 })
    expect(again.beginFlush()).toEqual(ada.proxy.beginFlush())
    expect(world.master.commandCount).toBe(0)
  })

  test('beside the one that it was taken from doubles nothing that both hold', () => {
    const { world, ada } = open()
    ada.proxy.create(['list'], { text: 'milk' })
    // On a disk that took nothing more.
    const again = takeOut(ada)
    ada.proxy.create(['list'], { text: 'bread' })
    ada.flush()
    const flush = again.beginFlush()!
    expect(() => ada.send(flush)).toThrow(expect.objectContaining({ code: 'SEQUENCE_REUSED' }))
    again.failFlush({ code: 'SEQUENCE_REUSED', message: 'Another.', retry: 'after-resync' })
    expect(again.rejections).toMatchObject([
      { kind: 'dropped', command: { props: { text: 'milk' } } },
    ])
    expect(again.status).toMatchObject({ queued: 0, inFlight: 0 })
    expect(again.clientId).not.toBe(ada.proxy.clientId)
    expect(Object.keys(world.master.read(['list']) as object)).toHaveLength(2)
  })

  test('believes no count beyond that of the answer where a copy of it has sent the same before', () => {
    const world = new World<Record<string, any>>({ list: {} })
    const ada = world.join('ada')
    const { clientId } = ada.proxy
    const commands = [{ action: 'update' as const, path: [], props: { a: 1 } }]
    const flush = {
      protocol: 1,
      clientId,
      sequence: 1,
      from: 0,
      hash: 'genesis',
      commands,
    } as const
    ada.send(flush)
    ada.flush()
    ada.proxy.showOthers([
      { clientId: 'tab', commands: [{ serial: 1, command: update({ b: 1 }) }] },
    ])
    ada.proxy.update([], { a: 1 })
    ada.settle()
    ada.proxy.showOthers([])
    expect(ada.proxy.confirmed).toEqual({ from: 1, hash: world.master.hash })
    expect(ada.proxy.commandCount).toBe(1)
  })

  test('finds out that a copy of it went on, and sends nothing again that the copy may have sent', () => {
    const { world, ada } = open({ isPersisted: true })
    ada.proxy.create(['list'], { text: 'milk' })
    ada.proxy.create(['list'], { text: 'tea' })
    ada.proxy.persisted(2)
    // The disk of ada is copied to another device, and both go on.
    const copy = takeOut(ada)
    copy.endFlush(ada.send(copy.beginFlush()!))
    const bread = ada.proxy.create(['list'], { text: 'bread' })
    const flush = ada.proxy.beginFlush()!
    expect(() => ada.send(flush)).toThrow(expect.objectContaining({ code: 'SEQUENCE_REUSED' }))
    ada.proxy.failFlush({ code: 'SEQUENCE_REUSED', message: 'Another.', retry: 'after-resync' })
    expect(ada.proxy.rejections).toMatchObject([
      { kind: 'dropped', command: { props: { text: 'milk' } } },
      { kind: 'dropped', command: { props: { text: 'tea' } } },
    ])
    // No copy can have what is on no disk yet.
    ada.settle()
    expect(bread.outcome).toEqual({ kind: 'applied' })
    const texts = Object.values(world.master.read(['list']) as Record<string, { text: string }>)
    expect(texts.map(({ text }) => text)).toEqual(['milk', 'tea', 'bread'])
  })

  test('sends the flush that was under way again, to the letter', () => {
    // A rule puts its props behind all other fields.
    const rule = (_: unknown, { action }: Command) =>
      action === 'create' ? { props: { stamped: true } } : undefined
    const { ada } = open({ interceptors: [rule] })
    ada.proxy.apply({ action: 'create', path: ['list', 'x'], id: 'a', parentDefault: { b: 1 } })
    const flush = ada.proxy.beginFlush()!
    expect(Object.keys(flush.commands[0]!)).toEqual([
      'action',
      'path',
      'id',
      'parentDefault',
      'props',
    ])
    ada.send(flush)
    ada.proxy.update(['list'], { later: 1 })
    const again = takeOut(ada)
    expect(again.status).toMatchObject({ queued: 1, inFlight: 1 })
    expect(JSON.stringify(again.beginFlush())).toBe(JSON.stringify(flush))
    expect(again.endFlush(ada.send(flush)).ok).toBe(true)
    expect(again.status).toMatchObject({ queued: 1, inFlight: 0, confirmed: 1 })
  })

  test('gives what comes after other numbers than before', () => {
    const draws: number[] = []
    const rule = (_document: unknown, _command: Command, { random }: { random: () => number }) => {
      draws.push(random())
    }
    const { ada } = open({ interceptors: [rule] })
    ada.proxy.update(['list'], { a: 1 })
    ada.proxy.update(['list'], { a: 2 })
    ada.flush()
    const again = takeOut(ada, { interceptors: [rule] })
    expect(again.clientId).toBe(ada.proxy.clientId)
    again.update(['list'], { a: 3 })
    expect(new Set(draws).size).toBe(3)
    expect(again.memory).toMatchObject({ sequence: 1, serial: 3, pending: [{ serial: 3 }] })
  })

  test('tells what cannot apply any more, and what has no form', () => {
    const { world, ada, bob } = open()
    const { id } = bob.proxy.create(['list'], {})
    bob.flush()
    ada.flush()
    ada.proxy.update(['list', id], { text: 'milk' })
    ada.proxy.update(['list'], { a: 1 })
    bob.proxy.delete(['list', id])
    bob.flush()
    const { memory } = ada.proxy
    const odd = { serial: 9, command: { action: 'paint', path: [] } }
    const again = takeOut(ada, {
      snapshot: world.master.snapshot(),
      memory: { ...memory, pending: [...memory.pending, odd] },
    })
    expect(again.rejections).toMatchObject([
      { kind: 'dropped', command: { path: ['list', id] } },
      { kind: 'rejected', command: { action: 'paint' } },
    ])
    expect(again.status).toMatchObject({ queued: 1, rejected: 2 })
  })

  test('goes on from a document that holds its flight already', () => {
    const { world, ada, bob } = open()
    ada.proxy.update(['list'], { a: 1 })
    const answer = ada.send(ada.proxy.beginFlush()!)
    for (const isOvertaken of [false, true]) {
      if (isOvertaken) {
        bob.proxy.update(['list'], { b: 1 })
        bob.flush()
      }
      const again = takeOut(ada, { snapshot: world.master.snapshot() })
      again.beginFlush()
      expect(again.endFlush(answer)).toEqual({ ok: true, remaps: [] })
      expect(again.read()).toEqual(world.master.read())
      expect(again.confirmed).toEqual({ from: world.master.commandCount, hash: world.master.hash })
      expect(again.status).toMatchObject({ queued: 0, inFlight: 0 })
    }
  })

  test('does not play a flight again that is in its document already', () => {
    const world = new World<Record<string, any>>({ ...LONG, list: { a: {} } })
    const ada = world.join('ada')
    const { from, hash } = ada.proxy.confirmed
    // Played twice, these leave the keys in another order.
    ada.proxy.delete(['list', 'a'])
    ada.proxy.create(['list'], {}, { id: 'a' })
    ada.proxy.update(['list'], { b: 1 })
    const answer = ada.send(ada.proxy.beginFlush()!)
    const anew = takeOut(ada, { snapshot: world.master.snapshot() })
    anew.endFlush(answer)
    expect(JSON.stringify(anew.read(['list']))).toBe('{"a":{},"b":1}')
    ada.proxy.receive(throughJson(world.master.pull(from, hash)))
    const again = takeOut(ada)
    expect(again.memory).toEqual(ada.proxy.memory)
    expect(again.memory.hasLanded).toBe(true)
    expect(JSON.stringify(again.read(['list']))).toBe('{"a":{},"b":1}')
    again.endFlush(answer)
    expect(JSON.stringify(again.read(['list']))).toBe('{"a":{},"b":1}')
    expect(again.status).toMatchObject({ queued: 0, inFlight: 0, confirmed: 3 })
  })

  test('claims no past that is not the one of its document', () => {
    const { ada, bob } = open()
    ada.proxy.update(['list'], { a: 1 })
    ada.proxy.beginFlush()
    const other = { ...throughJson(bob.proxy.confirmedSnapshot()), hash: 'other' }
    expect(takeOut(ada, { snapshot: other }).beginFlush()).toMatchObject({ sequence: 1, hash: '' })
  })

  test('is refused a memory that is none', () => {
    const { ada } = open()
    ada.proxy.update(['list'], { a: 1 })
    ada.proxy.beginFlush()
    const { memory } = ada.proxy
    const flight = memory.flight!
    const [pending] = memory.pending
    for (const bad of [
      null,
      {},
      { ...memory, sequence: -1 },
      { ...memory, pending: [] },
      { ...memory, pending: [null] },
      { ...memory, pending: [pending, pending] },
      { ...memory, pending: [{ serial: 1, command: { action: 'create', path: [] } }] },
      { ...memory, flight: null },
      { ...memory, flight: { ...flight, sequence: 2 } },
      { ...memory, flight: { ...flight, commands: [] } },
      { ...memory, flight: { ...flight, commands: [{ action: 'paint' }] } },
    ]) {
      const options = { createId: createTestIds('x'), now: () => 0, memory: bad as never }
      expect(() => new CommandProxy(ada.proxy.confirmedSnapshot(), options)).toThrow(
        expect.objectContaining({ code: 'OPTIONS_INVALID' }),
      )
    }
  })
})

describe('a memory', () => {
  test('keeps its parts while nothing is new about them', () => {
    const { ada } = open()
    ada.proxy.update(['list'], { a: 1 })
    const before = ada.proxy.memory
    ada.proxy.update(['list'], { a: 2 })
    const after = ada.proxy.memory
    expect(before.pending).toHaveLength(1)
    expect(after.pending[0]).toBe(before.pending[0])
    expect(after).toEqual(throughJson(after))
    expect(Object.isFrozen(after.pending)).toBe(true)
  })
})

describe('what was confirmed', () => {
  test('is given flush by flush, once, own ones as they were applied', () => {
    const { ada, bob } = open()
    expect(ada.proxy.takeConfirmed()).toBe(undefined)
    ada.proxy.update(['list'], { a: 1 })
    ada.flush()
    bob.proxy.update(['list'], { b: 1 })
    bob.flush()
    ada.proxy.update(['list'], { a: 2 })
    ada.flush()
    const records = ada.proxy.takeConfirmed()
    expect(records).toMatchObject([
      { from: 0, clientId: ada.proxy.clientId, sequence: 1, commands: [update({ a: 1 })] },
      { from: 1, clientId: bob.proxy.clientId, sequence: 1, commands: [update({ b: 1 })] },
      { from: 2, clientId: ada.proxy.clientId, sequence: 2, commands: [update({ a: 2 })] },
    ])
    expect((records as LogRecord[]).at(-1)!.hash).toBe(ada.proxy.confirmed.hash)
    expect(ada.proxy.takeConfirmed()).toBe(undefined)
  })

  test('is given whole where nobody knows how it came about, or where it is too much', () => {
    const { world, ada, bob } = open()
    bob.proxy.update(['list'], { b: 1 })
    bob.flush()
    const { commandCount, hash } = world.master
    ada.proxy.receive({
      commandCount,
      hash,
      sync: { kind: 'snapshot', snapshot: throughJson(world.master.snapshot()) },
    })
    ada.proxy.update(['list'], { a: 1 })
    expect(ada.proxy.takeConfirmed()).toEqual(world.master.snapshot())
    for (let n = 0; n <= 1_000; n += 1) {
      ada.proxy.update(['list'], { n })
      ada.flush()
    }
    expect(ada.proxy.takeConfirmed()).toEqual(world.master.snapshot())
  })

  test('is not collected for nobody', () => {
    const { ada } = open({ keepsConfirmed: false })
    ada.proxy.update(['list'], { a: 1 })
    ada.flush()
    expect(ada.proxy.takeConfirmed()).toBe(undefined)
  })

  test('can be read without what is pending, and readers keep what they hold', () => {
    const { world, ada } = open()
    ada.proxy.update(['list'], { a: 1 })
    ada.proxy.delete(['bulk', 't7'])
    const told: unknown[] = []
    ada.proxy.subscribe(() => told.push(1))
    const before = ada.proxy.read()
    expect(ada.proxy.confirmedSnapshot()).toEqual(world.master.snapshot())
    expect(ada.proxy.read()).toBe(before)
    expect(told).toEqual([])
    ada.flush()
    expect(ada.proxy.read()).toEqual(world.master.read())
  })

  test('continues a snapshot', () => {
    const { world, ada, bob } = open()
    const snapshot = throughJson(world.master.snapshot())
    for (const n of [1, 2, 3]) {
      bob.proxy.update(['list'], { n })
      bob.flush()
      ada.flush()
    }
    const records = throughJson(ada.proxy.takeConfirmed()) as LogRecord[]
    const read = (some: unknown[]) => takeOut(ada, { snapshot, records: some })
    expect(read(records).confirmed).toEqual(ada.proxy.confirmed)
    expect(read([records[0], ...records]).confirmed).toEqual(ada.proxy.confirmed)
    expect(read([records[0], records[2]]).confirmed).toEqual({ from: 1, hash: '' })
    expect(read([records[0], { from: 1 }]).confirmed).toEqual({ from: 1, hash: '' })
    const broken = read([records[0], records[2]])
    // Nothing is built on what is distrusted.
    expect(broken.receive(throughJson(world.master.pull(1, records[0]!.hash)))).toBe('gap')
    expect(broken.beginFlush({ pull: true })).toMatchObject({ hash: '' })
  })

  test('by another past is not taken for the same', () => {
    const { ada, bob } = open()
    for (const n of [1, 2]) {
      bob.proxy.update(['list'], { n })
      bob.flush()
    }
    const records = throughJson(bob.proxy.takeConfirmed()) as LogRecord[]
    const other = [{ ...records[0]!, hash: 'other' }]
    ada.flush()
    expect(takeOut(ada, { records: other.map((one) => ({ ...one, from: 1 })) }).confirmed).toEqual({
      from: 2,
      hash: '',
    })
    expect(takeOut(ada, { records }).confirmed).toEqual(ada.proxy.confirmed)
  })
})
