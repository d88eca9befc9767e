import { FlushoutError, isFlushoutError, type ErrorCode, type Retry } from '@flushout/core'

// A refused command is no HTTP error: its flush succeeded and lists it.
const STATUS: { readonly [code in ErrorCode]?: number } = {
  FLUSH_INVALID: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  USER_MISMATCH: 403,
  MODEL_NOT_FOUND: 404,
  NOT_FOUND: 404,
  VERSION_NOT_FOUND: 404,
  REJECTED: 409,
  HISTORY_CHANGED: 409,
  SEQUENCE_GAP: 409,
  SEQUENCE_REUSED: 409,
  SEQUENCE_PAST: 409,
  CLIENT_EXPIRED: 409,
  FLUSH_TOO_LARGE: 413,
  PROTOCOL_UNSUPPORTED: 426,
  RATE_LIMITED: 429,
  UPGRADE_REQUIRED: 426,
  INTERNAL: 500,
  BUSY: 503,
  UNAVAILABLE: 503,
}

/** The body of every answer that is not a success. */
export interface ErrorBody {
  readonly code: ErrorCode
  readonly message: string
  readonly retry: Retry
  readonly retryAfterMs?: number
}

/** Translate an error into what a client may see of it. */
export function toHttpError(thrown: unknown): { status: number; body: ErrorBody } {
  const error = isFlushoutError(thrown) ? thrown : fromFastify(thrown)
  const { code, message, retry, retryAfterMs } = error
  const status = STATUS[code] ?? 500
  return {
    status,
    body: { code, message, retry, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  }
}

/**
 * What a client may see of a request that Node could not read: none of Fastify's
 * routes and handlers got to know of it.
 */
export function toConnectionError(thrown: unknown): { status: number; body: ErrorBody } {
  const { code } = Object(thrown) as { code?: unknown }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const late = new FlushoutError('UNAVAILABLE', 'The request took too long to arrive.')
    return { ...toHttpError(late), status: 408 }
  }
  const refused = toHttpError(new FlushoutError('FLUSH_INVALID', 'The request is malformed.'))
  return code === 'HPE_HEADER_OVERFLOW' ? { ...refused, status: 431 } : refused
}

/** What Fastify itself refuses, in the words of the catalogue. */
function fromFastify(thrown: unknown): FlushoutError {
  const { code, statusCode } = Object(thrown) as { code?: unknown; statusCode?: unknown }
  if (code === 'FST_ERR_HANDLER_TIMEOUT') {
    // It may take effect yet. The same flush, sent again, finds out.
    return new FlushoutError('UNAVAILABLE', 'It took too long; ask again.', { retryAfterMs: 1000 })
  }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new FlushoutError('FLUSH_TOO_LARGE', 'The request is larger than this server takes.')
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new FlushoutError('FLUSH_INVALID', 'Send JSON: content-type: application/json.')
  }
  if (statusCode === 429) {
    // The application limits rates by itself, and has said when to come again.
    return new FlushoutError('RATE_LIMITED', 'Too many requests; come again later.')
  }
  // Whatever else the sender is to blame for; its text may name internals.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new FlushoutError('FLUSH_INVALID', 'The request is malformed.')
  }
  return new FlushoutError('INTERNAL', 'The server failed.', { cause: thrown })
}
