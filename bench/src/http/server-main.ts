// One of the servers that are compared, in a process of its own.
import type { JsonObject } from '@flushout/core'
import type { FastifyInstance } from 'fastify'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { Session } from 'node:inspector/promises'
import type { AddressInfo } from 'node:net'
import { serveParent } from '../harness/child.ts'
import { makeDocument } from '../server/load.ts'
import { createBareEcho, createFastifyEcho } from './echo-servers.ts'
import { createFlushoutServer } from './flushout-server.ts'
import { createPlainServer } from './plain-server.ts'
import { createShareDbServer } from './sharedb-server.ts'
import { DOCUMENT_BYTES } from './tasks.ts'

type Create = (url: string, document: JsonObject) => Promise<Server>

const servers = {
  bare: async () => listen(createBareEcho()),
  fastify: async () => listenWith(createFastifyEcho(false)),
  schemas: async () => listenWith(createFastifyEcho(true)),
  plain: async (url, document) => listenWith(await createPlainServer(url, document)),
  flushout: async (url, document) => listenWith(await createFlushoutServer(url, document)),
  sharedb: async (url, document) => listen(await createShareDbServer(url, document)),
} satisfies Record<string, Create>

/** Which servers there are. */
export type ServerName = keyof typeof servers

const ADDRESS = { port: 0, host: '127.0.0.1' }

async function listen(server: Server): Promise<Server> {
  server.listen(ADDRESS)
  await once(server, 'listening')
  return server
}

async function listenWith(app: FastifyInstance): Promise<Server> {
  await app.listen(ADDRESS)
  return app.server
}

let session: Session | undefined

const api = {
  /** Begin to listen; gives the port. Models lie in the database of `url`. */
  async listen(name: ServerName, url: string): Promise<number> {
    const server = await servers[name](url, makeDocument(DOCUMENT_BYTES))
    return (server.address() as AddressInfo).port
  },

  /** Microseconds of processor time so far. */
  readCpu(): number {
    const { user, system } = process.cpuUsage()
    return user + system
  },

  /** Record which functions take the time, from now on. */
  async startProfile(): Promise<void> {
    session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
  },

  async stopProfile(file: string): Promise<void> {
    const { profile } = await session!.post('Profiler.stop')
    session!.disconnect()
    await writeFile(file, JSON.stringify(profile))
  },
}

/** What the process of a server can be asked for. */
export type ServerApi = typeof api

serveParent(api)
