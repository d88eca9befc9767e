import type { Flush, PullAnswer, Snapshot } from '@flushout/core'
import { Agent, request } from 'node:http'

/** What answers to flushes are needed for here. */
interface Applied {
  readonly outcome: 'applied' | 'repeated'
}

/**
 * The requests of all clients of a process, over a few connections: the files of
 * the server are needed for streams.
 */
export class Requests {
  readonly #agent: Agent

  constructor(maxSockets: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets })
  }

  read(port: number, key: string): Promise<Snapshot> {
    return this.#send(port, pathOf(key)) as Promise<Snapshot>
  }

  pull(port: number, key: string, from: number, hash: string): Promise<PullAnswer> {
    return this.#send(port, `${pathOf(key)}?from=${from}&hash=${hash}`) as Promise<PullAnswer>
  }

  flush(port: number, key: string, flush: Flush): Promise<Applied> {
    return this.#send(port, `${pathOf(key)}/flush`, JSON.stringify(flush)) as Promise<Applied>
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(port: number, path: string, body?: string): Promise<unknown> {
    const method = body === undefined ? 'GET' : 'POST'
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    return new Promise((resolve, reject) => {
      const options = { agent: this.#agent, host: '127.0.0.1', port, path, method, headers }
      const sent = request(options, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => (text += part))
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text))
          else reject(new Error(`${method} ${path} was answered ${response.statusCode}: ${text}`))
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }
}

function pathOf(key: string): string {
  return `/flushout/models/${encodeURIComponent(key)}`
}
