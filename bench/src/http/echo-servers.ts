// Servers that do nothing: what is left when flushes are not applied and not stored is the
// price of HTTP, of JSON and of a check of both messages.
import type { Flush } from '@flushout/core'
import { fastifyOptions } from '@flushout/server'
import Fastify, { type FastifyInstance } from 'fastify'
import { createServer, type Server } from 'node:http'
import { answerTo, NOWHERE } from './answer-to.ts'

/** `node:http` alone, which reads any JSON. */
export function createBareEcho(): Server {
  return createServer(
    { keepAliveTimeout: fastifyOptions.keepAliveTimeout! },
    (request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const answer =
          request.method === 'GET' ? NOWHERE : answerTo(JSON.parse(Buffer.concat(parts).toString()))
        const text = JSON.stringify(answer)
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        })
        response.end(text)
      })
    },
  )
}

/** Fastify, which reads any JSON; with `isChecked` messages of this form only, both ways. */
export function createFastifyEcho(isChecked: boolean): FastifyInstance {
  const app = Fastify({ ...fastifyOptions })
  app.get('/flushout/models/:key', async () => NOWHERE)
  app.post<{ Body: Flush }>(
    '/flushout/models/:key/flush',
    isChecked ? { schema: { body: FLUSH, response: { 200: ANSWER } } } : {},
    async ({ body }) => answerTo(body),
  )
  return app
}

const TEXT = { type: 'string' }
const COUNT = { type: 'integer', minimum: 0 }

const COMMAND = {
  type: 'object',
  required: ['action', 'path', 'props'],
  additionalProperties: false,
  properties: {
    action: { enum: ['create', 'update', 'delete'] },
    path: { type: 'array', items: TEXT },
    props: { type: 'object' },
  },
}

const FLUSH = {
  type: 'object',
  required: ['protocol', 'clientId', 'sequence', 'from', 'hash', 'commands'],
  additionalProperties: false,
  properties: {
    protocol: { const: 1 },
    clientId: { type: 'string', pattern: '^[!-~]{1,128}$' },
    sequence: COUNT,
    from: COUNT,
    hash: { type: 'string', maxLength: 128 },
    commands: { type: 'array', items: COMMAND },
  },
}

const ANSWER = {
  type: 'object',
  properties: {
    clientId: TEXT,
    sequence: COUNT,
    outcome: TEXT,
    commandCount: COUNT,
    hash: TEXT,
    verdicts: { type: 'array', items: { type: 'object' } },
    remaps: { type: 'array', items: { type: 'object' } },
    sync: { type: 'object', properties: { kind: TEXT } },
  },
}
