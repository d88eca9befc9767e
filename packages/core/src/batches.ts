import {
  createGroup,
  groupRejected,
  measureUnit,
  startOfUnit,
  toReads,
  type BatchOptions,
  type PendingGroup,
} from './group.ts'
import type { User } from './interceptor.ts'
import type { Loss } from './loss.ts'
import type { Path } from './path.ts'
import type { PendingQueue } from './pending-queue.ts'
import type { Position } from './protocol.ts'
import type { PendingCommand } from './receipt.ts'

export interface BatchesOptions<U extends User> {
  readonly queue: PendingQueue<U>
  /** What fits into one flush. */
  readonly maxCommands: number
  readonly maxBytes: number
  /** How far the master vouched. */
  readonly position: () => Position
  /** Tell who listens at these paths. */
  readonly publish: (paths: readonly Path[]) => void
}

/** The batches that run in a proxy, one in the other, and the groups that they make. */
export class Batches<U extends User> {
  readonly #options: BatchesOptions<U>
  /** Of what is given now. */
  group: PendingGroup | undefined
  // A command of the atomic group that is being given was refused.
  #isRefused = false
  /** Collects the changed paths while a batch runs. */
  paths: Path[] | undefined

  constructor(options: BatchesOptions<U>) {
    this.#options = options
  }

  /** The group of what is given now: that of the batch, or one of its own. */
  join({ label, atomic, reads }: BatchOptions): PendingGroup | undefined {
    const { queue, position } = this.#options
    const outer = this.group
    const { since: from, hash, paths = [] } = outer?.reads ?? {}
    const known = from === undefined ? position() : { from, hash: hash! }
    const all = reads && toReads([...paths, ...reads], known)
    if (outer && (outer.atomic || !(atomic || reads))) {
      // Still open, so it may be told what else was read.
      if (all) Object.assign(outer, { reads: all })
      return outer
    }
    return createGroup(outer?.label ?? label, atomic, () => queue.takeSerial(), all)
  }

  /** A command was refused on the spot. */
  refused(): void {
    this.#isRefused = true
  }

  /** See `CommandProxy.batch`. */
  run<T>(run: () => T, options: BatchOptions): T {
    const { queue, publish } = this.#options
    const { paths: outerPaths } = this
    const outerGroup = this.group
    const last = queue.commands.at(-1)
    const paths: Path[] = outerPaths ?? []
    this.paths = paths
    const group = this.join(options)
    this.group = group
    const isOpening = group?.atomic && !queue.open
    if (isOpening) {
      queue.open = group
      this.#isRefused = false
    }
    try {
      const result = run()
      if (isOpening) this.#close(group)
      return result
    } catch (error) {
      const message = 'The batch that gave this command was taken back.'
      for (const pending of queue.truncate(this.#startAfter(last))) {
        pending.settle({ kind: 'dropped', rejection: { code: 'BATCH_REJECTED', message } })
      }
      throw error
    } finally {
      if (isOpening) queue.open = undefined
      if (group !== outerGroup) Object.freeze(group)
      this.paths = outerPaths
      this.group = outerGroup
      if (!outerPaths) publish(paths)
    }
  }

  /** Take all of an atomic group back if it cannot be given as a whole. */
  #close(group: PendingGroup): void {
    const { queue } = this.#options
    const { commands } = queue
    if (commands.at(-1)?.group !== group) return
    const start = startOfUnit(commands, commands.length - 1)
    const loss = this.#isRefused ? groupRejected() : this.#checkSize(commands, start)
    if (!loss) return
    for (const pending of queue.truncate(start)) {
      pending.rejection = loss.rejection
      pending.settle(loss)
    }
  }

  #checkSize(commands: readonly PendingCommand[], start: number): Loss | undefined {
    const { maxCommands, maxBytes } = this.#options
    const count = commands.length - start
    const size = measureUnit(commands, start, commands.length)
    if (count <= maxCommands && size <= maxBytes) return undefined
    const message =
      `The group takes ${count} commands and ${size} characters; ` +
      `${maxCommands} and ${maxBytes} are allowed.`
    return { kind: 'rejected', rejection: { code: 'GROUP_TOO_LARGE', message } }
  }

  /** Where the queued commands begin that were given after `last`. */
  #startAfter(last: PendingCommand | undefined): number {
    const { commands, inFlight } = this.#options.queue
    // What is in flight stays, even if the batch itself began the flush.
    return Math.max(last ? commands.lastIndexOf(last) + 1 : 0, inFlight)
  }
}
