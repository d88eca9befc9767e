import { type Command, copyJson, MAX_DEPTH, type JsonObject } from '@flushout/core'
import { World } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** An object that nests so many levels, itself not counted. */
function nested(levels: number): JsonObject {
  let value: JsonObject = {}
  for (let level = 0; level < levels; level += 1) value = { a: value }
  return value
}

function cycle(): object {
  const value: Record<string, unknown> = { a: [] }
  ;(value['a'] as unknown[]).push(value)
  return value
}

class Money {
  readonly amount = 1
}

describe('a value that JSON cannot carry', () => {
  const hostile: Record<string, [value: unknown, code: string, at?: string[]]> = {
    undefined: [undefined, 'VALUE_INVALID'],
    'undefined in an object': [{ a: undefined }, 'VALUE_INVALID', ['a']],
    'undefined in an array': [[1, undefined], 'VALUE_INVALID', ['1']],
    'a hole in an array': [[1, , 3], 'VALUE_INVALID', ['1']], // oxlint-disable-line no-sparse-arrays -- the case itself
    NaN: [Number.NaN, 'VALUE_INVALID'],
    Infinity: [{ deep: [Number.POSITIVE_INFINITY] }, 'VALUE_INVALID', ['deep', '0']],
    '-Infinity': [Number.NEGATIVE_INFINITY, 'VALUE_INVALID'],
    'a BigInt': [1n, 'VALUE_INVALID'],
    'a function': [() => 1, 'VALUE_INVALID'],
    'a symbol': [Symbol('x'), 'VALUE_INVALID'],
    'a symbol as key': [{ [Symbol('x')]: 1 }, 'VALUE_INVALID'],
    'a Date': [new Date(0), 'VALUE_INVALID'],
    'a Map': [new Map([['a', 1]]), 'VALUE_INVALID'],
    'a Set': [new Set([1]), 'VALUE_INVALID'],
    'a typed array': [new Uint8Array(2), 'VALUE_INVALID'],
    'an error': [new Error('x'), 'VALUE_INVALID'],
    'an expression': [/x/, 'VALUE_INVALID'],
    'a boxed value': [Object('text'), 'VALUE_INVALID'],
    'an instance of a class': [new Money(), 'VALUE_INVALID'],
    'an object with a prototype of its own': [Object.create({ inherited: 1 }), 'VALUE_INVALID'],
    'a promise': [Promise.resolve(1), 'VALUE_INVALID'],
    'a toJSON method': [{ toJSON: () => 'other' }, 'VALUE_INVALID', ['toJSON']],
    'a lone surrogate': ['\ud800', 'VALUE_INVALID'],
    'a lone surrogate in a key': [{ '\udc00': 1 }, 'VALUE_INVALID'],
    'a cycle': [cycle(), 'TOO_DEEP'],
    'a key that leads to a prototype': [
      JSON.parse('{"a":{"__proto__":1}}'),
      'KEY_FORBIDDEN',
      ['a'],
    ],
    'a getter that throws': [
      {
        get a() {
          throw new Error('no')
        },
      },
      'VALUE_INVALID',
    ],
    'a revoked proxy': [revoked(), 'VALUE_INVALID'],
  }

  for (const [name, [value, code, at]] of Object.entries(hostile)) {
    test(`is refused and changes nothing: ${name}`, () => {
      expect(copyJson(value)).toMatchObject({ ok: false, fault: { code, ...(at && { at }) } })
      const world = new World<JsonObject>({ a: 1 })
      const { proxy } = world.join('ada')
      const commands = [
        { action: 'update', props: { value } },
        { action: 'create', props: { value } },
        { action: 'create', path: ['new'], parentDefault: { value } },
      ] as Command[]
      for (const command of commands) {
        expect(proxy.apply(command).rejection).toMatchObject({ code })
        // Neither comes this far: there is no text for them.
        if (!canStringify(value)) continue
        const flush = { ...proxy.beginFlush({ pull: true })!, sequence: 1, commands: [command] }
        proxy.cancelFlush()
        const { verdicts } = world.master.apply(flush, { user: undefined, now: 0, seed: '' })
        expect(verdicts).toMatchObject([{ kind: 'rejected', rejection: { code } }])
        world.master.forgetClient(flush.clientId)
      }
      expect(proxy.read()).toEqual({ a: 1 })
      expect(proxy.status.queued).toBe(0)
      expect(world.master.snapshot().document).toEqual({ a: 1 })
    })
  }

  test('is named by its place in the document', () => {
    const { proxy } = new World<JsonObject>({ a: {} }).join('ada')
    const receipt = proxy.update(['a'], { list: [0, { price: Number.NaN }] })
    expect(receipt.rejection).toEqual({
      code: 'VALUE_INVALID',
      message: '`props` holds NaN at "list" › "1" › "price".',
      at: ['a', 'list', '1', 'price'],
    })
  })
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function canStringify(value: unknown): boolean {
  try {
    JSON.stringify(value)
    return true
  } catch {
    return false
  }
}

describe('levels', () => {
  test('of a value are counted from the document, and one too many is refused', () => {
    const { proxy } = new World<JsonObject>({}).join('ada')
    // The document is level 0, `x` lies on level 1.
    expect(proxy.update([], { x: nested(MAX_DEPTH - 1) }).ok).toBe(true)
    expect(proxy.update([], { x: nested(MAX_DEPTH) }).rejection).toMatchObject({ code: 'TOO_DEEP' })
    const path = Array.from({ length: MAX_DEPTH - 1 }, () => 'a')
    expect(proxy.update(['x', ...path], { leaf: 1, list: [] }).rejection).toMatchObject({
      code: 'TOO_DEEP',
    })
    expect(proxy.update(['x', ...path], { leaf: 1 }).ok).toBe(true)
    expect(proxy.create(['x', ...path]).rejection).toMatchObject({ code: 'TOO_DEEP' })
  })

  test('by the hundred thousand do not exhaust the stack', () => {
    let value: unknown = []
    for (let level = 0; level < 100_000; level += 1) value = [value]
    expect(copyJson(value)).toMatchObject({ ok: false, fault: { code: 'TOO_DEEP' } })
  })

  test('cannot grow past the limit by commands of which each is within it', () => {
    const world = new World<JsonObject>({})
    const ada = world.join('ada')
    const path: string[] = []
    let refused = 0
    for (let level = 0; level < MAX_DEPTH + 5; level += 1) {
      const receipt = ada.proxy.create(path, {}, { id: 'a' })
      if (!receipt.ok) refused += 1
      path.push('a')
    }
    expect(refused).toBe(5)
    world.settle()
    expect(copyJson(world.master.snapshot().document).ok).toBe(true)
  })
})

describe('a value that JSON can carry', () => {
  test('is the same after the way through the network', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const copy = copyJson(value)
        if (!copy.ok) return
        expect(JSON.stringify(copy.value)).toBe(JSON.stringify(value))
        expect(JSON.parse(JSON.stringify(copy.value))).toEqual(copy.value)
      }),
      { numRuns: 1_000 },
    )
  })

  test('is copied: -0 becomes 0, a getter is read once, a null prototype does not matter', () => {
    let reads = 0
    const value = Object.assign(Object.create(null), { zero: -0 }) as Record<string, unknown>
    Object.defineProperty(value, 'once', { get: () => (reads += 1), enumerable: true })
    const copy = copyJson(value)
    expect(copy).toMatchObject({ ok: true, value: { zero: 0, once: 1 } })
    expect(reads).toBe(1)
    if (copy.ok) expect(Object.is((copy.value as { zero: number }).zero, 0)).toBe(true)
  })

  test('may look odd: empty keys, big numbers, paired surrogates, keys of old', () => {
    const odd = {
      '': { '': '' },
      big: 1.7976931348623157e308,
      small: 5e-324,
      pair: '😀',
      nul: '\u0000',
      toString: 1,
      length: 2,
      '0': [],
    }
    expect(copyJson(odd)).toMatchObject({ ok: true, value: odd })
    const world = new World<JsonObject>({})
    const ada = world.join('ada')
    ada.proxy.update([], odd)
    world.settle()
    expect(JSON.stringify(world.master.snapshot().document)).toBe(JSON.stringify(odd))
  })
})
