// One connection for many, as it is told what befalls it.
import type { LiveTransport } from '@flushout/client'
import { createTestEnvironment } from '@flushout/client/testing'
import type { LiveEvent, LiveRequest } from '@flushout/core'
import { expect, onTestFinished, test } from 'vitest'
import { SharedLive } from '../src/tabs/shared-live.ts'

/** A connection by hand, and a way to ask for a stream over it. */
function createWorld() {
  const streams: { hear: (event: LiveEvent) => void; fail: (error: Error) => void }[] = []
  const live: LiveTransport = {
    stream: (_request, hear, signal) =>
      new Promise((_resolve, reject) => {
        streams.push({ hear, fail: reject })
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
    poll: async () => [],
    announce: async () => {},
  }
  const environment = createTestEnvironment()
  const shared = new SharedLive(live, environment)
  const ask = async (key: string) => {
    const abort = new AbortController()
    onTestFinished(() => abort.abort())
    const request: LiveRequest = { protocol: 1, models: { [key]: { from: 1, hash: 'h' } } }
    shared.stream(request, () => {}, abort.signal).catch(() => {})
    await environment.settle()
    return abort
  }
  return { streams, environment, ask }
}

const READY: LiveEvent = { event: 'ready', heartbeatMs: 20_000 }

test('who asks anew for what was refused is not led to the connection that was refused', async () => {
  const { streams, ask } = createWorld()
  await ask('list')
  const heads: LiveEvent = { event: 'heads', heads: { list: { commandCount: 1, hash: 'h' } } }
  streams[0]!.hear(READY)
  streams[0]!.hear(heads)
  await ask('list')
  expect(streams).toHaveLength(1)
  streams[0]!.hear({
    event: 'refused',
    models: 'list',
    code: 'UNAUTHENTICATED',
    message: 'Log in first.',
    retry: 'after-auth',
  })
  // One that was on its way for long.
  streams[0]!.hear(heads)
  await ask('list')
  expect(streams).toHaveLength(2)
})

test('nothing stays open when the last who asked is let down', async () => {
  const { streams, environment, ask } = createWorld()
  const first = await ask('list')
  streams[0]!.hear(READY)
  await ask('another')
  first.abort()
  await environment.settle()
  streams.at(-1)!.fail(new Error('The network is gone.'))
  await environment.settle()
  expect(environment.timers).toBe(0)
})
