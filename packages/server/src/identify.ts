import { FlushoutError, type User } from '@flushout/core'
import type { FastifyRequest } from 'fastify'

/** Tells who sends a request. */
export type UserOf<U extends User = User> = (
  request: FastifyRequest,
) => U | undefined | Promise<U | undefined>

/**
 * Who sends `request`; nobody where users are not told apart. Throws UNAVAILABLE
 * where that cannot be told now, and UNAUTHENTICATED or USER_MISMATCH where it is
 * not the user whom the client says that it works for.
 */
export async function identify(
  userOf: UserOf | undefined,
  request: FastifyRequest,
): Promise<User | undefined> {
  if (!userOf) return undefined
  const user = await findUser(userOf, request)
  const { 'flushout-user': claim } = request.headers
  // Never to tell who it is: only to refuse what was done for somebody else.
  if (claim !== undefined) checkClaim(String(claim), user)
  return user
}

/** Who sends `request`, as far as that can be told now. */
export async function guessUser(
  userOf: UserOf | undefined,
  request: FastifyRequest,
): Promise<User | undefined> {
  try {
    return await userOf?.(request)
  } catch {
    return undefined
  }
}

async function findUser(userOf: UserOf, request: FastifyRequest): Promise<User | undefined> {
  try {
    return await userOf(request)
  } catch (error) {
    request.log.error({ err: error }, 'the user of a request could not be told')
    throw new FlushoutError('UNAVAILABLE', 'Sessions cannot be checked now.', { cause: error })
  }
}

function checkClaim(claim: string, user: User | undefined): void {
  if (!user) throw new FlushoutError('UNAUTHENTICATED', 'Log in first.')
  if (user.id === decode(claim)) return
  const message = 'Another user is logged in than the one whom this client works for.'
  throw new FlushoutError('USER_MISMATCH', message)
}

function decode(claim: string): string {
  try {
    return decodeURIComponent(claim)
  } catch (cause) {
    const message = 'The header "flushout-user" must be percent-encoded.'
    throw new FlushoutError('FLUSH_INVALID', message, { cause })
  }
}
