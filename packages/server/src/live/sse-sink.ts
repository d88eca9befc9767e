import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Frame } from './frame.ts'
import type { Sink } from './stream.ts'

/** How long a client waits before it comes back, by its own random number. */
export interface SseOptions {
  readonly retryMs: number
  /** What others want to go with every answer, as those of CORS. */
  readonly headers: OutgoingHttpHeaders
  /** Text for the `id` of an event, if it is to name more than the model it is about. */
  readonly idOf?: (frame: Frame) => string | undefined
}

/**
 * A stream of server-sent events. Written without chunks, so that one buffer
 * serves all readers: the body ends with the connection.
 */
export function createSseSink(
  response: ServerResponse,
  { retryMs, headers, idOf }: SseOptions,
): Sink {
  response.removeHeader('transfer-encoding')
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // Proxies of the kind of nginx would hold it back.
    'x-accel-buffering': 'no',
    // HTTP/2 knows no such header, and needs none.
    ...(response.req.httpVersionMajor < 2 && { connection: 'close' }),
  })
  response.write(`retry: ${retryMs}\n\n`)
  return {
    write(frame) {
      const id = idOf?.(frame)
      if (id === undefined) return response.write(frame.bytes)
      return response.write(`id: ${id}\ndata: ${frame.json}\n\n`)
    },
    end() {
      // What it has not taken by now holds up the end of nobody.
      if (response.writableNeedDrain) response.destroy()
      else response.end()
    },
  }
}
