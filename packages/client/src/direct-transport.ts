import { FlushoutError, isFlushoutError, type Flush, type Snapshot } from '@flushout/core'
import type { Transport } from './transport.ts'

/** What answers in the same process: the service of `@flushout/server`, or a `Master` of one's own. */
export interface Backend {
  readonly load: (key: string) => Snapshot | Promise<Snapshot>
  readonly flush: (key: string, flush: Flush) => unknown
}

/**
 * Reach masters in the same process: for tests, tools and prototypes. Messages
 * go through JSON as they would over a network, so nothing is shared.
 */
export function directTransport(backend: Backend): Transport {
  async function exchange<T>(signal: AbortSignal, ask: () => T | Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted()
      const answer = copy(await ask())
      signal.throwIfAborted()
      return answer
    } catch (error) {
      if (isFlushoutError(error)) throw error
      throw new FlushoutError('NETWORK', 'The backend failed.', { cause: error })
    }
  }

  return {
    load: (key, signal) => exchange(signal, () => backend.load(key)),
    flush: (key, flush, signal) => exchange(signal, () => backend.flush(key, copy(flush))),
  }
}

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
