import { catalogue, FlushoutError, isFlushoutError, type ErrorCode, type Snapshot } from '@flushout/core'
import type { Transport } from './transport.ts'

export interface HttpTransportOptions {
  /** Where the server has the plugin, as `/flushout` or `https://example.com/flushout`. */
  readonly url: string
  /** Headers for each request, such as a token; asked anew every time. */
  readonly headers?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>
  /** How long to wait for an answer, in milliseconds. Default 15,000. */
  readonly timeoutMs?: number
  /** Instead of the global one. */
  readonly fetch?: typeof fetch
}

/** Reach the masters through the routes of `@flushout/server`. */
export function httpTransport(options: HttpTransportOptions): Transport {
  const { url, headers = () => ({}), timeoutMs = 15_000 } = options
  const base = `${url.replace(/\/$/, '')}/models/`

  async function request(path: string, body: string | undefined, signal: AbortSignal) {
    // Looked up late, so that a fetch that is replaced later is found.
    const send = options.fetch ?? fetch
    try {
      const response = await send(base + path, {
        ...(body === undefined ? {} : { method: 'POST', body }),
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(await headers()),
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      const text = await response.text()
      if (!response.ok) throw toError(response, text)
      return JSON.parse(text) as unknown
    } catch (error) {
      if (isFlushoutError(error)) throw error
      throw new FlushoutError('NETWORK', 'The server could not be reached.', { cause: error })
    }
  }

  return {
    load: (key, signal) =>
      request(encodeURIComponent(key), undefined, signal) as Promise<Snapshot>,
    flush: (key, flush, signal) =>
      request(`${encodeURIComponent(key)}/flush`, JSON.stringify(flush), signal),
  }
}

/** The error that the server, or something between it and here, answered. */
function toError(response: Response, text: string): FlushoutError {
  const { code, message, retryAfterMs } = parse(text)
  const known = typeof code === 'string' && Object.hasOwn(catalogue, code)
  return new FlushoutError(
    known ? (code as ErrorCode) : codeOf(response.status),
    typeof message === 'string' ? message : `The server answered ${response.status}.`,
    { retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : retryAfter(response) },
  )
}

function parse(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    // A page of a reverse proxy, say.
    return {}
  }
}

/**
 * Answers without a code come from something between us and the plugin. Only
 * what says that the user is missing is taken at its word: to believe a stray
 * 404 or 413 would throw edits away.
 */
function codeOf(status: number): ErrorCode {
  return status === 401 ? 'UNAUTHENTICATED' : 'UNAVAILABLE'
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds * 1000 : undefined
}
