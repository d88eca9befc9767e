import { FlushoutError, type JsonObject } from '@flushout/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { checkModelConfig, type ModelQuery, type NewModel } from './admin-messages.ts'
import type { ModelAdmin } from './admin.ts'
import { identify, type UserOf } from './identify.ts'

/** Waits for the work on a request, within bounds. */
export type Await = <Result>(reply: FastifyReply, work: Promise<Result>) => Promise<Result>

interface ModelRoute {
  Params: { key: string }
}

/**
 * Serve the routes of models as a whole. Before the route that reads a model: to
 * look with HEAD whether there is one would make it.
 */
export function addAdminRoutes(
  scope: FastifyInstance,
  admin: ModelAdmin,
  userOf: UserOf | undefined,
  within: Await,
): void {
  const of = async (request: FastifyRequest) => admin.as(await identify(userOf, request))

  scope.head<ModelRoute>('/models/:key', async (request, reply) => {
    const look = async () => (await of(request)).exists(request.params.key)
    return reply.code((await within(reply, look())) ? 200 : 404).send()
  })

  scope.get<{ Querystring: Record<string, unknown> }>('/models', async (request, reply) => {
    const list = async () => (await of(request)).list(readQuery(request.query))
    const page = await within(reply, list())
    return reply.header('cache-control', 'private, no-cache').send(page)
  })

  scope.put<ModelRoute>('/models/:key', async (request, reply) => {
    // Nothing has to be said about a model to make it. The admin checks the rest.
    const body = (request.body ?? {}) as NewModel
    const create = async () => (await of(request)).create(request.params.key, body)
    const { isNew, model } = await within(reply, create())
    return reply.code(isNew ? 201 : 200).send(model)
  })

  scope.patch<ModelRoute>('/models/:key', async (request, reply) => {
    const { key } = request.params
    const configure = async (): Promise<JsonObject> => {
      const { body } = request
      checkModelConfig(body)
      await (await of(request)).configure(key, body.config)
      return body.config
    }
    return { key, config: await within(reply, configure()) }
  })

  scope.delete<ModelRoute>('/models/:key', async (request, reply) => {
    const remove = async () => (await of(request)).delete(request.params.key)
    await within(reply, remove())
    return reply.code(204).send()
  })
}

function readQuery(query: Record<string, unknown>): ModelQuery {
  const { pattern, after = '', limit = '100', ...others } = query
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) throw refusal(unknown.slice(0, 60), 'is not known here')
  if (typeof pattern !== 'string' || pattern === '') throw refusal('pattern', 'must be a pattern')
  if (typeof after !== 'string') throw refusal('after', 'must be a key')
  if (typeof limit !== 'string' || !/^\d{1,4}$/.test(limit)) {
    throw refusal('limit', 'must be a number')
  }
  return { pattern, after, limit: Number(limit) }
}

function refusal(name: string, why: string): FlushoutError {
  return new FlushoutError('FLUSH_INVALID', `At "?${name}": ${why}.`)
}
