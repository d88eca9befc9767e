import { expect, test } from 'vitest'
import { createRandomPool } from '../src/random-pool.ts'

test('no random bytes are given twice', () => {
  const fill = createRandomPool()
  const given = Array.from({ length: 2000 }, () => {
    const bytes = new Uint8Array(16)
    fill(bytes)
    return Buffer.from(bytes).toString('hex')
  })
  expect(new Set(given).size).toBe(given.length)
})

test('the last bytes are random too, and who wants too many is told', () => {
  const fill = createRandomPool()
  // What is left does not suffice for the next, which has all of its own from another fetch.
  for (let round = 0; round < 50; round += 1) {
    const bytes = new Uint8Array(1500)
    fill(bytes)
    expect(bytes.subarray(-32).some((byte) => byte !== 0)).toBe(true)
  }
  expect(() => fill(new Uint8Array(4097))).toThrow(RangeError)
})
