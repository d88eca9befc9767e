import { directTransport, httpTransport } from '@flushout/client'
import {
  createTestNetwork,
  createTestServer,
  liveContract,
  transportContract,
  type CreateTransport,
} from '@flushout/client/testing'
import { describe, test } from 'vitest'
import { gated } from './support/gated.ts'
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
