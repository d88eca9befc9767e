import type { Flush, LiveEvent, Snapshot } from '@flushout/core'
import { toExchangeError, untilAborted } from './exchange-error.ts'
import type { LiveTransport, Transport } from './transport.ts'

/** What answers in the same process: the service of `@flushout/server`, or a `Master` of one's own. */
export interface Backend {
  /** The model as it is now. */
  snapshot(key: string): Snapshot | Promise<Snapshot>
  /** Apply a flush and give the answer, or throw a `FlushoutError`. */
  flush(key: string, flush: Flush): unknown
  /** How to hear what others do. Without it, clients ask from time to time. */
  readonly live?: LiveTransport
}

/**
 * Reach masters in the same process: for tests, tools and prototypes. Messages
 * go through JSON as they would over a network, so nothing is shared.
 */
export function directTransport(backend: Backend): Transport {
  async function exchange<T>(signal: AbortSignal, ask: () => T | Promise<T>): Promise<T> {
    try {
      return copy(await untilAborted(signal, ask))
    } catch (error) {
      throw toExchangeError(error)
    }
  }

  return {
    load: (key, signal) => exchange(signal, () => backend.snapshot(key)),
    flush: (key, flush, signal) => exchange(signal, () => backend.flush(key, copy(flush))),
    ...(backend.live && { live: carry(backend.live, exchange) }),
  }
}

type Exchange = <T>(signal: AbortSignal, ask: () => T | Promise<T>) => Promise<T>

function carry(live: LiveTransport, exchange: Exchange): LiveTransport {
  return {
    async stream(request, hear, signal) {
      const hearCopy = (event: LiveEvent) => {
        if (!signal.aborted) hear(copy(event))
      }
      await exchange(signal, async () => {
        await live.stream(copy(request), hearCopy, signal)
        return null
      })
    },
    poll: (request, signal) => exchange(signal, () => live.poll(copy(request), signal)),
    async announce(presence, signal) {
      await exchange(signal, async () => {
        await live.announce(copy(presence), signal)
        return null
      })
    },
  }
}

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
