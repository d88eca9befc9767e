import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'
import { catalogue, isFlushoutError, type Flush } from '@flushout/core'
import type { Backend } from '@flushout/client'

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

export interface HttpServer {
  readonly url: string
  readonly close: () => Promise<void>
}

/** A server on a socket of its own that answers as `handler` says. */
export async function listen(handler: Handler): Promise<HttpServer> {
  const server = createServer((request, response) => void handler(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The routes that clients need, before `backend`. */
export function serve(backend: Backend, gate: () => void | Promise<void>): Handler {
  return async (request, response) => {
    const [, , models, key = '', action] = (request.url ?? '').split('/')
    try {
      await gate()
      if (models !== 'models') throw new Error(`There is no route ${request.url}.`)
      const name = decodeURIComponent(key)
      const answer =
        action === 'flush'
          ? await backend.flush(name, JSON.parse(await text(request)) as Flush)
          : await backend.snapshot(name)
      reply(response, 200, answer)
    } catch (error) {
      if (!isFlushoutError(error)) return reply(response, 500, { message: 'Something is wrong.' })
      const { code, message, retryAfterMs } = error
      reply(response, 400, { code, message, retry: catalogue[code], retryAfterMs })
    }
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
