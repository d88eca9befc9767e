import { FlushoutError } from '@flushout/core'

/** What one client, one model and one process may take. */
export interface Limits {
  /** Bytes of a request. Default 262,144. */
  readonly flushBytes: number
  /** Commands of a flush. Default 500. */
  readonly flushCommands: number
  /** Characters of JSON of a document. Default 1,048,576. */
  readonly documentBytes: number
  /** Characters of a model key. Default 256. */
  readonly keyLength: number
  /** Characters of JSON of the latest history that a model keeps in memory. Default 262,144. */
  readonly historyBytes: number
  /**
   * Characters of JSON of all models in memory. Default 67,108,864. Ordinary
   * documents take about four bytes of memory for each, the worst that somebody
   * can think of thirty.
   */
  readonly cacheBytes: number
  /**
   * Bytes of requests under way at a time, and as many of large answers; who comes
   * then is told to come again. It bounds what slow senders and readers take.
   * Default 67,108,864.
   */
  readonly trafficBytes: number
  /** Requests that may wait for one model; the next is told to come again. Default 1,000. */
  readonly waiting: number
  /** Live connections of a process; the next is told to come again. Default 25,000. */
  readonly streams: number
  /** Models that one live connection follows, those of patterns included. Default 1,000. */
  readonly streamModels: number
  /** How often a flush is tried against other writers. Default 8. */
  readonly attempts: number
  /**
   * Milliseconds that a request may be worked on; then it is answered with 503,
   * and the client asks again. 0 waits for ever. Default 30,000.
   */
  readonly answerMs: number
  /**
   * Milliseconds that a `check` may take; then the flush is answered with 503, and the client
   * sends it again. 0 waits for ever. Default 5,000.
   */
  readonly checkMs: number
}

/** A limit that somebody can run into: a rate, the size or depth of what they send. */
export type LimitName =
  | 'user-requests'
  | 'user-streams'
  | 'address-requests'
  | 'address-streams'
  | 'request-size'
  | 'depth'
  | 'document-size'

const DEFAULTS: Limits = {
  flushBytes: 256 * 1024,
  flushCommands: 500,
  documentBytes: 1024 * 1024,
  keyLength: 256,
  historyBytes: 256 * 1024,
  cacheBytes: 64 * 1024 * 1024,
  trafficBytes: 64 * 1024 * 1024,
  waiting: 1000,
  streams: 25_000,
  streamModels: 1000,
  attempts: 8,
  answerMs: 30_000,
  checkMs: 5_000,
}

/** Fill in what was left out. Throws OPTIONS_INVALID for what is no limit. */
export function completeLimits(limits: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw new FlushoutError('OPTIONS_INVALID', `There is no limit "${name}".`)
    }
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) {
      throw new FlushoutError('OPTIONS_INVALID', `limits.${name} is a whole number, not ${value}.`)
    }
  }
  return { ...DEFAULTS, ...limits }
}
