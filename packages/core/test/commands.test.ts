import {
  type Command,
  CommandProxy,
  createIdFactory,
  type JsonObject,
  type Path,
} from '@flushout/core'
import { createTestIds, World } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { command, document } from './support/arbitraries.ts'

function alone(document: object = {}) {
  return new CommandProxy<Record<string, any>>(
    { commandCount: 0, hash: 'genesis', document: document as Record<string, any> },
    { createId: createTestIds('id'), now: () => 0 },
  )
}

/** `{ k0: { k1: … { leaf } } }`, so many levels deep, and the path to its last node. */
function deep(levels: number, leaf: JsonObject): { document: JsonObject; path: Path } {
  const path = Array.from({ length: levels }, (_, index) => `k${index}`)
  return { document: path.toReversed().reduce((inner, key) => ({ [key]: inner }), leaf), path }
}

describe('a command', () => {
  test('shows before the call returns, though no answer ever comes', () => {
    const proxy = alone({ todos: { a: { text: 'Milk' } } })
    proxy.update(['todos', 'a'], { done: true })
    proxy.beginFlush()
    const { id } = proxy.create(['todos'], { text: 'Bread' })
    expect(proxy.read(['todos', id])).toEqual({ text: 'Bread' })
    proxy.update(['todos', id], { done: true })
    proxy.delete(['todos', 'a'])
    expect(proxy.read()).toEqual({ todos: { [id]: { text: 'Bread', done: true } } })
    expect(proxy.commandCount).toBe(4)
  })

  for (let levels = 0; levels <= 5; levels += 1) {
    test(`reaches a node ${levels} levels down, with each verb`, () => {
      const { document, path } = deep(levels, { x: 1 })
      const proxy = alone(document)
      expect(proxy.update(path, { y: 2 }).ok).toBe(true)
      expect(proxy.create(path, { z: 1 }, { id: 'child' }).ok).toBe(true)
      expect(proxy.delete([...path, 'x']).ok).toBe(true)
      expect(proxy.read(path)).toEqual({ y: 2, child: { z: 1 } })
    })

    test(`that meets something else than a node ${levels} levels down names that segment`, () => {
      const { document, path } = deep(levels, {
        nothing: null,
        text: 'x',
        list: [{}],
        number: 1,
        flag: false,
      })
      const proxy = alone(document)
      for (const [key, code] of [
        ['nothing', 'NOT_A_NODE'],
        ['text', 'NOT_A_NODE'],
        ['list', 'NOT_A_NODE'],
        ['number', 'NOT_A_NODE'],
        ['flag', 'NOT_A_NODE'],
        ['gone', 'PATH_NOT_FOUND'],
      ]) {
        const at = [...path, key!]
        for (const receipt of [
          proxy.update(at, {}),
          proxy.create([...at, 'x']),
          proxy.delete([...at, 'x']),
        ]) {
          expect(receipt.rejection).toMatchObject({ code, at })
        }
      }
      expect(proxy.commandCount).toBe(0)
    })
  }

  test('that is refused changes nothing, on neither side', () => {
    fc.assert(
      fc.property(document, fc.array(command, { maxLength: 15 }), (document, commands) => {
        const world = new World<JsonObject>(document)
        const { proxy } = world.join('ada')
        let applied = 0
        for (const one of commands) {
          const before = {
            text: JSON.stringify(proxy.read()),
            value: proxy.read(),
            keys: proxy.keys(),
            status: proxy.status,
          }
          const { ok } = proxy.apply(one)
          if (ok) applied += 1
          else
            expect({
              text: JSON.stringify(proxy.read()),
              value: proxy.read(),
              keys: proxy.keys(),
              status: proxy.status,
            }).toEqual(before)
          if (!ok) expect(proxy.read()).toBe(before.value)
        }
        expect(proxy.commandCount).toBe(applied)
        expect(proxy.beginFlush()?.commands.length ?? 0).toBe(applied)
      }),
      { numRuns: 300 },
    )
  })

  test('counts once, whoever counts', () => {
    fc.assert(
      fc.property(document, fc.array(command, { maxLength: 12 }), (document, commands) => {
        const world = new World<JsonObject>(document)
        const [ada, bob] = [world.join('ada'), world.join('bob')]
        commands.forEach((one, index) => (index % 2 === 0 ? ada : bob).proxy.apply(one))
        world.settle()
        const pull = world.master.pull(0, 'genesis')
        const inHistory =
          pull.sync.kind === 'updates'
            ? pull.sync.updates.reduce((sum, { commands }) => sum + commands!.length, 0)
            : world.master.commandCount
        expect(world.master.commandCount).toBe(inHistory)
        for (const { proxy } of world.peers)
          expect(proxy.commandCount).toBe(world.master.commandCount)
      }),
      { numRuns: 200 },
    )
  })
})

