import { FlushoutError, type User } from '@flushout/core'
import type { FastifyRequest } from 'fastify'

/** Tells who sends a request. */
export type UserOf<U extends User = User> = (
  request: FastifyRequest,
) => U | undefined | Promise<U | undefined>

/** Who sends `request`. Throws UNAVAILABLE where that cannot be told now. */
export async function identify(userOf: UserOf, request: FastifyRequest): Promise<User | undefined> {
  try {
    return await userOf(request)
  } catch (error) {
    request.log.error({ err: error }, 'the user of a request could not be told')
    throw new FlushoutError('UNAVAILABLE', 'Sessions cannot be checked now.', { cause: error })
  }
}
