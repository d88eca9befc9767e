// The server, in a process of its own and set up as an application would.
import { allowAnyone, fastifyOptions, flushout, postgresStore } from '@flushout/server'
import Fastify from 'fastify'
import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { makeDocument } from '../load.ts'
import { serveParent } from '../harness/child.ts'
import { readClock } from './clock.ts'

/** What a server process takes, after its garbage was collected. */
export interface Memory {
  readonly rss: number
  /** Heap, and what buffers take outside of it. */
  readonly used: number
  readonly heap: number
}

/** Where a server listens, and since when. */
export interface Listening {
  readonly port: number
  readonly at: number
}

const app = Fastify({ ...fastifyOptions })
let session: Session | undefined

const api = {
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

  async readMemory(): Promise<Memory> {
    for (let round = 0; round < 3; round += 1) {
      globalThis.gc!()
      // What was collected is given back a little later.
      await wait(100)
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rss, used: heapUsed + external, heap: heapUsed }
  },

  /** Milliseconds of processor time so far. */
  readCpu(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
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

/** What a server process can be asked for. */
export type ServerApi = typeof api

serveParent(api)
