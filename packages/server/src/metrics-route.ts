import { FlushoutError } from '@flushout/core'
import type { FastifyInstance } from 'fastify'
import type { Metrics } from './metrics.ts'

/** Serve the figures to who has the token of the metrics; nothing where there is none. */
export function addMetricsRoute(scope: FastifyInstance, metrics: Metrics): void {
  const { allows } = metrics
  if (!allows) return
  scope.get('/metrics', async ({ headers }, reply) => {
    if (!allows(headers.authorization)) {
      throw new FlushoutError('UNAUTHENTICATED', 'This wants the token of the metrics.')
    }
    const text = await metrics.read()
    return reply.type(metrics.contentType).header('cache-control', 'no-store').send(text)
  })
}
