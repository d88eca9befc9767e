import type { JsonObject } from '@flushout/core'
import { PlainLoop } from '../plain-loop.ts'
import { inProcess, type Scheme } from './scheme.ts'
import { MODELS } from './spread.ts'

/** The scheme that everybody writes first. */
export async function createPlainLoop(url: string, document: JsonObject): Promise<Scheme> {
  const loop = new PlainLoop(url)
  const keys = Array.from({ length: MODELS }, (_, model) => String(model))
  await loop.create(keys, document)
  let flushes = 0
  return inProcess('plain loop', {
    async flush(model, writer) {
      await loop.flush(keys[model]!, String(writer))
      flushes += 1
    },
    retries: () => loop.tries - flushes,
    async countCommands() {
      const counts = await Promise.all(keys.map((key) => loop.countOf(key)))
      return counts.reduce((sum, count) => sum + count, 0)
    },
    close: () => loop.close(),
  })
}
