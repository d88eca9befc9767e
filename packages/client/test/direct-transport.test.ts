import { directTransport } from '@flushout/client'
import type { Flush } from '@flushout/core'
import { expect, test } from 'vitest'

const FLUSH: Flush = {
  protocol: 1,
  clientId: 'ada',
  sequence: 1,
  from: 0,
  hash: 'h',
  commands: [{ action: 'update', path: [], props: { a: { b: 1 } } }],
}

test('a backend gets a flush of its own, and gives an answer away', async () => {
  const answer = { list: [1] }
  let received: unknown
  const transport = directTransport({
    snapshot: () => ({ commandCount: 0, hash: '', document: {} }),
    flush: (_key, flush) => {
      received = flush
      return answer
    },
  })
  const given = await transport.flush('todos', FLUSH, new AbortController().signal)
  expect(received).toEqual(FLUSH)
  expect(received).not.toBe(FLUSH)
  expect(given).toEqual(answer)
  expect(given).not.toBe(answer)
})

test('a backend that answers what no network could carry has failed', async () => {
  const cycle: Record<string, unknown> = {}
  cycle['itself'] = cycle
  for (const answer of [undefined, cycle, 1n]) {
    const transport = directTransport({
      snapshot: () => ({ commandCount: 0, hash: '', document: {} }),
      flush: () => answer,
    })
    const flushed = transport.flush('todos', FLUSH, new AbortController().signal)
    await expect(flushed).rejects.toMatchObject({ code: 'NETWORK', retry: 'same-flush' })
  }
})
