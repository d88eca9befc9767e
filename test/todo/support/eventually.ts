import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'

const PATIENCE_MS = 15_000

/** Read until the value equals `expected`. `expect.poll` cannot be used while several tests run at once. */
export async function eventually<T>(read: () => T | Promise<T>, expected: unknown): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    const value = await read()
    try {
      return expect(value).toEqual(expected)
    } catch (error) {
      if (Date.now() > end) throw error
    }
    await wait(25)
  }
}
