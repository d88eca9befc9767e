import type { ErrorCode, FlushAnswer } from '@flushout/core'
import type { FastifyRequest } from 'fastify'
import type { Environment } from './environment.ts'
import { guessUser, type UserOf } from './identify.ts'
import type { LimitName } from './limits.ts'
import type { Log } from './log.ts'
import type { Observer } from './observe.ts'
import { TooDeep } from './parse-body.ts'

const LIMIT_OF: { readonly [code: string]: LimitName | undefined } = {
  FLUSH_TOO_LARGE: 'request-size',
  COMMAND_TOO_LARGE: 'request-size',
  GROUP_TOO_LARGE: 'request-size',
  TOO_DEEP: 'depth',
  DOCUMENT_TOO_LARGE: 'document-size',
}

/** Who goes on is logged again after so long. */
const QUIET_MS = 60_000
const MAX_REMEMBERED = 10_000

export interface OffencesOptions {
  readonly userOf: UserOf | undefined
  readonly environment: Pick<Environment, 'now'>
  readonly log: Log
  /** Hears of each refusal; the log has the first of each offender in a minute. */
  readonly observer: Observer | undefined
}

/** Who ran into which limit: counted, and in the log by user and address. */
export class Offences {
  readonly #options: OffencesOptions
  readonly #noted = new Set<string>()
  #since = -Infinity

  constructor(options: OffencesOptions) {
    this.#options = options
  }

  /** The sender of `request` ran into `limit`. */
  async note(limit: LimitName, request: FastifyRequest): Promise<void> {
    const { userOf, log, observer } = this.#options
    observer?.limited?.(limit)
    const address = request.ip
    // It was not asked who that is, so as to be quick; nor is it for the log more than once.
    const isFlood = limit.startsWith('address-')
    if (isFlood && !this.#isNew(`${limit} ${address}`)) return
    const userId = (await guessUser(userOf, request))?.id ?? null
    if (!isFlood && !this.#isNew(`${limit} ${userId ?? address} ${userId === null}`)) return
    log.info({ limit, userId, address, url: request.url.slice(0, 300) }, 'a limit was reached')
  }

  /** A request was refused with `error`, which is `code` for its sender: by a limit of what is sent? */
  noteRefusal(code: ErrorCode, error: unknown, request: FastifyRequest): void {
    this.#options.observer?.refused?.(code)
    const isTooDeep = error instanceof Error && error.cause instanceof TooDeep
    const limit = isTooDeep ? 'depth' : LIMIT_OF[code]
    if (limit) void this.note(limit, request)
  }

  /** A flush was answered: were some of its commands beyond a limit? */
  noteAnswer({ outcome, verdicts }: FlushAnswer, request: FastifyRequest): void {
    // What is answered again was noted the first time.
    if (outcome === 'repeated') return
    for (const verdict of verdicts) {
      const limit = verdict.kind === 'rejected' && LIMIT_OF[verdict.rejection.code]
      if (limit) void this.note(limit, request)
    }
  }

  #isNew(offence: string): boolean {
    const now = this.#options.environment.now()
    if (now - this.#since >= QUIET_MS || now < this.#since) {
      this.#noted.clear()
      this.#since = now
    }
    // Beyond that the log is full of it already.
    if (this.#noted.has(offence) || this.#noted.size >= MAX_REMEMBERED) return false
    this.#noted.add(offence)
    return true
  }
}
