import { expect, test } from 'vitest'
import { createSteadyClock } from '../src/live/steady-clock.ts'

test('goes on by what passed, however the clock behind it is set meanwhile', () => {
  let now = 5_000_000
  const clock = createSteadyClock(() => now)
  const start = clock()
  now += 300
  expect(clock() - start).toBe(300)
  now -= 4_000_000
  expect(clock() - start).toBe(300)
  now += 1_000
  expect(clock() - start).toBe(1_300)
  now += 400_000_000
  expect(clock() - start).toBe(1_300)
  now += 1_000
  expect(clock() - start).toBe(2_300)
})
