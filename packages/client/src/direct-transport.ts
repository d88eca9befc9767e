import type {
  Flush,
  HistoryPage,
  HistoryQuery,
  LiveEvent,
  LiveRequest,
  PresenceRequest,
  Snapshot,
} from '@flushout/core'
import { toExchangeError, untilAborted } from './exchange-error.ts'
import type { LiveTransport, Transport } from './transport.ts'

/** What answers in the same process: the service of `@flushout/server`, or a `Master` of one's own. */
export interface Backend {
  /** The model as it is now. */
  snapshot(key: string): Snapshot | Promise<Snapshot>
  /** Apply a flush and give the answer, or throw a `FlushoutError`. */
  flush(key: string, flush: Flush): unknown
  /** A page of the history, and the model as it was; without both, there is none to show. */
  history?(key: string, query: HistoryQuery): HistoryPage | Promise<HistoryPage>
  snapshotAt?(key: string, count: number): Snapshot | Promise<Snapshot>
  /**
   * Write what happens elsewhere into a sink until the connection is closed, or
   * throw a `FlushoutError`. Without it, clients ask from time to time.
   */
  live?(
    request: LiveRequest,
    createSink: () => LiveSink,
    identify: () => Promise<undefined>,
  ): LiveLine | Promise<LiveLine>
  /** Tell others what a client does now. */
  announce?(presence: PresenceRequest): unknown
}

/** A connection to a backend. */
export interface LiveLine {
  close(): void
}

/** Where a backend tells what happens. */
export interface LiveSink {
  /** True, since there is always room. `isNews`: who waits for something is to be answered. */
  write(frame: { readonly event: LiveEvent; readonly isNews: boolean }): boolean
  /** Nothing more comes. */
  end(): void
}

/** Who waits for news and gets none is answered after so long. */
const POLL_MS = 25_000

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
    ...(backend.history &&
      backend.snapshotAt && {
        past: {
          history: (key, query, signal) => exchange(signal, () => backend.history!(key, query)),
          snapshotAt: (key, count, signal) =>
            exchange(signal, () => backend.snapshotAt!(key, count)),
        },
      }),
    ...(backend.live && { live: carryLive(backend, exchange) }),
  }
}

type Exchange = <T>(signal: AbortSignal, ask: () => T | Promise<T>) => Promise<T>

function carryLive(backend: Backend, exchange: Exchange): LiveTransport {
  /** Connect until `end` is called, on either side. */
  function connect(
    request: LiveRequest,
    signal: AbortSignal,
    write: (frame: { event: LiveEvent; isNews: boolean }, end: () => void) => void,
  ) {
    return exchange(signal, async () => {
      let end = () => {}
      const ended = new Promise<void>((resolve) => {
        end = resolve
      })
      const sink: LiveSink = {
        write({ event, isNews }) {
          if (!signal.aborted) write({ event: copy(event), isNews }, end)
          return true
        },
        end,
      }
      signal.addEventListener('abort', end, { once: true })
      const line = await backend.live!(
        copy(request),
        () => sink,
        async () => undefined,
      )
      await ended
      line.close()
      // What is undefined is no JSON.
      return null
    })
  }

  return {
    async stream(request, hear, signal) {
      await connect(request, signal, ({ event }) => hear(event))
    },
    async poll(request, signal) {
      const events: LiveEvent[] = []
      let timer: ReturnType<typeof setTimeout> | undefined
      await connect(request, signal, ({ event, isNews }, end) => {
        events.push(event)
        timer ??= setTimeout(end, POLL_MS)
        // What comes with it in the same turn is part of the answer.
        if (isNews) queueMicrotask(end)
      }).finally(() => clearTimeout(timer))
      return events
    },
    async announce(presence, signal) {
      await exchange(signal, async () => {
        await backend.announce?.(copy(presence))
        return null
      })
    },
  }
}

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
