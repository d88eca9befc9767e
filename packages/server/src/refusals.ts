import { FlushoutError } from '@flushout/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { toHttpError } from './http-errors.ts'
import type { Offences } from './offences.ts'

/** Answer whatever is thrown in `scope`, and what has no route there, by the catalogue. */
export function handleErrors(scope: FastifyInstance, prefix: string, offences: Offences): void {
  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const { status, body } = toHttpError(error)
    if (status === 500) request.log.error({ err: error }, 'request failed')
    else request.log.debug({ err: error }, 'request refused')
    offences.noteRefusal(body.code, error, request)
    if (body.retryAfterMs !== undefined) {
      reply.header('retry-after', String(Math.ceil(body.retryAfterMs / 1000)))
    }
    if (status === 426) reply.header('upgrade', 'flushout/1')
    reply.code(status).send(body)
  }
  scope.setErrorHandler(refuse)
  // Without a prefix it would be the application's own.
  if (prefix === '' || prefix === '/') return
  scope.setNotFoundHandler((request, reply) => {
    refuse(new FlushoutError('NOT_FOUND', 'There is no such route.'), request, reply)
  })
}
