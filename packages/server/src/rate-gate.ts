import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import { FlushoutError, type User } from '@flushout/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { identify, type UserOf } from './identify.ts'
import { wantsStream } from './live/live-routes.ts'
import type { Offences } from './offences.ts'
import { readRates, type RateRule, type Rates } from './rates.ts'

/** So many are counted at a time for each rule; who came longest ago is forgotten. */
const MAX_COUNTED = 50_000

/** Let somebody through. Throws RATE_LIMITED for who comes too often. */
type Pass = (request: FastifyRequest) => Promise<void>

/**
 * Refuse in `scope` who comes more often than `rates` allow. Gives what tells the user of a
 * request from then on: it does not ask again for what was asked to count.
 */
export async function limitRates(
  scope: FastifyInstance,
  rates: Rates | undefined,
  userOf: UserOf | undefined,
  offences: Offences,
): Promise<UserOf | undefined> {
  const rules = readRates(rates)
  if (rules.length === 0) return userOf
  await scope.register(rateLimit, { global: false })
  const gatesOf = (whose: RateRule['whose'], nameOf: (request: FastifyRequest) => string) =>
    rules
      .filter((rule) => rule.whose === whose)
      .map((rule) => createGate(scope, rule, nameOf, offences))

  const byAddress = gatesOf('address', addressOf)
  if (byAddress.length > 0) scope.addHook('onRequest', (request) => passAll(byAddress, request))

  const found = new WeakMap<FastifyRequest, User>()
  const byUser = gatesOf('user', (request) => found.get(request)!.id)
  if (!userOf || byUser.length === 0) return userOf
  // Not before: the application may find out who it is in any hook until then.
  scope.addHook('preHandler', async (request) => {
    const user = await identify(userOf, request)
    if (!user) return
    found.set(request, user)
    await passAll(byUser, request)
  })
  return (request) => {
    const user = found.get(request)
    // Asked for once more, later: somebody else may be logged in by then.
    found.delete(request)
    return user ?? userOf(request)
  }
}

/** Fastify promises one, but who comes over a socket of the machine has none. */
function addressOf({ ip }: { readonly ip: string | undefined }): string {
  return normalizeIP(ip ?? '')
}

async function passAll(gates: readonly Pass[], request: FastifyRequest): Promise<void> {
  for (const pass of gates) await pass(request)
}

function createGate(
  scope: FastifyInstance,
  { whose, what, max, windowMs }: RateRule,
  nameOf: (request: FastifyRequest) => string,
  offences: Offences,
): Pass {
  // Named so that rules do not count for each other, should the application share one store.
  const keyGenerator = (request: FastifyRequest) => `${whose} ${what} ${nameOf(request)}`
  const options = { max, timeWindow: windowMs, keyGenerator, cache: MAX_COUNTED }
  const count = scope.createRateLimit(options)
  return async (request) => {
    if (what === 'streams' && !opensStream(request)) return
    const counted = await count(request)
    if (counted.isAllowed || !counted.isExceeded) return
    void offences.note(`${whose}-${what}`, request)
    const retryAfterMs = Math.max(1, Math.ceil(counted.ttl))
    const message = `More than ${max} ${what} in ${windowMs / 1000} s; come again later.`
    throw new FlushoutError('RATE_LIMITED', message, { retryAfterMs })
  }
}

function opensStream(request: FastifyRequest): boolean {
  const { method, routeOptions } = request
  if (!routeOptions.url?.endsWith('/live')) return false
  return method === 'GET' || wantsStream(request)
}
