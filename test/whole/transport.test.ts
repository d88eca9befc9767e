// The clients' transport against the servers' plugin, over a real socket: what
// both sides promise each other, on both stores.
import { httpTransport } from '@flushout/client'
import {
  liveContract,
  transportContract,
  type CreateTransport,
  type TransportWorld,
} from '@flushout/client/testing'
import {
  allowAnyone,
  fastifyOptions,
  flushout,
  memoryStore,
  postgresStore,
  type ModelStore,
} from '@flushout/server'
import Fastify from 'fastify'
import { describe, inject, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'

async function serve({ documents, gate }: TransportWorld, store: ModelStore) {
  const app = Fastify({ ...fastifyOptions, forceCloseConnections: true })
  app.addHook('preHandler', async () => gate())
  await app.register(flushout, {
    store,
    authorize: allowAnyone,
    models: Object.entries(documents).map(([pattern, initial]) => ({ pattern, initial })),
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { transport: httpTransport({ url: `${url}/flushout` }), close: () => app.close() }
}

const stores: Record<string, CreateTransport> = {
  memory: (world) => serve(world, memoryStore()),
  Postgres: async (world) => {
    const database = await createDatabase(inject('postgresUrl'))
    const served = await serve(world, postgresStore({ connectionString: database.url }))
    const close = async () => {
      await served.close()
      await database.drop()
    }
    return { ...served, close }
  },
}

describe.each(Object.entries(stores))('HTTP to models in %s', (_name, createTransport) => {
  transportContract(test, createTransport)
  liveContract(test, createTransport)
})
