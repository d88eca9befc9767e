import { once } from 'node:events'
import {
  createServer,
  request as ask,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/**
 * What becomes of what passes. `silent`: all bytes are lost, both ways, and nobody
 * is told. The others are for streams only: `holding` keeps an answer until it is
 * complete, which a stream never is; `bad gateway` and `web page` answer instead.
 */
export type Way = 'open' | 'silent' | 'holding' | 'bad gateway' | 'web page'

/** A proxy between browser and server, as there are some in offices and before servers. */
export class Middleman {
  readonly #server = createServer((request, response) => this.#take(request, response))
  readonly #target: string
  // A byte was lost on them: whoever speaks there later is told so.
  readonly #broken = new WeakSet<Socket>()
  // Requests whose sender has gone, of which the server has not heard.
  readonly #orphans = new Set<ClientRequest>()
  readonly #passed = new Map<string, string>()
  #way: Way = 'open'

  private constructor(target: string) {
    this.#target = target
  }

  /** Stand before the server at `target`. */
  static async before(target: string): Promise<Middleman> {
    const middleman = new Middleman(target)
    middleman.#server.listen(0, '127.0.0.1')
    await once(middleman.#server, 'listening')
    return middleman
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  set way(way: Way) {
    this.#way = way
    if (way === 'silent') return
    for (const upstream of this.#orphans) upstream.destroy()
    this.#orphans.clear()
  }

  /** All that was passed on to the browser whose requests have this `x-user`. */
  passedTo(user: string): string {
    return this.#passed.get(user) ?? ''
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.way = 'open'
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const { socket, method, url, headers } = request
    if (this.#way === 'silent') {
      this.#broken.add(socket)
      return void request.resume()
    }
    if (this.#broken.has(socket)) return void socket.resetAndDestroy()
    const isStream = headers.accept === 'text/event-stream'
    if (isStream && this.#way === 'bad gateway') return void response.writeHead(502).end()
    if (isStream && this.#way === 'web page') {
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Log in!</p>')
    }
    const upstream = ask(this.#target + url, { method, headers, agent: false })
    const isHeld = isStream && this.#way === 'holding'
    upstream.on('response', (answer) => {
      if (isHeld) void this.#hold(answer, response)
      else this.#pass(answer, response, String(headers['x-user']))
    })
    upstream.on('error', () => response.destroy())
    response.on('close', () => {
      if (this.#way === 'silent') this.#orphans.add(upstream)
      else upstream.destroy()
    })
    request.pipe(upstream)
  }

  #pass(answer: IncomingMessage, response: ServerResponse, user: string): void {
    const socket = response.socket!
    response.writeHead(answer.statusCode!, answer.headers)
    response.flushHeaders()
    answer.on('data', (chunk: Buffer) => {
      if (this.#way === 'silent') this.#broken.add(socket)
      else if (this.#broken.has(socket)) socket.resetAndDestroy()
      else {
        this.#passed.set(user, this.passedTo(user) + chunk.toString())
        response.write(chunk)
      }
    })
    answer.on('end', () => {
      if (this.#way === 'silent') this.#broken.add(socket)
      else response.end()
    })
    answer.on('error', () => response.destroy())
  }

  async #hold(answer: IncomingMessage, response: ServerResponse): Promise<void> {
    // Broken off by the one who asked.
    const body = await answer.toArray().catch(() => undefined)
    if (body) response.writeHead(answer.statusCode!, answer.headers).end(Buffer.concat(body))
  }
}
