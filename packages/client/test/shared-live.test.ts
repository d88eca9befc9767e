// One connection for many, as it is told what befalls it.
import type { LiveTransport } from '@flushout/client'
import { createTestEnvironment } from '@flushout/client/testing'
import type { LiveEvent, LiveRequest } from '@flushout/core'
import { expect, onTestFinished, test } from 'vitest'
import { SharedLive } from '../src/tabs/shared-live.ts'

test('who asks anew for what was refused is not led to the connection that was refused', async () => {
  const streams: ((event: LiveEvent) => void)[] = []
  const live: LiveTransport = {
    stream: (_request, hear, signal) =>
      new Promise((_resolve, reject) => {
        streams.push(hear)
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
    poll: async () => [],
    announce: async () => {},
  }
  const environment = createTestEnvironment()
  const shared = new SharedLive(live, environment)
  const request: LiveRequest = { protocol: 1, models: { list: { from: 1, hash: 'h' } }, feeds: [] }
  const ask = async () => {
    const abort = new AbortController()
    onTestFinished(() => abort.abort())
    shared.stream(request, () => {}, abort.signal).catch(() => {})
    await environment.settle()
  }
  await ask()
  const heads: LiveEvent = { event: 'heads', heads: { list: { commandCount: 1, hash: 'h' } } }
  streams[0]!({ event: 'ready', heartbeatMs: 20_000 })
  streams[0]!(heads)
  await ask()
  expect(streams).toHaveLength(1)
  streams[0]!({
    event: 'refused',
    models: 'list',
    code: 'UNAUTHENTICATED',
    message: 'Log in first.',
    retry: 'after-auth',
  })
  // One that was on its way for long.
  streams[0]!(heads)
  await ask()
  expect(streams).toHaveLength(2)
})
