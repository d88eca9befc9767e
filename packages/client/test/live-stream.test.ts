import { createTestEnvironment } from '@flushout/client/testing'
import { PROTOCOL } from '@flushout/core'
import { expect, test } from 'vitest'
import { LiveStream } from '../src/live-stream.ts'

test('a stream that fell silent is given up, although the clock was put back', async () => {
  const environment = createTestEnvironment()
  const ended: string[] = []
  let setBackMs = 0
  const stream = new LiveStream({
    live: {
      stream: (_request, hear) => {
        hear({ event: 'ready', heartbeatMs: 1_000 })
        return new Promise(() => {})
      },
      poll: async () => [],
      announce: async () => {},
    },
    request: { protocol: PROTOCOL },
    environment: { ...environment, now: () => environment.now() - setBackMs },
    hear: () => {},
    onEnd: (_stream, error) => ended.push(error.message),
  })
  await environment.settle()
  setBackMs = 500_000
  await environment.advance(1_499)
  expect(ended).toEqual([])
  await environment.advance(1_501)
  expect(ended).toEqual(['The stream fell silent.'])
  stream.close()
  expect(environment.timers).toBe(0)
})
