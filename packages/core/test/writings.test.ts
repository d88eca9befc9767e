import { touches, type Command, type JsonObject } from '@flushout/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CheckedCommand } from '../src/check.ts'
import { Writings } from '../src/writings.ts'

const key = fc.constantFrom('a', 'b', 'c')
const path = fc.array(key, { maxLength: 3 })
const props = fc.dictionary(key, fc.constant(1)) as fc.Arbitrary<JsonObject>
const command = fc.oneof(
  fc.record({ action: fc.constant('update'), path, props, unset: fc.array(key, { maxLength: 1 }) }),
  fc.record({ action: fc.constant('create'), path, id: key, parentDefault: props }),
  fc.record({ action: fc.constant('delete'), path: fc.array(key, { minLength: 1, maxLength: 3 }) }),
) as fc.Arbitrary<Command> as fc.Arbitrary<CheckedCommand>
const flush = fc.record({
  clientId: fc.constantFrom('ada', 'bob'),
  commands: fc.array(command, { minLength: 1, maxLength: 3 }),
})

test('where others wrote is told as by a look at each command, in whatever order it is asked', () => {
  const asked = fc.array(fc.tuple(path, fc.nat(12)), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.array(flush, { maxLength: 6 }), asked, (flushes, questions) => {
      let from = 0
      const entries = flushes.map((one) => {
        const entry = { ...one, from }
        from += one.commands.length
        return entry
      })
      const after = (count: number) =>
        entries.filter((entry) => entry.from + entry.commands.length > count)
      const writings = new Writings('ada', after)
      for (const [at, since] of questions) {
        const expected = entries.some(
          (entry) =>
            entry.clientId !== 'ada' &&
            entry.commands.some((one, index) => entry.from + index >= since && touches(one, at)),
        )
        expect(writings.has(at, since)).toBe(expected)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('where the history does not reach nobody knows, and each part of it is read once', () => {
  let reads = 0
  const one = { action: 'update', path: ['a'], props: { x: 1 } } as const
  const entries = [{ from: 5, clientId: 'bob', commands: [one] }]
  const writings = new Writings('ada', (count) => {
    reads += 1
    return count < 5 ? undefined : entries
  })
  expect(writings.has(['a'], 4)).toBeUndefined()
  expect([writings.has(['a'], 5), writings.has(['b'], 5), writings.has(['a'], 6)]).toEqual([
    true,
    false,
    false,
  ])
  expect(reads).toBe(2)
})
