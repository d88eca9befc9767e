import { PROTOCOL } from '@flushout/core'
import { schemas, type Schema } from './schemas.ts'

/** The OpenAPI 3.1 document of the routes under `prefix`. */
export function createOpenApi(prefix: string): Schema {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Flushout',
      version: `${PROTOCOL}.0.0`,
      description: 'Collaborative models: read a snapshot, pull updates, flush commands.',
    },
    servers: [{ url: prefix === '' ? '/' : prefix }],
    paths: {
      '/models/{key}': { get: readModel },
      '/models/{key}/flush': { post: flushModel },
      '/openapi.json': { get: plain('This document.') },
      '/healthz': { get: plain('The process runs.') },
      '/readyz': { get: { ...plain('Flushes can be served.'), ...withErrors(503) } },
    },
    components: { schemas },
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

const MEANING: { readonly [status: number]: string } = {
  304: 'The snapshot is the one that the client has.',
  400: 'The message is malformed; `message` names the place.',
  401: 'Nobody is logged in.',
  403: 'This user may not.',
  404: 'There is no such model.',
  409: 'Client and server disagree about the past.',
  413: 'The flush is too large.',
  426: 'The client speaks another version of the protocol.',
  503: 'Try the same again later.',
}

const keyParameter: Schema = {
  name: 'key',
  in: 'path',
  required: true,
  schema: { type: 'string', minLength: 1 },
  description: 'The model, as `todos:groceries`.',
}

const readModel: Schema = {
  operationId: 'readModel',
  description: 'The snapshot; or, with `from`, what the client lacks since then.',
  parameters: [
    keyParameter,
    query('from', { type: 'integer', minimum: 0 }, 'The count that the client confirmed.'),
    query('hash', { type: 'string', maxLength: 128 }, 'The history hash at that count.'),
  ],
  responses: {
    200: {
      description: 'A snapshot without `from`, with it a pull answer.',
      headers: { etag: { schema: { type: 'string' }, description: 'Of a snapshot: its hash.' } },
      ...json({ anyOf: [ref('Snapshot'), ref('PullAnswer')] }),
    },
    304: { description: MEANING[304] },
    ...errors(400, 401, 403, 404, 409, 503),
  },
}

const flushModel: Schema = {
  operationId: 'flushModel',
  description: 'Apply a flush. Refused commands are listed in `verdicts` of a success.',
  parameters: [keyParameter],
  requestBody: { required: true, ...json(ref('Flush')) },
  responses: {
    200: { description: 'What became of it.', ...json(ref('FlushAnswer')) },
    ...errors(400, 401, 403, 404, 409, 413, 426, 503),
  },
}

function query(name: string, schema: Schema, description: string): Schema {
  return { name, in: 'query', required: false, schema, description }
}

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

function json(schema: Schema): Schema {
  return { content: { 'application/json': { schema } } }
}

function errors(...statuses: number[]): Schema {
  return Object.fromEntries(
    statuses.map((status) => [status, { description: MEANING[status], ...json(ref('Error')) }]),
  )
}
