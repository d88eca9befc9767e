import { FlushoutError, isFlushoutError } from '@flushout/core'

/** What a failed exchange means: what the other side said, or else NETWORK. */
export function toExchangeError(thrown: unknown): FlushoutError {
  if (isFlushoutError(thrown)) return thrown
  const isLate = thrown instanceof DOMException && thrown.name === 'TimeoutError'
  const message = isLate ? 'No answer came in time.' : 'The server could not be reached.'
  return new FlushoutError('NETWORK', message, { cause: thrown })
}

/** Settle as `run` does, but no later than `signal` aborts, even if `run` takes no notice of it. */
export async function untilAborted<T>(signal: AbortSignal, run: () => T | Promise<T>): Promise<T> {
  signal.throwIfAborted()
  let onAbort = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error)
  })
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([run(), aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
