import {
  FlushoutError,
  type Flush,
  type FlushAnswer,
  type PullAnswer,
  type Snapshot,
  type User,
} from '@flushout/core'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { addMetricsRoute } from './metrics-route.ts'
import { addAdminRoutes, type Await } from './admin-routes.ts'
import { withDeadline } from './deadline.ts'
import { defaultEnvironment } from './environment.ts'
import { identify, type UserOf } from './identify.ts'
import { completeLimits } from './limits.ts'
import { addLiveRoutes } from './live/live-routes.ts'
import { joinObservers, type Observer } from './observe.ts'
import { Offences } from './offences.ts'
import { createOpenApi } from './openapi.ts'
import { parseBody } from './parse-body.ts'
import { addPastRoutes, readVersionQuery } from './past-routes.ts'
import { limitRates } from './rate-gate.ts'
import type { Rates } from './rates.ts'
import { handleErrors } from './refusals.ts'
import { createService, type FlushoutService } from './service.ts'
import type { ServiceOptions } from './service-options.ts'
import { Traffic } from './traffic.ts'

/** What a request takes besides its body: socket, headers, objects. */
const REQUEST_BYTES = 4096
/** Answers up to this size are not counted: connections buffer as much anyway. */
const SMALL_ANSWER = 16 * 1024

/** What the plugin is registered with. */
export interface FlushoutOptions<U extends User = User> extends ServiceOptions<U> {
  /**
   * Who sends a request: from the session or a verified token, never from the
   * body. Undefined where nobody is logged in; nobody is if this is left out. Ids
   * have to be those that clients are made with (`user` of `createClient`): requests
   * of a client that works for another user are refused.
   */
  readonly user?: UserOf<U>
  /** How often each user and each address may come. Without it, as often as they like. */
  readonly rates?: Rates
  /** Under which path the routes lie. Default `/flushout`. */
  readonly prefix?: string
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The models of this server, for code that runs beside the routes. */
    flushout: FlushoutService
  }
}

async function register(fastify: FastifyInstance, options: FlushoutOptions): Promise<void> {
  const { prefix = '/flushout', user, log = fastify.log } = options
  const { environment = defaultEnvironment } = options
  const service = createService({ ...options, log })
  await options.store.migrate()
  fastify.decorate('flushout', service)
  let isClosing = false
  fastify.addHook('preClose', async () => {
    isClosing = true
    service.drain()
  })
  fastify.addHook('onClose', async () => service.close())
  const { flushBytes, trafficBytes, answerMs } = completeLimits(options.limits)
  const observer = joinObservers([options.metrics, options.traces])
  const offences = new Offences({ userOf: user, environment, log, observer })
  // Encapsulated: parser and error handlers are for these routes alone.
  await fastify.register(
    async (scope) => {
      // Else connections that are kept alive hold up the end of the process.
      // By callbacks, as all that every request meets here: each promise costs it something.
      scope.addHook('onSend', (_request, reply, payload, done) => {
        if (isClosing) reply.header('connection', 'close')
        done(null, payload)
      })
      handleBodies(scope, flushBytes)
      handleErrors(scope, prefix, offences)
      addServiceRoutes(scope, service, prefix, answerMs)
      if (options.metrics) addMetricsRoute(scope, options.metrics)
      // Not the routes above: a server is not ill because it has much to do.
      await scope.register(async (models) => {
        // First of all: who is refused by it must not cost anything.
        const userOf = await limitRates(models, options.rates, user, offences)
        if (observer?.receive) observeRequests(models, observer)
        const requests = new Traffic(trafficBytes)
        boundTraffic(models, requests, new Traffic(trafficBytes), flushBytes)
        const within: Await = (reply, work) => {
          requests.keep(reply.raw, work)
          return withDeadline(answerMs, work)
        }
        addAdminRoutes(models, service.models, userOf, within)
        addModelRoutes(models, service, { userOf, within, offences })
        addPastRoutes(models, service, userOf, within)
        addLiveRoutes(models, { service, userOf, environment, requests })
      })
    },
    { prefix },
  )
}

/**
 * The Fastify plugin: `app.register(flushout, { store, authorize, models })`.
 * Migrates the store, serves the routes of docs/protocol.md, and closes both
 * with the application. Does not start without `authorize`.
 */
export const flushout: FastifyPluginAsync<FlushoutOptions> = fp(register, {
  name: '@flushout/server',
  fastify: '5.x',
})

