import type { catalogue, ErrorCode, Retry } from './catalogue.ts'

/** The codes after which a client can do something: all that do not mean `never`. */
type HelpedCode = {
  [code in ErrorCode]: (typeof catalogue)[code] extends 'never' ? never : code
}[ErrorCode]

// An excerpt of the catalogue, kept equal to it by its type: browsers need no
// list of what means `never`.
const RETRIES: { readonly [code in HelpedCode]: (typeof catalogue)[code] } = {
  UNAUTHENTICATED: 'after-auth',
  USER_MISMATCH: 'after-auth',
  HISTORY_CHANGED: 'after-resync',
  SEQUENCE_GAP: 'after-resync',
  SEQUENCE_REUSED: 'after-resync',
  SEQUENCE_PAST: 'after-resync',
  CLIENT_EXPIRED: 'after-resync',
  PROTOCOL_UNSUPPORTED: 'after-upgrade',
  RATE_LIMITED: 'same-flush',
  UPGRADE_REQUIRED: 'after-upgrade',
  BUSY: 'same-flush',
  UNAVAILABLE: 'same-flush',
  INTERNAL: 'same-flush',
  NETWORK: 'same-flush',
  ANSWER_INVALID: 'same-flush',
  LIVE_BLOCKED: 'same-flush',
}

/**
 * A broken contract or a failed exchange. Tell errors apart by `code`: it is
 * stable across versions and across copies of this package. `message` is for
 * people and may change.
 */
export class FlushoutError extends Error {
  override readonly name = 'FlushoutError'
  readonly code: ErrorCode
  /** What to do about it. */
  readonly retry: Retry
  /** How long the other side asked to wait before a retry, in milliseconds. */
  readonly retryAfterMs: number | undefined

  /** `retry` is what the catalogue says about `code`, unless it is given. */
  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retry?: Retry | undefined; retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options)
    this.code = code
    this.retry = options.retry ?? (RETRIES as { [code in ErrorCode]?: Retry })[code] ?? 'never'
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Tell whether `error` is a `FlushoutError`, of this copy of the package or another. */
export function isFlushoutError(error: unknown): error is FlushoutError {
  return (
    error instanceof Error &&
    error.name === 'FlushoutError' &&
    typeof (error as FlushoutError).code === 'string'
  )
}
