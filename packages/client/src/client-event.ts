import type { Flush, FlushoutError, Path, SettledCommand } from '@flushout/core'
import { toExchangeError } from './exchange-error.ts'

/** Something that went on between a model and its master, for tools to show. */
export type ClientEvent = ClientEventKind & {
  /** Of the model. */
  readonly key: string
  /** Milliseconds since 1970. */
  readonly at: number
}

type ClientEventKind =
  /** A model came into memory. */
  | { readonly kind: 'opened' }
  /** A model that nobody needed left it. */
  | { readonly kind: 'forgotten' }
  /** An exchange began: with a flush, empty to ask for news; without one to load the document. */
  | { readonly kind: 'sent'; readonly exchange: number; readonly flush: Flush | undefined }
  /** The master's answer came: whatever it was, unchecked. */
  | { readonly kind: 'answered'; readonly exchange: number; readonly answer: unknown }
  /** None came, or one that cannot be used. */
  | { readonly kind: 'failed'; readonly exchange: number; readonly error: FlushoutError }
  /** The live connection said how far the model is, with what led there if that is known; unchecked. */
  | {
      readonly kind: 'heard'
      readonly commandCount: number
      readonly hash: string
      readonly updates: unknown
    }
  /** It became known what became of a command. */
  | ({ readonly kind: 'settled' } & SettledCommand)
  /** The document was moved from one confirmed count to another, and what is pending put on it again. */
  | {
      readonly kind: 'rebased'
      readonly from: number
      readonly to: number
      readonly pending: number
      /** Where the document shows something else now. */
      readonly changed: readonly Path[]
    }

/** Takes what goes on with one model; undefined while nobody wants to know, so that no event is made. */
export type ModelTap = ((event: ClientEventKind) => void) | undefined

let exchanges = 0

/** Exchange by `run`, and let `tap` hear of both ends of it. */
export function tapExchange<T>(
  tap: ModelTap,
  flush: Flush | undefined,
  run: () => Promise<T>,
): Promise<T> {
  if (!tap) return run()
  const exchange = (exchanges += 1)
  tap({ kind: 'sent', exchange, flush })
  return run().then(
    (answer) => {
      tap({ kind: 'answered', exchange, answer })
      return answer
    },
    (thrown: unknown) => {
      const error = toExchangeError(thrown)
      tap({ kind: 'failed', exchange, error })
      throw error
    },
  )
}
