import type { Command, JsonObject, JsonValue, Path } from '@flushout/core'
import fc from 'fast-check'

// Few, so that commands meet; some look like array indexes, some are awkward.
const KEYS = ['a', 'b', 'c', 'todos', '7', '10', 'x,y', 'x.y', 'toString', '']

export const key: fc.Arbitrary<string> = fc.constantFrom(...KEYS)

const leaf: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.integer({ min: -2, max: 3 }),
  fc.constantFrom(null, true, false, 'text', 'ü', [], [1, { a: 1 }], [[null]]),
)

/** JSON of up to three levels. */
export const value: fc.Arbitrary<JsonValue> = fc.oneof(
  { depthSize: 'small', maxDepth: 3 },
  leaf,
  fc.constantFrom<JsonValue>({}, { a: 1 }, { b: { c: 2 } }, wide(40)),
)

const props: fc.Arbitrary<JsonObject> = fc.dictionary(key, value, { maxKeys: 4 })

/** A node of so many children; with more than 32 the engine holds it in another form. */
export function wide(count: number): JsonObject {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      index % 5 === 0 ? `${index}` : `t${index}`,
      { n: index },
    ]),
  )
}

/** Documents that are narrow, wide, deep, and with keys that objects put first. */
export const document: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constantFrom<JsonObject>(
    {},
    { todos: {} },
    { todos: wide(200), a: { b: { c: { '7': 1 } } } },
    { todos: wide(33), b: 1 },
    { a: { todos: wide(40), b: { todos: wide(34) } } },
    wide(40),
    { z: 1, '10': { a: { a: { a: { a: { a: {} } } } } }, '7': {} },
  ),
  props,
)

const segment = fc.oneof(
  { weight: 4, arbitrary: key },
  { weight: 1, arbitrary: fc.constantFrom('t1', 't2', '5', 't39') },
)

export const path: fc.Arbitrary<Path> = fc.oneof(
  fc.constant<Path>([]),
  fc.constant<Path>(['todos']),
  fc.tuple(fc.constant('todos'), segment),
  fc.array(segment, { maxLength: 5 }),
)

/** Commands of the right form, many of which cannot apply. */
export const command = fc.oneof(
  fc.record(
    {
      action: fc.constant('create' as const),
      path,
      id: segment.filter((id) => id !== ''),
      props,
      parentDefault: props,
    },
    { requiredKeys: ['action', 'path'] },
  ),
  fc
    .record(
      {
        action: fc.constant('update' as const),
        path,
        props,
        unset: fc.array(key, { maxLength: 2 }),
      },
      { requiredKeys: ['action', 'path'] },
    )
    .filter(({ props = {}, unset = [] }) => !unset.some((one) => Object.hasOwn(props, one))),
  fc.record({
    action: fc.constant('delete' as const),
    path: path.filter(({ length }) => length > 0),
  }),
) as fc.Arbitrary<Command>
