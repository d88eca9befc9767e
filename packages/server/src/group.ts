import {
  isFlushoutError,
  type Flush,
  type FlushAnswer,
  type FlushContext,
  type FlushoutError,
  type User,
} from '@flushout/core'
import type { HotModel } from './hot-model.ts'
import type { Watch } from './observe.ts'

/** Flushes of more commands in all wait for the next group. */
const MAX_GROUP_COMMANDS = 5000
const MAX_GROUP_SIZE = 256
/** Each answer of a whole document holds up everybody for as long as it takes to write it. */
const MAX_GROUP_SNAPSHOTS = 8

/** A flush that waits for its answer. */
export interface FlushWork<U extends User> {
  readonly kind: 'flush'
  readonly flush: Flush
  readonly context: FlushContext<U>
  /** Who looks on, if anybody does. */
  readonly watch: Watch | undefined
  readonly resolve: (answer: FlushAnswer) => void
  readonly reject: (error: unknown) => void
}

/** Somebody who wants to read the model as it is in the store. */
interface ReadWork<U extends User> {
  readonly kind: 'read'
  /** From where updates are wanted, if they are. */
  readonly from: number | undefined
  /** Runs on a model that is proved current; what it throws is final. */
  readonly read: (model: HotModel<U>) => void
  readonly reject: (error: unknown) => void
}

/** One request to a model. */
export type Work<U extends User> = FlushWork<U> | ReadWork<U>

/** What became of a flush in memory, told to its caller once that is stored. */
export interface Staged<U extends User> {
  readonly work: FlushWork<U>
  readonly answer?: FlushAnswer
  readonly refusal?: FlushoutError
}

/** A flush that broke the master: ours to repair, and no reason to fail its neighbours. */
export class Defect<U extends User> extends Error {
  readonly work: FlushWork<U>

  constructor(work: FlushWork<U>, cause: unknown) {
    super('A flush could not be applied.', { cause })
    this.work = work
  }
}

/** Take from the front of `queue` what is served together. */
export function takeGroup<U extends User>(queue: Work<U>[]): Work<U>[] {
  let commands = 0
  let snapshots = 0
  let count = 0
  for (const work of queue) {
    commands += work.kind === 'flush' ? work.flush.commands.length : 0
    snapshots += work.kind === 'flush' && work.flush.hash === '' ? 1 : 0
    if (count === MAX_GROUP_SIZE || snapshots > MAX_GROUP_SNAPSHOTS) break
    if (count > 0 && commands > MAX_GROUP_COMMANDS) break
    count += 1
  }
  return queue.splice(0, count)
}

/** Apply the flushes of a group in memory, one on top of the other. */
export function stageAll<U extends User>(
  model: HotModel<U>,
  group: readonly Work<U>[],
): Staged<U>[] {
  const staged: Staged<U>[] = []
  for (const work of group) {
    if (work.kind === 'read') continue
    try {
      staged.push({ work, answer: model.stage(work.flush, work.context).answer })
    } catch (error) {
      if (!isFlushoutError(error)) throw new Defect(work, error)
      staged.push({ work, refusal: error })
    }
  }
  return staged
}

/** A commit proves a model current; what goes without one needs another proof. */
export function needsProof<U extends User>(group: readonly Work<U>[], model: HotModel<U>): boolean {
  let writes = false
  for (const work of group) {
    if (work.kind === 'read' || work.flush.commands.length === 0) continue
    // Only the store knows whether this client was here before.
    if (!model.master.client(work.flush.clientId)) return true
    writes = true
  }
  return !writes
}

/** The clients that write. */
export function clientsOf<U extends User>(group: readonly Work<U>[]): string[] {
  return [...new Set(group.flatMap((work) => (work.kind === 'flush' ? work.flush.clientId : [])))]
}

/** Who looks on while the flushes of a group are served. */
export function watchesOf<U extends User>(group: readonly Work<U>[]): Watch[] {
  return group.flatMap((work) => (work.kind === 'flush' && work.watch ? work.watch : []))
}

/** The counts since when it matters what others wrote, by what updates expect and groups read. */
export function expectedOf<U extends User>(group: readonly Work<U>[]): number[] {
  const groups = group.flatMap((work) => (work.kind === 'flush' ? (work.flush.groups ?? []) : []))
  const commands = group.flatMap((work) => (work.kind === 'flush' ? work.flush.commands : []))
  const counts = commands.flatMap((command) => {
    const since = command.action === 'update' ? command.expects?.since : undefined
    // Not checked yet: nobody can vouch for what is no count.
    return Number.isSafeInteger(since) ? since! : []
  })
  return [...new Set([...counts, ...groups.flatMap(({ reads }) => reads?.since ?? [])])]
}

/** The counts since when updates are wanted. */
export function countsOf<U extends User>(group: readonly Work<U>[]): number[] {
  const counts = group.flatMap((work) => {
    if (work.kind === 'read') return work.from ?? []
    return work.flush.hash === '' ? [] : work.flush.from
  })
  return [...new Set(counts)]
}
