import type { FastifyReply, FastifyServerOptions } from 'fastify'
import { toHttpError } from './http-errors.ts'

/**
 * What a Fastify instance that serves models should be made with:
 * `Fastify({ ...fastifyOptions, logger: true })`. These belong to the instance,
 * so the plugin cannot set them: room for long keys, an end for slow senders,
 * and errors before routing in the form of all others.
 */
export const fastifyOptions: Pick<
  FastifyServerOptions,
  'routerOptions' | 'requestTimeout' | 'return503OnClosing' | 'frameworkErrors'
> = {
  // Keys of 256 characters, each of up to nine once it is encoded.
  routerOptions: { maxParamLength: 2304 },
  requestTimeout: 30_000,
  // The plugin answers with UNAVAILABLE, which clients understand.
  return503OnClosing: false,
  frameworkErrors: (error, _request, reply: FastifyReply) => {
    const { status, body } = toHttpError(error)
    reply.code(status).send(body)
  },
}
