import { FlushoutError, type LiveEvent } from '@flushout/core'
import { ConnectionSlot } from './connection-slot.ts'
import { toExchangeError } from './exchange-error.ts'
import { SseParser } from './sse-parser.ts'
import type { LiveTransport } from './transport.ts'

/** Send a message to a route and give the answer, and the token that it was asked with; throws unless it is a success. */
export type Ask = (
  route: string,
  accept: string,
  message: unknown,
  signal: AbortSignal,
) => Promise<{ readonly response: Response; readonly token: string | undefined }>

/** Hears that a stream brings less than it was asked for, since nobody is logged in any more. */
export type OnLost = (token: string | undefined, refusal: { readonly code: string }) => void

/** Hear of others through the routes of `@flushout/server`, by `fetch` and not by EventSource: with headers. */
export function httpLive(ask: Ask, onLost: OnLost, origin: () => string): LiveTransport {
  const slot = new ConnectionSlot(origin)
  const keepOpen = async <T>(hold: () => Promise<T>): Promise<T> => {
    const held = await slot.run(hold)
    if (held) return held.value
    throw new FlushoutError(
      'LIVE_BLOCKED',
      'Other tabs have as many connections as there should be.',
    )
  }
  const note = (token: string | undefined, event: LiveEvent) => {
    if (event.event === 'refused' && event.retry === 'after-auth') onLost(token, event)
  }
  const live: LiveTransport = {
    async stream(request, hear, signal) {
      let retryAfterMs: number | undefined
      let isOver = false
      try {
        const { response, token } = await ask('/live', 'text/event-stream', request, signal)
        const parser = new SseParser({
          onData(data) {
            const event = parseEvent(data)
            if (!event) return
            if (event.event === 'bye') isOver = true
            hear(event)
            note(token, event)
          },
          onRetry: (retryMs) => {
            retryAfterMs = retryMs
          },
        })
        await readAll(response, parser)
      } catch (error) {
        throw withPause(toExchangeError(error), retryAfterMs)
      }
      // Nobody but the plugin says so; what ends without a word was cut.
      if (!isOver) throw withPause(toExchangeError(new Error('The stream was cut.')), retryAfterMs)
    },
    async poll(request, signal) {
      try {
        const { response, token } = await ask('/live', 'application/json', request, signal)
        const { events } = Object(parse(await response.text())) as { events?: unknown }
        if (!Array.isArray(events)) {
          throw new FlushoutError('ANSWER_INVALID', 'The server gave no list of events.')
        }
        for (const event of events as LiveEvent[]) note(token, event)
        return events as LiveEvent[]
      } catch (error) {
        throw toExchangeError(error)
      }
    },
    async announce(presence, signal) {
      try {
        await (await ask('/presence', 'application/json', presence, signal)).response.text()
      } catch (error) {
        throw toExchangeError(error)
      }
    },
  }
  return {
    ...live,
    stream: (request, hear, signal) => keepOpen(() => live.stream(request, hear, signal)),
    poll: (request, signal) => keepOpen(() => live.poll(request, signal)),
  }
}

async function readAll({ headers, body }: Response, parser: SseParser): Promise<void> {
  const type = headers.get('content-type') ?? 'nothing known'
  const reader = body?.getReader()
  try {
    if (!reader || !type.startsWith('text/event-stream')) {
      throw new FlushoutError('LIVE_BLOCKED', `A stream was expected; ${type} came.`)
    }
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parser.push(part.value)
    }
  } finally {
    reader?.cancel().catch(() => {})
  }
}

/** Undefined for what is no event: whatever is missed thereby is asked for later. */
function parseEvent(data: string): LiveEvent | undefined {
  const event = parse(data)
  return typeof event === 'object' && event ? (event as LiveEvent) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The server said beforehand how long to wait if the stream breaks. */
function withPause(error: FlushoutError, retryAfterMs: number | undefined): FlushoutError {
  if (error.code !== 'NETWORK') return error
  return new FlushoutError('NETWORK', error.message, { cause: error.cause, retryAfterMs })
}
