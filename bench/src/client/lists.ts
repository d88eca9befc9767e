import type { Alternative } from '../alternatives/alternative.ts'
import { automerge } from '../alternatives/automerge.ts'
import { flushout } from '../alternatives/flushout.ts'
import { immutable } from '../alternatives/immutable.ts'
import { inPlace } from '../alternatives/in-place.ts'
import { originalFlushout } from '../alternatives/original-flushout.ts'
import { replicache } from '../alternatives/replicache.ts'
import { tanStackDb } from '../alternatives/tanstack-db.ts'
import { yjs } from '../alternatives/yjs.ts'

/** All that hold something else than plain objects, and those first. */
export const lists: readonly Alternative[] = [
  inPlace,
  flushout,
  immutable,
  originalFlushout,
  tanStackDb,
  yjs,
  automerge,
  replicache,
]
