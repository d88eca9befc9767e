import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'
import {
  catalogue,
  isFlushoutError,
  type Flush,
  type LiveEvent,
  type LiveRequest,
  type PresenceRequest,
} from '@flushout/core'
import type { Backend, LiveSink } from '@flushout/client'

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
    const [, , route, key = '', action] = (request.url ?? '').split('/')
    try {
      await gate()
      const body = async () => JSON.parse(await text(request)) as unknown
      const name = decodeURIComponent(key)
      if (route === 'live')
        await serveLive(backend, request, response, (await body()) as LiveRequest)
      else if (route === 'presence') {
        await backend.announce?.((await body()) as PresenceRequest)
        response.writeHead(204).end()
      } else if (action === 'flush') {
        reply(response, 200, await backend.flush(name, (await body()) as Flush))
      } else if (route === 'models') reply(response, 200, await backend.snapshot(name))
      else throw new Error(`There is no route ${request.url}.`)
    } catch (error) {
      if (!isFlushoutError(error)) return reply(response, 500, { message: 'Something is wrong.' })
      const { code, message, retryAfterMs } = error
      reply(response, 400, { code, message, retry: catalogue[code], retryAfterMs })
    }
  }
}

/** Write what happens as it comes, or answer with the first news. */
async function serveLive(
  backend: Backend,
  { headers }: IncomingMessage,
  response: ServerResponse,
  wanted: LiveRequest,
): Promise<void> {
  const isStream = headers.accept === 'text/event-stream'
  const events: LiveEvent[] = []
  const sink: LiveSink = {
    write({ event, isNews }) {
      if (isStream) response.write(`data: ${JSON.stringify(event)}\n\n`)
      else events.push(event)
      if (isNews && !isStream && !response.writableEnded) queueMicrotask(() => sink.end())
      return true
    },
    end() {
      if (isStream) response.end()
      else if (!response.writableEnded) reply(response, 200, { events })
    },
  }
  if (isStream) response.writeHead(200, { 'content-type': 'text/event-stream' })
  const line = await backend.live!(
    wanted,
    () => sink,
    async () => undefined,
  )
  response.on('close', () => line.close())
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
