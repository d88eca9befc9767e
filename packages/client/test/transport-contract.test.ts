import { directTransport, httpTransport, type Backend } from '@flushout/client'
import { createTestNetwork, createTestServer, transportContract } from '@flushout/client/testing'
import { describe, test } from 'vitest'
import { listen, serve } from './support/http-server.ts'

describe('directTransport', () => {
  transportContract(test, ({ documents, gate }) => {
    return { transport: directTransport(gated(createTestServer(documents), gate)) }
  })
})

describe('httpTransport over a socket', () => {
  transportContract(test, async ({ documents, gate }) => {
    const server = await listen(serve(createTestServer(documents), gate))
    return { transport: httpTransport({ url: `${server.url}/flushout` }), close: server.close }
  })
})

describe('a test network without faults', () => {
  transportContract(test, ({ documents, gate }) => {
    const backend = gated(createTestServer(documents), gate)
    return { transport: createTestNetwork(directTransport(backend)) }
  })
})

function gated(backend: Backend, gate: () => void | Promise<void>): Backend {
  return {
    async snapshot(key) {
      await gate()
      return backend.snapshot(key)
    },
    async flush(key, flush) {
      await gate()
      return backend.flush(key, flush)
    },
  }
}
