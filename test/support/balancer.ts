import { createServer, request as sendRequest, type Server } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from './until.ts'

/** What became of the requests that one server was given. */
interface Tally {
  answered: number
  /** Nobody listened. */
  refused: number
  /** It had the request, or a part of it, and went away. */
  broken: number
  /** Not answered yet; streams do not count, they end when the server does. */
  waiting: number
}

const newTally = (): Tally => ({ answered: 0, refused: 0, broken: 0, waiting: 0 })

/**
 * Hands each request to the next server in turn, whoever sent it, on a
 * connection of its own: two requests of one client hardly ever meet the same
 * server. Answers 502, as balancers do, where a server cannot.
 */
export class Balancer implements AsyncDisposable {
  readonly tallies: Map<string, Tally>
  readonly #server: Server
  readonly #addresses: string[]
  #turn = 0

  private constructor(addresses: readonly string[]) {
    this.#addresses = [...addresses]
    this.tallies = new Map(addresses.map((address) => [address, newTally()]))
    this.#server = createServer((request, response) => this.#forward(request, response))
  }

  static async start(addresses: readonly string[]): Promise<Balancer> {
    const balancer = new Balancer(addresses)
    await new Promise<void>((resolve) => balancer.#server.listen(0, '127.0.0.1', resolve))
    return balancer
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Give a server its turn from now on. */
  add(address: string): void {
    this.tallies.set(address, newTally())
    this.#addresses.push(address)
  }

  /**
   * Give a server nothing any more, and wait for the answers that it owes. Who
   * ends it before that cuts connections which wait at its door, unaccepted.
   */
  async drain(address: string): Promise<void> {
    this.#addresses.splice(this.#addresses.indexOf(address), 1)
    const tally = this.tallies.get(address)!
    await until(`${address} has answered`, () => tally.waiting === 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const address = this.#addresses[(this.#turn += 1) % this.#addresses.length]!
    const tally = this.tallies.get(address)!
    const { hostname, port } = new URL(address)
    const { method, url, headers } = request
    const weight = url!.endsWith('/live') ? 0 : 1
    tally.waiting += weight
    const options = { hostname, port, method, path: url, headers, agent: false as const }
    const forwarded = sendRequest(options, (answer) => {
      response.writeHead(answer.statusCode!, { ...answer.headers, connection: 'keep-alive' })
      answer.pipe(response)
      answer.on('end', () => (tally.answered += 1))
      answer.on('error', () => {
        tally.broken += 1
        response.destroy()
      })
    })
    forwarded.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') tally.refused += 1
      else tally.broken += 1
      if (!response.headersSent) response.writeHead(502).end()
    })
    // Whoever asked may give up: then nobody hears the answer.
    response.on('close', () => {
      tally.waiting -= weight
      forwarded.destroy()
    })
    request.pipe(forwarded)
  }
}
