import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyServerOptions } from 'fastify'
import { toConnectionError, toHttpError, type ErrorBody } from './http-errors.ts'

/**
 * What a Fastify instance that serves models should be made with:
 * `Fastify({ ...fastifyOptions, logger: true })`. These belong to the instance,
 * so the plugin cannot set them: room for long keys, an end for slow senders and
 * for readers that do not read, and errors before routing in the form of all
 * others. With TLS: `https: { ...fastifyOptions.http, key, cert }`.
 */
export const fastifyOptions: Pick<
  FastifyServerOptions,
  | 'routerOptions'
  | 'requestTimeout'
  | 'connectionTimeout'
  | 'keepAliveTimeout'
  | 'return503OnClosing'
  | 'frameworkErrors'
  | 'clientErrorHandler'
> & {
  readonly http: { readonly headersTimeout: number; readonly connectionsCheckingInterval: number }
} = {
  // Keys of 256 characters, each of up to nine once it is encoded.
  routerOptions: { maxParamLength: 2304 },
  // A request has arrived as a whole by then, or it is answered with 408.
  requestTimeout: 30_000,
  // Node looks so often whether one is late; by itself every 30 seconds only.
  http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
  // Nothing moved on a connection for so long: its reader does not read. Longer
  // than a request may take, since nothing moves while it is worked on.
  connectionTimeout: 60_000,
  // Between two requests. Longer than load balancers wait, usually 60 seconds:
  // who lets go first must not be who is about to be sent something.
  keepAliveTimeout: 72_000,
  // The plugin answers with UNAVAILABLE, which clients understand.
  return503OnClosing: false,
  frameworkErrors: (error, _request, reply: FastifyReply) => {
    const { status, body } = toHttpError(error)
    reply.code(status).send(body)
  },
  clientErrorHandler: (error, socket) => {
    const { status, body } = toConnectionError(error)
    if (status === 408 || isAboutThisRequest(socket)) writeAnswer(socket, status, body)
    socket.destroy()
  },
}

/**
 * Tell whether a fault found on `socket` lies in the request whose answer is
 * awaited. One that was sent behind it must not be taken for its answer: the
 * client would drop edits that are being applied.
 */
function isAboutThisRequest(socket: Socket): boolean {
  // Not documented; Node's own handler goes by it too.
  const { _httpMessage: response } = socket as Socket & { readonly _httpMessage?: ServerResponse }
  return !response || !response.req.complete
}

function writeAnswer(socket: Socket, status: number, body: ErrorBody): void {
  const { _httpMessage: response } = socket as Socket & { readonly _httpMessage?: ServerResponse }
  if (!socket.writable || response?.headersSent) return
  const text = JSON.stringify(body)
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n` +
      `content-type: application/json; charset=utf-8\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
  )
}
