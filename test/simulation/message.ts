import type { User } from '@flushout/core'

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

interface Refusal {
  readonly ok: false
  readonly error: { code: string; message: string; retry: string; retryAfterMs?: number }
}

export function refusal(code: string, retry: string): Refusal {
  return { ok: false, error: { code, message: `The run refuses with ${code}.`, retry } }
}
