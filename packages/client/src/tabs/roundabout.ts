import type { LiveEvent, LiveRequest } from '@flushout/core'
import { notify } from '../notify.ts'
import type { LiveTransport } from '../transport.ts'

/** The streams of a tab that go to the server by themselves, until they are called back. */
export class Roundabout {
  readonly #streams = new Set<() => void>()

  /** Carry a stream. Ends as if the server had ended it when it is called back. */
  async stream(
    live: LiveTransport,
    request: LiveRequest,
    hear: (event: LiveEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const abort = new AbortController()
    const end = () => abort.abort(signal.reason)
    const callBack = () => {
      if (abort.signal.aborted) return
      notify(hear, { event: 'bye', retryAfterMs: 0 })
      abort.abort()
    }
    signal.addEventListener('abort', end)
    this.#streams.add(callBack)
    try {
      await live.stream(request, hear, abort.signal)
    } catch (error) {
      // It was ended in good order.
      if (!abort.signal.aborted || signal.aborted) throw error
    } finally {
      this.#streams.delete(callBack)
      signal.removeEventListener('abort', end)
    }
  }

  /** There is a better way now. */
  callBack(): void {
    for (const callBack of this.#streams) callBack()
  }
}
