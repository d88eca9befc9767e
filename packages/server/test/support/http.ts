import { request as sendRequest } from 'node:http'
import type { Flush, FlushAnswer } from '@flushout/core'
import {
  allowAnyone,
  fastifyOptions,
  flushout,
  memoryStore,
  type FlushoutOptions,
} from '@flushout/server'
import Fastify, { type FastifyInstance } from 'fastify'
import { KEY } from './world.ts'

/** A server on a real socket, and a client that says what it wants in a line. */
export class TestServer implements AsyncDisposable {
  readonly app: FastifyInstance
  readonly address: string

  private constructor(app: FastifyInstance, address: string) {
    this.app = app
    this.address = address
  }

  /** `instance` is what is different from `fastifyOptions`; `prepare` comes before the plugin. */
  static async start(
    options: Partial<FlushoutOptions> = {},
    instance: Partial<typeof fastifyOptions> & { readonly trustProxy?: boolean } = {},
    prepare: (app: FastifyInstance) => void = () => {},
  ): Promise<TestServer> {
    const app = Fastify({ ...fastifyOptions, ...instance })
    prepare(app)
    await app.register(flushout, {
      store: memoryStore(),
      authorize: allowAnyone,
      models: [{ pattern: 'todos:*', initial: { todos: {} } }],
      ...options,
    })
    return new TestServer(app, await app.listen({ port: 0, host: '127.0.0.1' }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close()
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send('GET', path, headers)
  }

  /** Send `body` to the flush route: text as it is, everything else as JSON. */
  post(
    body: unknown,
    options: { key?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    const path = `/models/${encodeURIComponent(options.key ?? KEY)}/flush`
    return this.#send(
      'POST',
      path,
      { 'content-type': 'application/json', ...options.headers },
      text,
    )
  }

  async flush(flush: Flush): Promise<FlushAnswer> {
    return (await this.post(flush)).body as unknown as FlushAnswer
  }

  /** Send any request; a body that is given as text goes as it is. */
  send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    if (body === undefined) return this.#send(method, path, headers)
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return this.#send(method, path, { 'content-type': 'application/json', ...headers }, text)
  }

  // Not `fetch`, which tidies up paths and headers before they leave.
  #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Buffer,
  ): Promise<Answer> {
    const { hostname: host, port } = new URL(this.address)
    return new Promise((resolve, reject) => {
      const request = sendRequest(
        { host, port, method, path: `/flushout${path}`, headers },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString()
            const status = response.statusCode ?? 0
            resolve({ status, headers: response.headers, text, body: text ? JSON.parse(text) : {} })
          })
        },
      )
      request.on('error', reject)
      request.end(body)
    })
  }
}

export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
  readonly body: Record<string, unknown>
}
