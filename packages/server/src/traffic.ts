import type { ServerResponse } from 'node:http'

interface Load {
  readonly bytes: number
  /** What it is counted for: a response that is open, work that goes on. */
  reasons: number
  isReleased: boolean
}

/**
 * Counts the bytes that are under way in a process, each until its response is
 * closed. That bounds what somebody takes who sends slowly, does not read, or
 * asks a thousand times at once.
 */
export class Traffic {
  readonly #maxBytes: number
  #bytes = 0
  readonly #loads = new WeakMap<ServerResponse, Load>()

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
    const load: Load = { bytes, reasons: 1, isReleased: false }
    this.#loads.set(response, load)
    response.once('close', () => this.#release(load))
    return true
  }

  /**
   * Go on counting what `response` took until `work` has ended: who hangs up does
   * not take back what waits in memory.
   */
  keep(response: ServerResponse, work: Promise<unknown>): void {
    const load = this.#loads.get(response)
    if (!load) return
    load.reasons += 1
    const release = () => this.#release(load)
    work.then(release, release)
  }

  /** Count what `response` took no more, though it stays open. */
  release(response: ServerResponse): void {
    const load = this.#loads.get(response)
    if (!load || load.isReleased) return
    load.isReleased = true
    this.#bytes -= load.bytes
  }

  #release(load: Load): void {
    load.reasons -= 1
    if (load.reasons === 0 && !load.isReleased) this.#bytes -= load.bytes
  }
}
