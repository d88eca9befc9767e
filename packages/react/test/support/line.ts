import type { LiveTransport } from '@flushout/client'
import type { LiveEvent, LiveRequest, PresenceRequest } from '@flushout/core'

/** The live side of a server that says what a test tells it to. */
export class Line implements LiveTransport {
  readonly announced: PresenceRequest[] = []
  /** Of the connections that are open. */
  readonly requests = new Map<(event: LiveEvent) => void, LiveRequest>()

  stream: LiveTransport['stream'] = (request, hear, signal) =>
    new Promise((resolve) => {
      this.requests.set(hear, request)
      signal.addEventListener('abort', () => {
        this.requests.delete(hear)
        resolve()
      })
      hear({ event: 'ready', heartbeatMs: 1e9, peer: 'me' })
    })

  poll: LiveTransport['poll'] = () => new Promise(() => {})

  announce = async (presence: PresenceRequest): Promise<void> => {
    this.announced.push(presence)
  }

  say(event: LiveEvent): void {
    for (const hear of this.requests.keys()) hear(event)
  }

  /** What the page tells of itself at `key`, as far as the server knows. */
  told(key: string): unknown {
    const all = [...this.requests.values()].flatMap(({ presence }) => presence ?? [])
    const last = [...all, ...this.announced].toSorted((a, b) => a.sequence - b.sequence).at(-1)
    return last?.models[key]
  }
}
