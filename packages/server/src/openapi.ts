import { PROTOCOL } from '@flushout/core'
import { adminSchemas } from './admin-messages.ts'
import { liveSchemas } from './live/check-live.ts'
import { liveEventSchema } from './live-event-schema.ts'
import { errors, operations } from './openapi-operations.ts'
import { schemas, type Schema } from './schemas.ts'

/** The OpenAPI 3.1 document of the routes under `prefix`. */
export function createOpenApi(prefix: string): Schema {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Flushout',
      version: `${PROTOCOL}.0.0`,
      description: 'Collaborative models: read a snapshot, pull or follow updates, flush commands.',
    },
    servers: [{ url: prefix === '' ? '/' : prefix }],
    paths: {
      ...operations,
      '/openapi.json': { get: plain('This document.') },
      '/healthz': { get: plain('The process runs.') },
      '/readyz': { get: { ...plain('Flushes can be served.'), ...withErrors(503) } },
    },
    components: {
      schemas: { ...schemas, ...adminSchemas, ...liveSchemas, LiveEvent: liveEventSchema },
    },
  }

  function plain(description: string): Schema {
    return {
      responses: { 200: { description, content: { 'application/json': { schema: {} } } } },
    }
  }

  function withErrors(...codes: number[]): Schema {
    return {
      responses: {
        200: { description: 'Flushes can be served.' },
        ...errors(...codes),
      },
    }
  }
}
