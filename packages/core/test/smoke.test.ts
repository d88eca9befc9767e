import { Master } from '@flushout/core'
import { expect, test } from 'vitest'

test('a master applies a flush', () => {
  const master = new Master({ commandCount: 0, hash: 'g', document: {} }, { createId: () => 'x', digest: (t) => `${t.length}` })
  const answer = master.apply(
    { protocol: 1, clientId: 'c', sequence: 1, from: 0, hash: 'g', commands: [{ action: 'create', id: 'a', props: { b: 1 } }] },
    { user: undefined, now: 1, seed: 's' },
  )
  expect(answer.sync.kind).toBe('none')
  expect(answer.commandCount).toBe(1)
  expect(master.snapshot().document).toEqual({ a: { b: 1 } })
})
