// The process of one scheme: what it holds in memory is in no other's way, nor theirs in its.
import type { JsonObject } from '@flushout/core'
import { serveParent } from '../../harness/child.ts'
import { createOurs } from './flushout.ts'
import { createOneAtATime } from './one-at-a-time.ts'
import { createPlainLoop } from './plain-loop.ts'
import type { Scheme } from './scheme.ts'
import { createSelectForUpdate } from './select-for-update.ts'
import { createShareDb } from './share-db.ts'

const makers = {
  ours: createOurs,
  queued: createOneAtATime,
  locked: createSelectForUpdate,
  plain: createPlainLoop,
  shareDb: createShareDb,
}

export type SchemeName = keyof typeof makers

let scheme: Scheme | undefined

const api = {
  /** Gives what the scheme is called. */
  async open(name: SchemeName, url: string, document: JsonObject): Promise<string> {
    scheme = await makers[name](url, document)
    return scheme.name
  },
  run: (...args: Parameters<Scheme['run']>): ReturnType<Scheme['run']> => scheme!.run(...args),
  readCpu: () => scheme!.readCpu(),
  check: () => scheme!.check(),
  close: () => scheme!.close(),
}

export type SchemeApi = typeof api

serveParent(api)
