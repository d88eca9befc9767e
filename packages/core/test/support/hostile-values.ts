// What a careless or hostile caller may put where JSON belongs.

const fail = () => {
  throw new Error('must not be seen')
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

function cycle(): object {
  const object: Record<string, unknown> = { a: 1 }
  object['self'] = { list: [object] }
  return object
}

/** Lists in lists: as deep as a document may be, and deeper. */
export function nested(levels: number, inside: unknown = 1): unknown {
  let value = inside
  for (let level = 0; level < levels; level += 1) value = level % 2 ? [value] : { a: value }
  return value
}

class Money {
  readonly cents = 1
}

// Made anew for each use: what one side does to them the other must not see.
/** Values that JSON cannot carry, or not as they are. */
export const NOT_JSON: readonly (() => unknown)[] = [
  () => undefined,
  () => Number.NaN,
  () => Infinity,
  () => -Infinity,
  () => 10n,
  () => fail,
  () => Symbol('x'),
  () => new Date(0),
  () => new Date(Number.NaN),
  () => new Map([['a', 1]]),
  () => new Set([1]),
  () => new Money(),
  () => new Uint8Array(2),
  () => new Error('x'),
  () => /x/,
  () => Promise.resolve(1),
  () => Object(1) as unknown,
  () => Object('text') as unknown,
  () => Object.create({ inherited: 1 }) as unknown,
  () => cycle(),
  () => [cycle()],
  // oxlint-disable-next-line no-sparse-arrays -- a hole is what it is about
  () => [1, , 3],
  () => Array(3),
  () => [undefined],
  () => ({ a: { b: undefined } }),
  () => ({ a: () => 1 }),
  () => ({ toJSON: () => 1 }),
  () => ({ [Symbol('x')]: 1 }),
  () => ({ text: '\ud800' }),
  () => ({ '\udc00': 1 }),
  () => '\udfff',
  () => JSON.parse('{"__proto__":{"polluted":1}}') as unknown,
  () => ({ constructor: { prototype: { polluted: 1 } } }),
  () => [{ prototype: 1 }],
  () => ({
    get a() {
      return fail()
    },
  }),
  () => new Proxy({ a: 1 }, { get: fail }),
  () => new Proxy({ a: 1 }, { ownKeys: fail }),
  () => new Proxy({ a: 1 }, { getPrototypeOf: fail }),
  () => revoked({}),
  () => revoked([]),
  () => nested(66),
  () => nested(5000),
  () => nested(63, cycle()),
]

/** Values that look as if JSON could not carry them, and that it carries well. */
export const ODD_JSON: readonly (() => unknown)[] = [
  () => -0,
  () => 2 ** 53 + 2,
  () => Number.MAX_VALUE,
  () => 5e-324,
  () => '\u0000',
  () => '💥\u202e',
  () => Object.assign(Object.create(null) as object, { a: 1 }),
  () => ({ hasOwnProperty: 1, toString: 2, valueOf: 3, length: 4 }),
  () => ({ length: 1e9 }),
  () => ({ '2': 1, '10': 2, '1': 3, '-1': 4, '01': 5, '4294967295': 6, a: 7 }),
  () => Object.assign([1, 2], { extra: 1 }),
  () => Object.freeze({ a: Object.freeze([1]) }),
  () => new Proxy({ a: 1, b: [2] }, {}),
  () => new Proxy([1, { a: 1 }], {}),
  () => ({
    get a() {
      return 1
    },
  }),
  () => Object.defineProperty({ a: 1 }, 'hidden', { value: 1, enumerable: false }),
  () => nested(20),
  () => nested(60),
  () => Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, index])),
  () => Array.from({ length: 200 }, () => ({})),
]

/** Keys that are odd, or none. */
export const ODD_KEYS = [
  '',
  'toString',
  'hasOwnProperty',
  'length',
  'x,y',
  '0',
  '01',
  '-1',
  '10',
  '4294967295',
  '\u0000',
  '💥',
  'x'.repeat(1000),
  '__proto__',
  'constructor',
  'prototype',
  '\ud800',
]

/** What may stand where a command, a path or props belong. */
export const ODD: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  0,
  -1,
  '',
  'text',
  true,
  [],
  {},
  [[]],
  () => 1,
  Symbol('x'),
  new Date(0),
  ['a', 1],
  { a: undefined },
  { length: 1, 0: 'a' },
  1n,
  new Map(),
  Array(2),
  ['a', '__proto__'],
  ['\ud800'],
  Object.assign(['a'], { extra: 1 }),
]