describe('ids', () => {
  test('of two clients never meet in a million creates, and ascend for each', () => {
    let seed = 1
    const fillRandom = (bytes: Uint8Array) => {
      for (let index = 0; index < bytes.length; index += 1) {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
        bytes[index] = seed >>> 24
      }
    }
    let now = 1_700_000_000_000
    const createIds = [
      createIdFactory({ now: () => now, fillRandom }),
      createIdFactory({ now: () => now, fillRandom }),
    ]
    const seen = new Set<string>()
    for (const createId of createIds) {
      let last = ''
      let isAscending = true
      for (let count = 0; count < 500_000; count += 1) {
        // Some two hundred in each millisecond; and the clock goes back at times.
        if (count % 200 === 0) now += count % 100_000 === 0 ? -5_000 : 1
        const id = createId()
        if (id <= last) isAscending = false
        last = id
        seen.add(id)
      }
      expect(isAscending).toBe(true)
    }
    expect(seen.size).toBe(1_000_000)
  })

  test('are usable in the very next command, and keys come in order of creation', () => {
    const proxy = alone({ todos: {} })
    const ids = Array.from({ length: 100 }, (_, n) => {
      const { id } = proxy.create(['todos'])
      proxy.update(['todos', id], { n })
      proxy.create(['todos', id], {}, { id: 'child' })
      return id
    })
    expect(proxy.keys(['todos'])).toEqual(ids)
    expect(proxy.read(['todos', ids[7]!])).toEqual({ n: 7, child: {} })
  })
})

describe('a document', () => {
  test('changes identity on the way to what changed, and nowhere else', () => {
    const proxy = alone({ a: { b: { x: 1 }, c: { y: [1] } }, d: { e: {} } })
    const before = proxy.read() as any
    proxy.update(['a', 'b'], { x: 2 })
    const after = proxy.read() as any
    expect(after).not.toBe(before)
    expect(after.a).not.toBe(before.a)
    expect(after.a.b).not.toBe(before.a.b)
    expect(after.a.c).toBe(before.a.c)
    expect(after.d).toBe(before.d)
    expect(before.a.b).toEqual({ x: 1 })
  })

  test('of many rows gives the same rows again after one of them changed', () => {
    const rows = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [`row-${index}`, { n: index }]),
    )
    const proxy = alone({ rows })
    const before = proxy.read(['rows']) as JsonObject
    const keys = proxy.keys(['rows'])
    proxy.update(['rows', 'row-500'], { done: true })
    const after = proxy.read(['rows']) as JsonObject
    expect(Object.keys(after).filter((key) => after[key] !== before[key])).toEqual(['row-500'])
    expect(proxy.read(['rows', 'row-1'])).toBe(before['row-1'])
    expect(proxy.keys(['rows'])).toBe(keys)
    expect(proxy.size(['rows'])).toBe(1_000)
  })

  test('has a list of keys that is another one only when a child comes or goes', () => {
    const proxy = alone({ todos: { a: {}, b: {} } })
    const keys = proxy.keys(['todos'])
    proxy.update(['todos', 'a'], { text: 'Milk' })
    proxy.create(['todos', 'b'], {}, { id: 'part' })
    expect(proxy.keys(['todos'])).toBe(keys)
    proxy.delete(['todos', 'a'])
    expect(proxy.keys(['todos'])).toEqual(['b'])
    expect(proxy.keys(['gone'])).toEqual([])
    expect(proxy.keys(['gone'])).toBe(proxy.keys(['todos', 'nowhere']))
  })

  test('is shown without what every object inherits', () => {
    const proxy = alone({ a: {} })
    for (const name of ['toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf']) {
      expect(proxy.read([name] as Path)).toBeUndefined()
      expect(proxy.read(['a', name] as Path)).toBeUndefined()
      expect(proxy.update([name] as Path, {}).rejection).toMatchObject({ code: 'PATH_NOT_FOUND' })
    }
    expect(proxy.read(['__proto__'] as Path)).toBeUndefined()
    expect(proxy.size(['constructor'] as Path)).toBe(0)
  })
})

