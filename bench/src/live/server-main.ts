// The server, in a process of its own and set up as an application would.
import { allowAnyone, fastifyOptions, flushout, postgresStore } from '@flushout/server'
import Fastify from 'fastify'
import type { AddressInfo } from 'node:net'
import { serveParent } from '../harness/child.ts'
import { makeDocument } from '../server/load.ts'
import { readClock } from './clock.ts'
import { processApi } from './process-api.ts'

/** Where a server listens, and since when. */
export interface Listening {
  readonly port: number
  readonly at: number
}

const app = Fastify({ ...fastifyOptions })

const api = {
  ...processApi,

  /** Begin to listen; on a free port if none is given. */
  async listen(url: string, port = 0): Promise<Listening> {
    await app.register(flushout, {
      store: postgresStore({ connectionString: url }),
      authorize: allowAnyone,
      models: [{ pattern: 'bench:*', initial: makeDocument(4_000) }],
    })
    await app.listen({ port, host: '127.0.0.1' })
    return { port: (app.server.address() as AddressInfo).port, at: readClock() }
  },
}

/** What a server process can be asked for. */
export type ServerApi = typeof api

serveParent(api)
