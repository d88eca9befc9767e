import { toExchangeError, untilAborted } from './exchange-error.ts'
import type { LiveTransport } from './transport.ts'

/** A way to hear of others that `find` gives, which may have to fetch the code of it first. */
export function laterLive(find: () => Promise<LiveTransport>): LiveTransport {
  async function use<T>(signal: AbortSignal, run: (live: LiveTransport) => Promise<T>): Promise<T> {
    try {
      return await run(await untilAborted(signal, find))
    } catch (error) {
      throw toExchangeError(error)
    }
  }
  return {
    stream: (request, hear, signal) => use(signal, (live) => live.stream(request, hear, signal)),
    poll: (request, signal) => use(signal, (live) => live.poll(request, signal)),
    announce: (presence, signal) => use(signal, (live) => live.announce(presence, signal)),
  }
}