describe('names that lead to a prototype', () => {
  const names = fc.constantFrom('__proto__', 'constructor', 'prototype')
  const plain = fc.constantFrom('a', 'b', 'toString')

  /** The name somewhere in a path. */
  const path = fc
    .tuple(fc.array(plain, { maxLength: 3 }), names, fc.array(plain, { maxLength: 3 }))
    .map(([before, name, after]) => [...before, name, ...after])

  /** The name as a key, some levels down in objects and arrays. */
  const value = fc
    .tuple(names, fc.array(fc.constantFrom('object', 'array'), { maxLength: 6 }))
    .map(([name, levels]) =>
      levels.reduce(
        (inner, level) => (level === 'array' ? `[1,${inner}]` : `{"k":${inner}}`),
        `{"${name}":{"polluted":true}}`,
      ),
    )
    .map((text) => ({ k: JSON.parse(text) as JsonObject }))

  const hostile = fc.oneof(
    fc.record({ action: fc.constantFrom('create', 'update', 'delete'), path }),
    fc.record({ action: fc.constant('create'), id: names }),
    fc.record({ action: fc.constantFrom('create', 'update'), props: value }),
    fc.record({ action: fc.constant('create'), path: fc.constant(['new']), parentDefault: value }),
    fc.record({ action: fc.constant('update'), unset: fc.tuple(plain, names) }),
  ) as unknown as fc.Arbitrary<Command>

  test('are refused wherever they stand, by both sides, and nothing is polluted', () => {
    fc.assert(
      fc.property(hostile, (command) => {
        const world = new World<JsonObject>({ a: { a: {} }, toString: {} })
        const { proxy } = world.join('ada')
        expect(proxy.apply(command).rejection?.code).toBe('KEY_FORBIDDEN')
        const flush = { ...proxy.beginFlush({ pull: true })!, sequence: 1, commands: [command] }
        const [verdict] = world.master.apply(flush, { user: undefined, now: 0, seed: '' }).verdicts
        expect(verdict).toMatchObject({ kind: 'rejected', rejection: { code: 'KEY_FORBIDDEN' } })
        expect(Reflect.ownKeys(Object.prototype)).not.toContain('polluted')
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })

  test('make an answer that brings them of no use, and pollute nothing', () => {
    fc.assert(
      fc.property(hostile, value, (command, { k }) => {
        const { proxy } = new World<JsonObject>({ a: { a: {} } }).join('ada')
        const entry = { from: 0, hash: 'h', clientId: 'eve', sequence: 1, commands: [command] }
        const answers = [
          { commandCount: 1, hash: 'h', sync: { kind: 'updates', updates: [entry] } },
          {
            commandCount: 1,
            hash: 'h',
            sync: { kind: 'snapshot', snapshot: { commandCount: 1, hash: 'h', document: { k } } },
          },
        ]
        for (const answer of answers) expect(proxy.receive(answer)).toBe('ignored')
        expect(proxy.read()).toEqual({ a: { a: {} } })
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })
})
