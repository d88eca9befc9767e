import { directTransport, httpTransport, type Backend } from '@flushout/client'
import {
  createTestNetwork,
  createTestServer,
  liveContract,
  transportContract,
  type CreateTransport,
} from '@flushout/client/testing'
import { describe, test } from 'vitest'
import { listen, serve } from './support/http-server.ts'

const transports: Record<string, CreateTransport> = {
  directTransport: ({ documents, gate }) => {
    return { transport: directTransport(gated(createTestServer(documents), gate)) }
  },
  'httpTransport over a socket': async ({ documents, gate }) => {
    const server = await listen(serve(createTestServer(documents), gate))
    return { transport: httpTransport({ url: `${server.url}/flushout` }), close: server.close }
  },
  'a test network without faults': ({ documents, gate }) => {
    const backend = gated(createTestServer(documents), gate)
    return { transport: createTestNetwork(directTransport(backend)) }
  },
}

describe.each(Object.entries(transports))('%s', (_name, createTransport) => {
  transportContract(test, createTransport)
  liveContract(test, createTransport)
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
    async live(...connection) {
      await gate()
      return backend.live!(...connection)
    },
    async announce(presence) {
      await gate()
      backend.announce!(presence)
    },
  }
}
