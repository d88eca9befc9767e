import type { JsonObject } from '@flushout/core'
import { allowAnyone, fastifyOptions, flushout, postgresStore } from '@flushout/server'
import Fastify, { type FastifyInstance } from 'fastify'

/** Models in Postgres, set up as an application would. */
export async function createFlushoutServer(
  url: string,
  document: JsonObject,
): Promise<FastifyInstance> {
  const app = Fastify({ ...fastifyOptions })
  await app.register(flushout, {
    store: postgresStore({ connectionString: url }),
    authorize: allowAnyone,
    models: [{ pattern: 'bench:*', initial: document }],
  })
  return app
}
