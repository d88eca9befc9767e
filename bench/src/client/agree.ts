import type { Flush, FlushAnswer } from '@flushout/core'

/** What a master answers that applies all as sent, and knows of nobody else. */
export function agree({ clientId, sequence, from, commands }: Flush): FlushAnswer {
  const commandCount = from + commands.length
  const done = { outcome: 'applied', verdicts: [], remaps: [], sync: { kind: 'none' } } as const
  return { ...done, clientId, sequence, commandCount, hash: 'h' }
}
