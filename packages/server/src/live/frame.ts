import type { LiveEvent } from '@flushout/core'

/** A larger one is not sent: who hears that there is news asks for it. */
export const MAX_FRAME_BYTES: number = 64 * 1024

/** One event, written out once for everybody who hears it. */
export class Frame {
  readonly event: LiveEvent
  /** Whether who waits for something is to be answered. */
  readonly isNews: boolean
  #json: string | undefined
  #bytes: Buffer | undefined

  constructor(event: LiveEvent, isNews = true) {
    this.event = event
    this.isNews = isNews
  }

  /** The event as JSON. */
  get json(): string {
    this.#json ??= JSON.stringify(this.event)
    return this.#json
  }

  /** The event as it goes into a stream of server-sent events. */
  get bytes(): Buffer {
    if (!this.#bytes) {
      const { event } = this
      const isStep = event.event === 'updates' || event.event === 'feed'
      const id = isStep ? `id: ${encodePosition(event.key, event.commandCount, event.hash)}\n` : ''
      this.#bytes = Buffer.from(`${id}data: ${this.json}\n\n`)
    }
    return this.#bytes
  }
}

/** A point of a model's history as text without spaces and commas: `todos%3Amilk@41@hash`. */
export function encodePosition(key: string, commandCount: number, hash: string): string {
  return `${encodeURIComponent(key)}@${commandCount}@${encodeURIComponent(hash)}`
}
