import { createTestEnvironment } from '@flushout/client/testing'
import type { LiveEvent } from '@flushout/core'
import { expect, test } from 'vitest'
import { LiveConnection } from '../src/live-connection.ts'

const KEY = 'todos:groceries'

test('what a stream is refused from before a login does not count after it', async () => {
  const environment = createTestEnvironment()
  const streams: ((event: LiveEvent) => void)[] = []
  const heard: string[] = []
  const connection = new LiveConnection({
    live: {
      stream: (_request, hear) => {
        streams.push(hear)
        return new Promise(() => {})
      },
      poll: async () => [],
      announce: async () => {},
    },
    environment,
    onChange: () => {},
  })
  connection.add({
    request: () => ({ models: { [KEY]: { from: 0, hash: 'h' } } }),
    hear: ({ event }) => heard.push(event),
  })
  await environment.advance(100)
  streams[0]!({ event: 'ready', heartbeatMs: 20_000 })
  connection.resume()
  const refused = { event: 'refused', models: KEY, message: 'Log in first.' } as const
  streams[0]!({ ...refused, code: 'UNAUTHENTICATED', retry: 'after-auth' })
  expect(connection.carrierOf(KEY)).toBe('stream')
  expect(heard).toEqual(['ready'])
  await environment.settle()
  streams[1]!({ event: 'ready', heartbeatMs: 20_000 })
  streams[1]!({ ...refused, code: 'FORBIDDEN', retry: 'never' })
  expect(connection.carrierOf(KEY)).toBeUndefined()
  connection.pause()
  expect(environment.timers).toBe(0)
})
