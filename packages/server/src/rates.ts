import { FlushoutError } from '@flushout/core'

/** How often somebody may come in a window of time. What is left out is not limited. */
export interface Rate {
  /** Requests, live connections among them. */
  readonly requests?: number
  /** Live connections that are opened, by who comes back after a break, too. */
  readonly streams?: number
  /** The length of a window. Default 60,000 ms. */
  readonly windowMs?: number
}

/** Whose rates are limited. Each server counts for itself. */
export interface Rates {
  /** Each user who is logged in, from wherever. */
  readonly user?: Rate
  /**
   * Each address, or /64 network of IPv6, before anything is asked about who it is.
   * Behind a proxy, set `trustProxy` of Fastify, or all are one address. Many people may
   * share one.
   */
  readonly address?: Rate
}

/** One thing that is counted for somebody. */
export interface RateRule {
  readonly whose: keyof Rates
  readonly what: 'requests' | 'streams'
  readonly max: number
  readonly windowMs: number
}

const WINDOW_MS = 60_000

/** The rules that `rates` consist of. Throws OPTIONS_INVALID for what is no rate. */
export function readRates(rates: Rates = {}): RateRule[] {
  return Object.entries(rates).flatMap(([whose, rate]) => {
    if (whose !== 'user' && whose !== 'address') {
      throw new FlushoutError(
        'OPTIONS_INVALID',
        `rates are of "user" and "address", not "${whose}".`,
      )
    }
    return rate === undefined ? [] : readRate(whose, rate)
  })
}

function readRate(whose: keyof Rates, rate: Rate): RateRule[] {
  const { requests, streams, windowMs = WINDOW_MS, ...others } = rate
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    throw new FlushoutError('OPTIONS_INVALID', `There is no rate "${whose}.${unknown}".`)
  }
  check(`${whose}.windowMs`, windowMs)
  return Object.entries({ requests, streams }).flatMap(([what, max]) => {
    if (max === undefined) return []
    check(`${whose}.${what}`, max)
    return { whose, what: what as RateRule['what'], max, windowMs }
  })
}

function check(name: string, value: unknown): void {
  if (Number.isSafeInteger(value) && Number(value) > 0) return
  const message = `rates.${name} is a whole number from 1, not ${String(value)}.`
  throw new FlushoutError('OPTIONS_INVALID', message)
}
