import { request as sendRequest, type IncomingMessage } from 'node:http'
import type { LiveEvent } from '@flushout/core'

/** A stream of server-sent events as it comes over a socket. */
export class EventStream implements Disposable {
  readonly response: IncomingMessage
  text = ''
  isOver = false

  private constructor(response: IncomingMessage) {
    this.response = response
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => (this.text += chunk))
    response.on('close', () => (this.isOver = true))
    response.on('error', () => {})
  }

  /** Ask for `path`; with a body by POST. Resolves with the first bytes of the answer. */
  static open(
    address: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<EventStream> {
    const { body, headers = {} } = options
    const text = body === undefined ? undefined : JSON.stringify(body)
    const own = text === undefined ? {} : { 'content-type': 'application/json' }
    return new Promise((resolve, reject) => {
      const request = sendRequest(
        `${address}/flushout${path}`,
        {
          method: text === undefined ? 'GET' : 'POST',
          agent: false,
          headers: { accept: 'text/event-stream', ...own, ...headers },
        },
        (response) => resolve(new EventStream(response)),
      )
      request.on('error', reject)
      request.end(text)
    })
  }

  /** The events that came as a whole. */
  get events(): LiveEvent[] {
    return this.fields('data').map((json) => JSON.parse(json) as LiveEvent)
  }

  /** The ids of the events that have one. */
  get ids(): string[] {
    return this.fields('id')
  }

  /** Whether an event of that kind came. */
  has(name: LiveEvent['event']): boolean {
    return this.events.some(({ event }) => event === name)
  }

  [Symbol.dispose](): void {
    this.response.destroy()
  }

  fields(name: string): string[] {
    const whole = this.text.slice(0, this.text.lastIndexOf('\n\n') + 1)
    return whole
      .split('\n')
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
  }
}
