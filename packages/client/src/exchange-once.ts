import { FlushoutError, type CommandProxy } from '@flushout/core'
import { tapExchange, type ModelTap } from './client-event.ts'
import { toExchangeError, untilAborted } from './exchange-error.ts'
import type { Transport } from './transport.ts'

interface ExchangeParts {
  readonly key: string
  readonly transport: Transport
  readonly proxy: CommandProxy<object>
  /** Resolves when the flush is on disk, where one is kept. */
  readonly saved: () => Promise<void>
  readonly signal: AbortSignal
  readonly tap: ModelTap
}

/**
 * Send what is queued, or ask for news, and follow the answer. Gives how many commands
 * that settled. Rejects with a `FlushoutError`, of which the proxy knows then.
 */
export async function exchangeOnce(parts: ExchangeParts): Promise<number> {
  const { key, transport, proxy, saved, signal, tap } = parts
  const flush = proxy.beginFlush({ pull: true })!
  let answer: unknown
  try {
    // Once it was sent the master may have applied it: a page that ends now must
    // know what it was.
    if (flush.commands.length > 0) await untilAborted(signal, saved)
    answer = await tapExchange(tap, flush, () =>
      untilAborted(signal, () => transport.flush(key, flush, signal)),
    )
  } catch (thrown) {
    const error = toExchangeError(thrown)
    proxy.failFlush(error)
    throw error
  }
  if (proxy.endFlush(answer).ok) return flush.commands.length
  // It may have been the answer to another flush: this one goes again.
  proxy.cancelFlush()
  throw new FlushoutError('ANSWER_INVALID', "The server's answer cannot be used.")
}
