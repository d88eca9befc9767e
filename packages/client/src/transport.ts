import type { Flush, Snapshot } from '@flushout/core'

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
}
