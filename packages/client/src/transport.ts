import type {
  Flush,
  HistoryPage,
  HistoryQuery,
  LiveEvent,
  LiveRequest,
  PresenceRequest,
  Snapshot,
} from '@flushout/core'

/**
 * How a client reaches the masters. Answers may be anything: they are checked by
 * whoever asked. Failures are `FlushoutError`s whose code tells what to do next;
 * NETWORK where nobody knows whether the message arrived. `transportContract` in
 * `@flushout/client/testing` is what every implementation has to pass.
 */
export interface Transport {
  /** The latest snapshot of the model `key`. */
  readonly load: (key: string, signal: AbortSignal) => Promise<Snapshot>
  /** Hand a flush to the master and give its answer. Safe to call again with the same flush. */
  readonly flush: (key: string, flush: Flush, signal: AbortSignal) => Promise<unknown>
  /** Hear what happens elsewhere. Without it, clients ask from time to time. */
  readonly live?: LiveTransport
  /** Read what was. Without it, models have no history to show. */
  readonly past?: PastTransport
  /**
   * Call `listener` whenever another user than before may be logged in, or one at
   * last, until the returned function is called: the client exchanges anew.
   * Without it, that waits for a wake or `resume`.
   */
  readonly onLogin?: (listener: () => void) => () => void
}

/** How a client reads what was. */
export interface PastTransport {
  /** A page of the history of the model `key`. */
  readonly history: (key: string, query: HistoryQuery, signal: AbortSignal) => Promise<HistoryPage>
  /** The model `key` as it was at `count`. */
  readonly snapshotAt: (key: string, count: number, signal: AbortSignal) => Promise<Snapshot>
}

/** How a client hears of what others do. */
export interface LiveTransport {
  /**
   * Call `hear` for each event as it happens. Resolves when the other side ends
   * the connection, rejects with a `FlushoutError` when it breaks or is refused;
   * LIVE_BLOCKED if what is between does not let streams through.
   */
  readonly stream: (
    request: LiveRequest,
    hear: (event: LiveEvent) => void,
    signal: AbortSignal,
  ) => Promise<void>
  /** Wait for events, and give the first there are; an empty list after a while without any. */
  readonly poll: (request: LiveRequest, signal: AbortSignal) => Promise<readonly LiveEvent[]>
  /** Tell others what this client does now. */
  readonly announce: (presence: PresenceRequest, signal: AbortSignal) => Promise<void>
}
