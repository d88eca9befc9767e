// What tabs say to each other. On the line that all of them share they find the
// gateway; on the line that each shares with the gateway alone they work with it:
//
//   tab ──who──► all                      gateway ──gateway──► all
//   tab ◄─here── gateway
//   tab ──ask──► gateway ──taken, event …, answer or failure──► tab
//   tab ──end──► gateway                  tab ──bye, login──► all
//
// A tab that is frozen may never hear what was said meanwhile, so nobody relies on
// having been heard: who waits says hello, and who is sent what it does not await
// says that it ended.
import { FlushoutError, type ErrorCode, type LiveEvent, type Retry } from '@flushout/core'

/** On the line of all. */
export type CommonMessage =
  /** A tab looks for the gateway. What it asked for until then it does not wait for any more. */
  | { readonly kind: 'who'; readonly tab: string; readonly lastAsk: number }
  /** There is a new gateway: what the one before was asked for is lost. */
  | { readonly kind: 'gateway' }
  /** A tab gets through, for the first time or where it needed a login before. */
  | { readonly kind: 'login' }
  /** A tab needs nothing more. */
  | { readonly kind: 'bye'; readonly tab: string }

/** What a tab asks the gateway for; `hello` only for a sign of life, and whether it works on these asks. */
export type Method = 'load' | 'flush' | 'stream' | 'poll' | 'announce' | 'hello'

/** From a tab to the gateway. */
export type TabMessage =
  | {
      readonly kind: 'ask'
      /** Never used again by this tab. */
      readonly ask: number
      readonly method: Method
      readonly args: readonly unknown[]
    }
  /** Nobody waits for it any more. */
  | { readonly kind: 'end'; readonly ask: number }

/** From the gateway to a tab. */
export type GatewayMessage =
  | { readonly kind: 'here' }
  | { readonly kind: 'taken'; readonly ask: number }
  | { readonly kind: 'event'; readonly ask: number; readonly event: LiveEvent }
  | { readonly kind: 'answer'; readonly ask: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly ask: number; readonly failure: Failure }
  /** It knows nothing of it, or has answered. */
  | { readonly kind: 'unknown'; readonly ask: number }

/** A `FlushoutError` on its way. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly retry: Retry
  readonly retryAfterMs: number | undefined
}

export function toFailure({ code, message, retry, retryAfterMs }: FlushoutError): Failure {
  return { code, message, retry, retryAfterMs }
}

export function toError({ code, message, retry, retryAfterMs }: Failure): FlushoutError {
  return new FlushoutError(code, message, { retry, retryAfterMs })
}