function boundTraffic(
  scope: FastifyInstance,
  requests: Traffic,
  answers: Traffic,
  bodyLimit: number,
): void {
  const refuse = () => {
    const retryAfterMs = 500 + Math.ceil(Math.random() * 1500)
    return new FlushoutError('BUSY', 'The server has too much to do.', { retryAfterMs })
  }
  scope.addHook('onRequest', ({ headers }, { raw }, done) => {
    // A body of unknown length may have any; none is larger than allowed.
    const length = headers['transfer-encoding'] ? bodyLimit : Number(headers['content-length'] ?? 0)
    const isTaken = requests.take(raw, REQUEST_BYTES + Math.min(length, bodyLimit))
    done(isTaken ? undefined : refuse())
  })
  scope.addHook('onSend', (_request, { raw }, payload, done) => {
    // Text is measured where it can matter only: that takes as long as sending it.
    const isLarge = typeof payload === 'string' && payload.length > SMALL_ANSWER
    // What was done stays done: the same flush, sent again, is answered anew.
    if (isLarge && !answers.take(raw, Buffer.byteLength(payload))) done(refuse())
    else done(null, payload)
  })
}

function observeRequests(scope: FastifyInstance, observer: Observer): void {
  // Not before: what is active on the way to it would be lost where a body is read.
  scope.addHook('preHandler', ({ headers }, _reply, done) => observer.receive!(headers, done))
}

function handleBodies(scope: FastifyInstance, bodyLimit: number): void {
  // The form of messages must not depend on how the application parses its own.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit },
    ({ headers }, bytes: Buffer, done) => {
      let body: unknown
      try {
        body = parseBody(bytes, headers['content-type'])
      } catch (error) {
        return done(error as Error)
      }
      done(null, body)
    },
  )
}

interface ModelRoute {
  Params: { key: string }
  Querystring: Record<string, unknown>
}

interface ModelRoutesOptions {
  readonly userOf: UserOf | undefined
  readonly within: Await
  readonly offences: Offences
}

function addModelRoutes(
  scope: FastifyInstance,
  service: FlushoutService,
  { userOf, within, offences }: ModelRoutesOptions,
): void {
  scope.get<ModelRoute>('/models/:key', async (request, reply) => {
    reply.header('cache-control', 'private, no-cache')
    if ('at' in request.query) return within(reply, readAt(request))
    if (Object.keys(request.query).length > 0) return within(reply, pull(request))
    const { hash, text } = await within(reply, read(request))
    const etag = `"${hash}"`
    reply.header('etag', etag)
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    return reply.type('application/json').send(text)
  })

  scope.route<ModelRoute>({
    method: 'POST',
    url: '/models/:key/flush',
    handler: (request, reply) => within(reply, flush(request)),
  })

  async function pull(request: FastifyRequest<ModelRoute>): Promise<PullAnswer> {
    const position = readPosition(request.query)
    return service.pull(request.params.key, position, await identify(userOf, request))
  }

  async function readAt(request: FastifyRequest<ModelRoute>): Promise<Snapshot> {
    const count = readVersionQuery(request.query)
    return service.snapshotAt(request.params.key, count, await identify(userOf, request))
  }

  async function read(request: FastifyRequest<ModelRoute>) {
    return service.snapshotText(request.params.key, await identify(userOf, request))
  }

  async function flush(request: FastifyRequest<ModelRoute>): Promise<FlushAnswer> {
    const user = await identify(userOf, request)
    // The service checks its form.
    const answer = await service.flush(request.params.key, request.body as Flush, user)
    offences.noteAnswer(answer, request)
    return answer
  }
}

function addServiceRoutes(
  scope: FastifyInstance,
  service: FlushoutService,
  prefix: string,
  answerMs: number,
): void {
  const openApi = JSON.stringify(createOpenApi(prefix))
  scope.get('/openapi.json', (_request, reply) => {
    reply.type('application/json').send(openApi)
  })
  scope.get('/healthz', async () => ({ status: 'ok' }))
  scope.get('/readyz', async () => {
    await withDeadline(answerMs, service.ready())
    return { status: 'ok' }
  })
}

function readPosition(query: Record<string, unknown>): { from: number; hash: string } {
  const { from, hash = '', ...others } = query
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) {
    throw new FlushoutError('FLUSH_INVALID', `At "?${unknown.slice(0, 60)}": is not known here.`)
  }
  if (typeof from !== 'string' || !/^\d{1,16}$/.test(from) || !Number.isSafeInteger(Number(from))) {
    throw new FlushoutError('FLUSH_INVALID', 'At "?from": must be a count.')
  }
  if (typeof hash !== 'string' || hash.length > 128) {
    throw new FlushoutError('FLUSH_INVALID', 'At "?hash": must be a history hash.')
  }
  return { from: Number(from), hash }
}
