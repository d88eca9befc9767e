// A site with sessions: who sends what a request asks for is told by its token or by
// the cookie of the browser. It is reached by `fetch` without a network in between,
// so that everything happens when the clock of the test says so.
import { httpTransport, type Auth, type Transport } from '@flushout/client'
import { createTestServer, type TestEnvironment, type TestServer } from '@flushout/client/testing'
import { FlushoutError, type Flush, type LiveRequest, type User } from '@flushout/core'

export const KEY = 'todos:groceries'

/** A request as it arrived. */
export interface Asked {
  readonly path: string
  readonly token: string | undefined
  /** Whom the client works for. */
  readonly claim: string | undefined
  readonly isRefused: boolean
}

export class SessionSite {
  readonly server: TestServer = createTestServer({ [KEY]: { todos: {} } }, { heartbeatMs: 1e9 })
  /** Whose each valid token is. */
  readonly tokens = new Map<string, string>()
  /** Whose session the cookie of the browser names, for requests without a token. */
  cookie: string | undefined
  /** Models that are for everybody. */
  readonly publicKeys = new Set<string>()
  /** All requests that arrived, oldest first. */
  readonly asked: Asked[] = []
  /** Commands that took effect, each with the user as whom it did. */
  readonly applied: string[] = []
  /** Holds requests back before they arrive. */
  hold: (path: string) => Promise<void> | undefined = () => undefined
  /** Lets who is not logged in have streams, of which nothing comes. */
  isDoorOpen = false

  /** Reach it as a client in a browser does. */
  transport(environment: TestEnvironment, options: { auth?: Auth; user?: User } = {}): Transport {
    return httpTransport({
      url: 'https://example.com/flushout',
      fetch: this.#fetch,
      environment,
      ...options,
    })
  }

  /** What the list holds. */
  get texts(): string[] {
    const { todos } = this.server.snapshot(KEY).document as {
      todos: Record<string, { text: string }>
    }
    return Object.values(todos).map(({ text }) => text)
  }

  /** Requests of this kind. */
  count(part: string): number {
    return this.asked.filter(({ path }) => path.includes(part)).length
  }

  #fetch: typeof fetch = async (input, init = {}) => {
    const { signal } = init
    signal?.throwIfAborted()
    const headers = new Headers(init.headers)
    const token = headers.get('authorization')?.replace('Bearer ', '')
    const claim = headers.get('flushout-user') ?? undefined
    const path = (input as string).slice('https://example.com/flushout'.length)
    await this.hold(path)
    const userId = token === undefined ? this.cookie : this.tokens.get(token)
    const refusal = this.#refusalOf(path, userId, claim)
    this.asked.push({ path, token, claim, isRefused: refusal !== undefined })
    if (refusal)
      return toAnswer(refusal.code === 'USER_MISMATCH' ? 403 : 401, { ...refusal, message: '' })
    const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined
    if (path === '/live') {
      const isStream = headers.get('accept') === 'text/event-stream'
      return isStream
        ? this.#stream(body as LiveRequest, userId, signal!)
        : toAnswer(200, { events: [] })
    }
    if (path === '/presence') return new Response(null, { status: 204 })
    if (!path.endsWith('/flush')) return toAnswer(200, this.server.snapshot(KEY))
    return toAnswer(200, this.#apply(body as Flush, userId))
  }

  #refusalOf(path: string, userId: string | undefined, claim: string | undefined) {
    const isOther = claim !== undefined && claim !== encodeURIComponent(userId ?? '')
    const code = userId === undefined ? 'UNAUTHENTICATED' : isOther ? 'USER_MISMATCH' : undefined
    const key = decodeURIComponent(path.split('/')[2] ?? '')
    const isOpen = path === '/live' ? this.isDoorOpen : this.publicKeys.has(key)
    if (!code || (isOpen && !isOther)) return undefined
    return { code, retry: 'after-auth' } as const
  }

  #apply(flush: Flush, userId: string | undefined) {
    const before = this.server.master(KEY).commandCount
    const answer = this.server.flush(KEY, flush)
    if (this.server.master(KEY).commandCount > before) {
      for (const { props } of flush.commands as readonly { props?: { text?: string } }[]) {
        this.applied.push(`${userId} ${props?.text}`)
      }
    }
    return answer
  }

  #stream(
    { models = {}, ...request }: LiveRequest,
    userId: string | undefined,
    signal: AbortSignal,
  ) {
    const { server } = this
    const body = new ReadableStream({
      start(controller) {
        const write = (event: unknown) => {
          if (!signal.aborted) controller.enqueue(encode(event))
        }
        const sink = {
          write: ({ event }: { event: unknown }) => (write(event), true),
          end: () => controller.close(),
        }
        const held = userId === undefined ? {} : models
        const line = server.hub.connect({ ...request, models: held }, sink)
        const { code, message, retry } = new FlushoutError('UNAUTHENTICATED', 'Log in first.')
        const lost = Object.keys(models).filter((key) => !(key in held))
        for (const key of lost) write({ event: 'refused', models: key, code, message, retry })
        signal.addEventListener('abort', () => {
          line.close()
          controller.error(signal.reason)
        })
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
}

/** What an app knows of logins, and what it was asked for. */
export class Session {
  token: string | undefined
  /** What another one is, if there is one. */
  next: string | undefined
  /** What it was asked with, each time. */
  readonly asked: boolean[] = []
  fault: Error | undefined
  /** Holds answers back. */
  gate: Promise<void> | undefined
  readonly #listeners = new Set<() => void>()

  readonly auth: Auth = {
    token: async ({ isRefused }) => {
      this.asked.push(isRefused)
      await this.gate
      if (this.fault) throw this.fault
      if (isRefused && this.next !== undefined) this.token = this.next
      return this.token
    },
    subscribe: (listener) => {
      this.#listeners.add(listener)
      return () => void this.#listeners.delete(listener)
    },
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** Log in or out, and say so. */
  change(token: string | undefined): void {
    this.token = token
    for (const listener of this.#listeners) listener()
  }
}

function encode(event: unknown): Uint8Array {
  return new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`)
}

function toAnswer(status: number, body: unknown): Response {
  const headers = { 'content-type': 'application/json' }
  return new Response(JSON.stringify(body), { status, headers })
}
