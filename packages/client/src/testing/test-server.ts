import {
  FlushoutError,
  Master,
  type Flush,
  type FlushAnswer,
  type JsonObject,
  type MasterOptions,
  type Snapshot,
  type User,
} from '@flushout/core'
import { createTestIds, testDigest } from '@flushout/core/testing'

export interface TestServerOptions extends Partial<MasterOptions> {
  /** Milliseconds since 1970, for interceptors. Default: always 1,000,000. */
  readonly now?: () => number
  /** Who sends all the flushes. */
  readonly user?: User
}

/** Masters in memory, for `directTransport`: a server without one. */
export interface TestServer {
  snapshot(key: string): Snapshot
  flush(key: string, flush: Flush): FlushAnswer
  /** The master of a model. Throws MODEL_NOT_FOUND. */
  master(key: string): Master
  /** Put the model in the place of whatever was there, as a restored backup would. */
  restore(key: string, document: JsonObject): void
}

/** Serve models that begin with these documents; there are no others. */
export function createTestServer(
  documents: Readonly<Record<string, JsonObject>>,
  { now = () => 1_000_000, user, ...options }: TestServerOptions = {},
): TestServer {
  const masters = new Map<string, Master>()
  let histories = 0

  const server: TestServer = {
    snapshot: (key) => server.master(key).snapshot(),
    flush(key, flush) {
      const seed = `${flush.clientId}:${flush.sequence}`
      return server.master(key).apply(flush, { user, now: now(), seed })
    },
    master(key) {
      const master = masters.get(key)
      if (!master) throw new FlushoutError('MODEL_NOT_FOUND', `There is no model ${key}.`)
      return master
    },
    restore(key, document) {
      histories += 1
      const snapshot = { commandCount: 0, hash: `history ${histories}`, document }
      const createId = createTestIds('master')
      masters.set(key, new Master(snapshot, { createId, digest: testDigest, ...options }))
    },
  }
  for (const [key, document] of Object.entries(documents)) server.restore(key, document)
  return server
}
