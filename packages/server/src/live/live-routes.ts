// The live routes. A stream is written past Fastify, to the response of Node: its
// hooks are made for answers that have an end.
import {
  FlushoutError,
  PROTOCOL,
  type LiveEvent,
  type LiveRequest,
  type Position,
  type User,
} from '@flushout/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { OutgoingHttpHeaders } from 'node:http'
import type { Environment } from '../environment.ts'
import { identify, type UserOf } from '../identify.ts'
import type { FlushoutService, LiveConnection } from '../service.ts'
import type { Traffic } from '../traffic.ts'
import { checkLiveRequest, checkPresenceRequest } from './check-live.ts'
import { encodePosition, type Frame } from './frame.ts'
import { createPollSink } from './poll-sink.ts'
import { createSseSink } from './sse-sink.ts'
import type { Identify, Sink } from './stream.ts'

/** Who is shown others has to hear sooner what a poll in between would miss. */
const PRESENCE_WAIT_MS = 5_000

export interface LiveRoutesOptions {
  readonly service: FlushoutService
  readonly userOf: UserOf | undefined
  readonly environment: Environment
  /** What counts the bytes of requests; a stream that is open is none any more. */
  readonly requests: Traffic
}

export function addLiveRoutes(scope: FastifyInstance, options: LiveRoutesOptions): void {
  const { service, userOf, environment, requests } = options

  scope.post('/live', async (request, reply) => {
    const { body } = request
    checkLiveRequest(body)
    if (wantsStream(request)) await stream(request, reply, body)
    else await poll(request, reply, body)
  })

  // Without HEAD, which would never be answered.
  scope.get('/live', { exposeHeadRoute: false }, async (request, reply) => {
    const models = readPositions(request)
    await stream(request, reply, { protocol: PROTOCOL, models }, createVector(models))
  })

  scope.post('/presence', async (request, reply) => {
    const { body } = request
    checkPresenceRequest(body)
    await service.announce(body, await identify(userOf, request))
    return reply.code(204).send()
  })

  async function stream(
    request: FastifyRequest,
    reply: FastifyReply,
    wanted: LiveRequest,
    idOf?: (frame: Frame) => string | undefined,
  ): Promise<void> {
    const { raw } = reply
    const retryMs = Math.ceil(1000 + environment.random() * 2000)
    // Refused before anything is written, as any other request.
    const identifyAnew = await identifyFirst(request)
    const connection = open(request, wanted, identifyAnew, () =>
      createSseSink(raw, {
        retryMs,
        headers: reply.getHeaders() as OutgoingHttpHeaders,
        ...(idOf && { idOf }),
      }),
    )
    reply.hijack()
    requests.release(raw)
    raw.on('drain', () => connection.drained())
    raw.on('close', () => connection.close())
    raw.on('error', () => connection.close())
    if (raw.destroyed) connection.close()
  }

  async function poll(
    request: FastifyRequest,
    reply: FastifyReply,
    wanted: LiveRequest,
  ): Promise<void> {
    const { raw } = reply
    const waitMs = (wanted.presence ?? wanted.peers) ? PRESENCE_WAIT_MS : undefined
    const identifyAnew = await identifyFirst(request)
    let connection: LiveConnection | undefined
    const events = await new Promise<readonly LiveEvent[]>((resolve, reject) => {
      const createSink = () => createPollSink(environment, waitMs, resolve, reject)
      connection = open(request, wanted, identifyAnew, createSink)
      requests.release(raw)
      raw.once('close', () => connection?.close())
      if (raw.destroyed) connection.close()
    }).finally(() => connection?.close())
    reply.header('cache-control', 'no-store')
    reply.send({ events })
  }

  /** Who sends it now; then, each time that is asked anew. */
  async function identifyFirst(request: FastifyRequest): Promise<Identify<User>> {
    const first = await identify(userOf, request)
    let isFirst = true
    return async () => {
      if (!isFirst) return identify(userOf, request)
      isFirst = false
      return first
    }
  }

  function open(
    request: FastifyRequest,
    wanted: LiveRequest,
    identifyAnew: Identify<User>,
    createSink: () => Sink,
  ): LiveConnection {
    const connection = service.live(wanted, createSink, identifyAnew)
    // It would stay in memory for as long as the connection lasts.
    request.body = undefined
    return connection
  }
}

/** Whether a request to follow models wants a stream, and not a single answer. */
export function wantsStream({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers.accept?.includes('text/event-stream') === true
}

/** Where `EventSource` was, or wants to begin: `models=todos%3Amilk@41@hash,todos%3Atea`. */
function readPositions({ headers, query }: FastifyRequest): Record<string, Position | null> {
  const last = headers['last-event-id']
  const { models } = query as { models?: unknown }
  const text = typeof last === 'string' && last !== '' ? last : models
  if (typeof text !== 'string' || text === '') {
    throw new FlushoutError('FLUSH_INVALID', 'At "?models": must name models.')
  }
  return Object.fromEntries(text.split(',').map(readPosition))
}

function readPosition(text: string): [string, Position | null] {
  const [key = '', count, hash = ''] = text.split('@')
  try {
    const from = Number(count)
    if (count !== undefined && !(/^\d+$/.test(count) && Number.isSafeInteger(from)))
      throw new RangeError()
    const position = count === undefined ? null : { from, hash: decodeURIComponent(hash) }
    return [decodeURIComponent(key), position]
  } catch (cause) {
    const message = `At "?models": "${text.slice(0, 60)}" is not key@count@hash.`
    throw new FlushoutError('FLUSH_INVALID', message, { cause })
  }
}

/** An event's id names the positions of all models: what comes back with it misses none. */
function createVector(
  models: Readonly<Record<string, Position | null>>,
): (frame: Frame) => string | undefined {
  const positions = new Map(
    Object.entries(models).map(([key, at]) => [
      key,
      at ? encodePosition(key, at.from, at.hash) : encodeURIComponent(key),
    ]),
  )
  return ({ event }) => {
    if (event.event === 'heads') {
      for (const [key, { commandCount, hash }] of Object.entries(event.heads)) {
        positions.set(key, encodePosition(key, commandCount, hash))
      }
    } else if (event.event === 'updates') {
      positions.set(event.key, encodePosition(event.key, event.commandCount, event.hash))
    } else return undefined
    return [...positions.values()].join(',')
  }
}
