import {
  FlushoutError,
  Master,
  type ErrorCode,
  type Flush,
  type FlushAnswer,
  type JsonObject,
  type MasterOptions,
  type PresenceRequest,
  type Snapshot,
  type User,
} from '@flushout/core'
import { createTestIds, testDigest } from '@flushout/core/testing'
import type { Backend } from '../direct-transport.ts'
import { TestLive } from './test-live.ts'

export interface TestServerOptions extends Partial<MasterOptions> {
  /** Milliseconds since 1970, for interceptors. Default: always 1,000,000. */
  readonly now?: () => number
  /** Who sends all the flushes. */
  readonly user?: User
  /** Whether clients hear what happens without asking. Default true. */
  readonly isLive?: boolean
  /** What clients are told about how often they hear something. Default 1,000,000,000. */
  readonly heartbeatMs?: number
}

/** Masters in memory, for `directTransport`: a server without one. */
export interface TestServer {
  snapshot(key: string): Snapshot
  flush(key: string, flush: Flush): FlushAnswer
  /** The master of a model. Throws MODEL_NOT_FOUND. */
  master(key: string): Master
  /** Put the model in the place of whatever was there, as a restored backup would. */
  restore(key: string, document: JsonObject): void
  /** Refuse everything about a model with this code, from now on; without one, no more. */
  refuse(key: string, code?: ErrorCode): void
  /** To direct what clients hear without asking. */
  readonly hub: TestLive
  /** See `Backend`; not there if `isLive` is false. */
  readonly live?: NonNullable<Backend['live']>
  announce(presence: PresenceRequest): void
}

/** Serve models that begin with these documents; there are no others. */
export function createTestServer(
  documents: Readonly<Record<string, JsonObject>>,
  {
    now = () => 1_000_000,
    user,
    isLive = true,
    heartbeatMs = 1e9,
    ...options
  }: TestServerOptions = {},
): TestServer {
  const masters = new Map<string, Master>()
  const refused = new Map<string, ErrorCode>()
  let histories = 0
  const hub: TestLive = new TestLive((key) => server.master(key), heartbeatMs)

  const server: TestServer = {
    hub,
    ...(isLive && { live: (request, createSink) => hub.connect(request, createSink()) }),
    announce: (presence) => void hub.announced.push(presence),
    snapshot: (key) => server.master(key).snapshot(),
    flush(key, flush) {
      const seed = `${flush.clientId}:${flush.sequence}`
      const answer = server.master(key).apply(flush, { user, now: now(), seed })
      hub.changed(key)
      return answer
    },
    master(key) {
      const code = refused.get(key)
      if (code) throw new FlushoutError(code, `The test refuses ${key} with ${code}.`)
      const master = masters.get(key)
      if (!master) throw new FlushoutError('MODEL_NOT_FOUND', `There is no model ${key}.`)
      return master
    },
    restore(key, document) {
      histories += 1
      const snapshot = { commandCount: 0, hash: `history ${histories}`, document }
      const createId = createTestIds('master')
      masters.set(key, new Master(snapshot, { createId, digest: testDigest, ...options }))
      hub.changed(key)
    },
    refuse(key, code) {
      if (code) refused.set(key, code)
      else refused.delete(key)
      hub.changed(key)
    },
  }
  for (const [key, document] of Object.entries(documents)) server.restore(key, document)
  return server
}
