import { type Command, Master, type Snapshot } from '@flushout/core'
import { createTestIds, testDigest, World } from '@flushout/core/testing'

/** A master with this document at this count, and no history. */
export function masterAt(
  commandCount: number,
  document: Snapshot['document'] = {},
  maxHistoryBytes?: number,
) {
  return new Master(
    { commandCount, hash: `hash-${commandCount}`, document },
    {
      createId: createTestIds('master'),
      digest: testDigest,
      ...(maxHistoryBytes !== undefined && { maxHistoryBytes }),
    },
  )
}

/** Nobody, at no time. */
export const context = { user: undefined, now: 0, seed: 'seed' }

/** A flush of Ada. */
export function flushOf(
  commands: readonly Command[],
  from = 0,
  hash = `hash-${from}`,
  sequence = 1,
) {
  return { protocol: 1, clientId: 'ada', sequence, from, hash, commands } as const
}

/** Two clients of one master that stands at `commandCount`. */
export function pair(commandCount: number, maxHistoryBytes?: number) {
  const world = new World<Record<string, any>>(
    {},
    maxHistoryBytes === undefined ? {} : { master: { maxHistoryBytes } },
  )
  const ada = world.join('ada')
  for (let count = 0; count < commandCount; count += 1) ada.proxy.apply({ action: 'update' })
  ada.settle()
  return { world, ada, bob: world.join('bob') }
}
