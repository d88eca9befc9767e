import { FlushoutError } from '@flushout/core'

/**
 * Give what `work` gives, or throw UNAVAILABLE if that takes longer than `ms`. The
 * work goes on and may take effect yet: the same flush, sent again, finds out.
 */
export function withDeadline<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  if (ms === 0) return work
  // Not Fastify's `handlerTimeout`: its clock stops once a body has been read, so
  // it would never end a flush (https://github.com/fastify/fastify/pull/6725).
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const message = 'This takes too long; ask again.'
      reject(new FlushoutError('UNAVAILABLE', message, { retryAfterMs: 1000 }))
    }, ms)
    // By hand: `Promise.race` and `finally` cost each flush several microseconds.
    work.then(
      (result) => {
        clearTimeout(timer)
        return resolve(result)
      },
      (error: unknown) => {
        clearTimeout(timer)
        return reject(error)
      },
    )
  })
}
