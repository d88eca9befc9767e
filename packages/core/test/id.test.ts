import { createIdFactory } from '@flushout/core'
import { describe, expect, test } from 'vitest'

const zeros = (bytes: Uint8Array) => void bytes.fill(0)
const ones = (bytes: Uint8Array) => void bytes.fill(255)

describe('ids', () => {
  test('are 26 characters that tell their time, and never look like an array index', () => {
    const createId = createIdFactory({ now: () => 0, fillRandom: zeros })
    expect(createId()).toBe('0'.repeat(26))
    const later = createIdFactory({ now: () => 1_700_000_000_000, fillRandom: ones })()
    expect(later).toMatch(/^[0-9a-hjkmnp-tv-z]{26}$/)
    // 1,700,000,000,000 in base 32, after Crockford.
    expect(later.slice(0, 10)).toBe('01hf7yat00')
    for (const id of [createId(), later]) expect(Object.keys({ z: 0, [id]: 1 })).toEqual(['z', id])
  })

  test('ascend within a millisecond, and draw random numbers once for each', () => {
    const drawn: number[] = []
    let now = 5
    const fillRandom = (bytes: Uint8Array) => {
      drawn.push(now)
      bytes.fill(31, 1)
      bytes[0] = 0
    }
    const createId = createIdFactory({ now: () => now, fillRandom })
    const ids = Array.from({ length: 3 }, createId)
    // Every digit ran over into the one before it.
    expect(ids.slice(0, 2).map((id) => id.slice(10))).toEqual([
      `0${'z'.repeat(15)}`,
      `1${'0'.repeat(15)}`,
    ])
    now = 6
    ids.push(createId())
    expect(ids.toSorted()).toEqual(ids)
    expect(drawn).toEqual([5, 6])
  })

  test('ascend when the clock stands still, goes back or jumps', () => {
    const times = [1_000, 1_000, 999, 0, -5, 1_000.9, 1_001, 5, 2 ** 47]
    let index = 0
    const createId = createIdFactory({ now: () => times[index++]!, fillRandom: zeros })
    const ids = times.map(() => createId())
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('go on in the next millisecond when those of one are used up', () => {
    const createId = createIdFactory({ now: () => 5, fillRandom: ones })
    const [first, second, third] = [createId(), createId(), createId()]
    expect(first).toBe('0000000005zzzzzzzzzzzzzzzz')
    // Redrawn, one millisecond on; then two.
    expect([second, third]).toEqual(['0000000006zzzzzzzzzzzzzzzz', '0000000007zzzzzzzzzzzzzzzz'])
  })

  test('of two sources differ by what is random', () => {
    let next = 0
    const fillRandom = (bytes: Uint8Array) =>
      bytes.forEach((_, index) => (bytes[index] = next++ % 256))
    const [one, other] = [
      createIdFactory({ now: () => 0, fillRandom })(),
      createIdFactory({ now: () => 0, fillRandom })(),
    ]
    expect(one.slice(0, 10)).toBe(other.slice(0, 10))
    expect(one).not.toBe(other)
  })
})
