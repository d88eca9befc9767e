import { setTimeout as wait } from 'node:timers/promises'

/**
 * Wait until `condition` gives something that counts as true, and give that
 * back. Throws with `what` was waited for when it takes too long.
 */
export async function until<Value>(
  what: string,
  condition: () => Value | Promise<Value>,
  timeoutMs = 60_000,
): Promise<NonNullable<Value>> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > end) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}.`)
    await wait(10)
  }
}
