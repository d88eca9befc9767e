import { isFlushoutError, type User } from '@flushout/core'
import { Violation } from './violation.ts'

/** What goes from a page to a server. */
export interface Message {
  readonly key: string
  /** A flush as JSON; a load if there is none. */
  readonly flush: string | undefined
  readonly user: User | undefined
}

/** What comes back. */
export type Reply = Answer | Refusal

export interface Answer {
  readonly ok: true
  /** As JSON. */
  readonly text: string
  readonly hash: string
  /** How often the history had been rewritten when the server began with it. */
  readonly rewrites: number
  /** Verdicts and remaps, as JSON. */
  readonly verdicts: string
}

export interface Refusal {
  readonly ok: false
  readonly error: { code: string; message: string; retry: string; retryAfterMs?: number }
}

export function refusal(code: string, retry: string): Refusal {
  return { ok: false, error: { code, message: `The run refuses with ${code}.`, retry } }
}

/** What is said to whoever asked for what `error` came of; anything unknown goes to `fail`. */
export function toRefusal(fail: (violation: Violation) => never, error: unknown): Refusal {
  if (error instanceof Violation) return fail(error)
  if (!isFlushoutError(error))
    return fail(new Violation('quiet', `a server threw ${String(error)}`))
  const { code, message, retry, retryAfterMs } = error
  return { ok: false, error: { code, message, retry, ...(retryAfterMs && { retryAfterMs }) } }
}

/** What a page asks for, as far as a server can know. */
export interface LinkRequest {
  readonly kind: 'stream' | 'poll'
  /** As JSON. */
  readonly text: string
  /** Who asks, now. */
  readonly identify: () => User | undefined
  /** Since when that person may not hear of a model; undefined if they may. */
  readonly forbiddenSince: (key: string) => number | undefined
}

/** The server's end of a link. */
export interface Outlet {
  /** Send an event, as JSON, to the page. False if nothing more should come before `onDrain`. */
  write(event: string): boolean
  /** The server has begun to hear of what happens. */
  accept(): void
  /** Nothing more comes. */
  end(): void
  /** A refusal instead of events. */
  refuse(error: Refusal['error']): void
  /** The server is gone: nobody says anything any more. */
  abandon(): void
  /** Hears that more may come. */
  onDrain: () => void
  /** Hears that nobody is there any more. */
  onClose: () => void
}
