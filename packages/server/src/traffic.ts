import type { ServerResponse } from 'node:http'

/**
 * Counts the bytes that are under way in a process, each until its response is
 * closed. That bounds what somebody takes who sends slowly, does not read, or
 * asks a thousand times at once.
 */
export class Traffic {
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Count `bytes` until `response` is closed. False if there is no room for them;
   * there always is while nothing else is under way.
   */
  take(response: ServerResponse, bytes: number): boolean {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#maxBytes) return false
    this.#bytes += bytes
    response.once('close', () => {
      this.#bytes -= bytes
    })
    return true
  }
}
