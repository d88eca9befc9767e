import { compileKeyPattern } from '@flushout/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PatternIndex } from '../src/live/pattern-index.ts'

const segment = fc.constantFrom('a', 'b', '*', '', '%2A')
const key = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(':'))

test('the index finds exactly the patterns that fit, whatever came and went before', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.boolean())), fc.array(key), (steps, keys) => {
      const index = new PatternIndex<string>()
      const kept = new Set<string>()
      for (const [pattern, stays] of steps) {
        index.add(pattern, pattern)
        kept.add(pattern)
        if (stays) continue
        index.delete(pattern, pattern)
        kept.delete(pattern)
      }
      expect([...index].toSorted()).toEqual([...kept].toSorted())
      for (const one of [...keys, ...kept]) {
        const fits = [...kept].filter((pattern) => compileKeyPattern(pattern)(one))
        expect([...index.match(one)].toSorted()).toEqual(fits.toSorted())
      }
    }),
  )
})

test('the index keeps nothing of what was taken away', () => {
  const index = new PatternIndex<number>()
  for (let n = 0; n < 100; n += 1) index.add(`team:${n}:*`, n)
  for (let n = 0; n < 100; n += 1) index.delete(`team:${n}:*`, n)
  // What was never there is no harm.
  index.delete('other:*', 1)
  expect([...index]).toEqual([])
  expect([...index.match('team:1:x')]).toEqual([])
})
