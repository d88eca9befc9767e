import { FlushoutError, isPath, type HistoryQuery, type Path } from '@flushout/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Await } from './admin-routes.ts'
import { identify, type UserOf } from './identify.ts'
import type { FlushoutService } from './service.ts'

type Query = Record<string, unknown>

interface ModelRoute {
  Params: { key: string }
  Querystring: Query
}

/** Serve the history of models, and erase from it. */
export function addPastRoutes(
  scope: FastifyInstance,
  service: FlushoutService,
  userOf: UserOf | undefined,
  within: Await,
): void {
  scope.get<ModelRoute>('/models/:key/history', async (request, reply) => {
    reply.header('cache-control', 'private, no-cache')
    return within(reply, read(request))
  })

  scope.delete<ModelRoute>('/models/:key/history', async (request, reply) => {
    return within(reply, erase(request))
  })

  async function erase(request: FastifyRequest<ModelRoute>) {
    const path = readPathQuery(request.query)
    return service.models.as(await identify(userOf, request)).erase(request.params.key, path)
  }

  async function read(request: FastifyRequest<ModelRoute>) {
    const query = readHistoryQuery(request.query)
    return service.history(request.params.key, query, await identify(userOf, request))
  }
}

/** The count of `?at=…`. Throws FLUSH_INVALID if there is anything else. */
export function readVersionQuery({ at, ...others }: Query): number {
  refuseOthers(others)
  return readCount('at', at)
}

/** The keys of `?path=…&path=…`. Throws FLUSH_INVALID if there is anything else. */
function readPathQuery({ path, ...others }: Query): Path {
  refuseOthers(others)
  return readPath(path)
}

function readHistoryQuery({ before, limit, path, ...others }: Query): HistoryQuery {
  refuseOthers(others)
  return {
    before: before === undefined ? undefined : readCount('before', before),
    limit: limit === undefined ? undefined : readLimit(limit),
    path: path === undefined ? undefined : readPath(path),
  }
}

function readCount(name: string, value: unknown): number {
  if (typeof value === 'string' && /^\d{1,16}$/.test(value) && Number.isSafeInteger(Number(value)))
    return Number(value)
  throw refusal(name, 'must be a count')
}

function readLimit(value: unknown): number {
  const limit = readCount('limit', value)
  if (limit < 1 || limit > 200) throw refusal('limit', 'must be 1 to 200')
  return limit
}

/** Each key of a path has a `path=` of its own. */
function readPath(value: unknown): Path {
  const path = [value].flat()
  if (isPath(path)) return path
  throw refusal('path', 'must be the keys of a path')
}

function refuseOthers(others: Query): void {
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) throw refusal(unknown.slice(0, 60), 'is not known here')
}

function refusal(name: string, why: string): FlushoutError {
  return new FlushoutError('FLUSH_INVALID', `At "?${name}": ${why}.`)
}
