import {
  FlushoutError,
  type ErrorCode,
  type HistoryPage,
  type Retry,
  type Snapshot,
  type User,
} from '@flushout/core'
import { defaultEnvironment, type Environment } from './environment.ts'
import { toExchangeError } from './exchange-error.ts'
import { laterLive } from './later-live.ts'
import { livePart } from './live-part.ts'
import { Login, type Auth } from './login.ts'
import type { LiveTransport, Transport } from './transport.ts'

type HeaderFields = Readonly<Record<string, string>>

export interface HttpTransportOptions {
  /** Where the server has the plugin, as `/flushout` or `https://example.com/flushout`. */
  readonly url: string
  /** How it knows who is logged in. Without it, cookies tell the server. */
  readonly auth?: Auth | undefined
  /** Headers for each request, such as a tenant; asked anew every time. A token is for `auth`. */
  readonly headers?: (() => HeaderFields | Promise<HeaderFields>) | undefined
  /** Whose edits these are. The server refuses them while another is logged in. */
  readonly user?: User | undefined
  /** Instead of the global one. */
  readonly fetch?: typeof fetch
  /** Clock, randomness and timers, for tests. */
  readonly environment?: Environment
}

/** Reach the masters through the routes of `@flushout/server`. */
export function httpTransport(options: HttpTransportOptions): Transport {
  const { auth = {}, user, environment = defaultEnvironment } = options
  const base = options.url.replace(/\/+$/, '')
  const login = new Login(auth, environment)
  let ownLive: LiveTransport | undefined

  const send = (path: string, accept: string, body: string | undefined, signal: AbortSignal) =>
    login.run(async (token) => {
      // Looked up late, so that a fetch that is replaced later is found.
      const response = await (options.fetch ?? fetch)(base + path, {
        ...(body && { method: 'POST', body }),
        headers: {
          accept,
          ...(body && { 'content-type': 'application/json' }),
          ...(user && { 'flushout-user': encodeURIComponent(user.id) }),
          ...(await options.headers?.()),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        signal,
      })
      if (!response.ok) throw toError(response, await response.text())
      return { response, token }
    })

  async function request(path: string, body: string | undefined, signal: AbortSignal) {
    try {
      const { response } = await send(`/models/${path}`, 'application/json', body, signal)
      return parseAnswer(response, await response.text())
    } catch (error) {
      throw toExchangeError(error)
    }
  }

  return {
    load: (key, signal) => request(encodeURIComponent(key), undefined, signal) as Promise<Snapshot>,
    flush: (key, flush, signal) =>
      request(`${encodeURIComponent(key)}/flush`, JSON.stringify(flush), signal),
    past: {
      history: (key, { before, limit, path = [] }, signal) => {
        const query = new URLSearchParams(path.map((segment) => ['path', segment]))
        if (before !== undefined) query.set('before', String(before))
        if (limit !== undefined) query.set('limit', String(limit))
        const route = `${encodeURIComponent(key)}/history?${query}`
        return request(route, undefined, signal) as Promise<HistoryPage>
      },
      snapshotAt: (key, count, signal) =>
        request(`${encodeURIComponent(key)}?at=${count}`, undefined, signal) as Promise<Snapshot>,
    },
    live: laterLive(async () => {
      const { httpLive } = await livePart.fetch()
      ownLive ??= httpLive(
        (route, accept, message, signal) => send(route, accept, JSON.stringify(message), signal),
        (token, refusal) => void login.lost(token, refusal),
        () => new URL(base, location.href).origin,
      )
      return ownLive
    }),
    // What cookies tell, they tell all pages.
    ...(options.auth && { onLogin: login.onLogin }),
  }
}

function parseAnswer(response: Response, text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    const type = response.headers.get('content-type') ?? 'nothing known'
    const message = `JSON was expected; ${response.status} came with ${type}, ${text.length} characters.`
    throw new FlushoutError('ANSWER_INVALID', message, { cause })
  }
}

/** The error that the server, or something between it and here, answered. */
function toError(response: Response, text: string): FlushoutError {
  const { code, message, retry, retryAfterMs } = parse(text)
  // Others have codes too, FORBIDDEN and NOT_FOUND among them: only who names
  // what to do about it as well is believed to be the plugin. What it names is
  // what counts, since it may know codes that were not thought of here.
  const own = typeof code === 'string' && /^[A-Z_]+$/.test(code) && typeof retry === 'string'
  // Answers without a code come from something between us and the plugin. Only
  // what says that the user is missing is taken at its word: to believe a stray
  // 404 or 413 would throw edits away.
  const otherCode = response.status === 401 ? 'UNAUTHENTICATED' : 'UNAVAILABLE'
  return new FlushoutError(
    own ? (code as ErrorCode) : otherCode,
    own && typeof message === 'string' ? message : `The server answered ${response.status}.`,
    {
      retry: own ? (retry as Retry) : undefined,
      retryAfterMs: own && typeof retryAfterMs === 'number' ? retryAfterMs : retryAfter(response),
    },
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

/** Only as seconds: a date would need both clocks to agree. */
function retryAfter(response: Response): number | undefined {
  const text = response.headers.get('retry-after') ?? ''
  return /^\d+$/.test(text) ? Number(text) * 1000 : undefined
}
