import type { User } from './interceptor.ts'
import { checkParents } from './orphan.ts'
import type { Path } from './path.ts'
import type { PendingQueue } from './pending-queue.ts'
import type { PendingCommand } from './receipt.ts'
import { nodeOf } from './remap.ts'

/**
 * Take the queued commands with these serials off the queue, and all that was given for
 * nodes which they were to create. Only to be called while all are taken off the document.
 */
export function withdraw<U extends User>(
  queue: PendingQueue<U>,
  serials: ReadonlySet<number>,
): PendingCommand[] {
  const withdrawn: PendingCommand[] = []
  const gone: Path[] = []
  queue.commands = queue.commands.filter((pending, index) => {
    const { given, serial } = pending
    // What may have been sent cannot be taken back.
    const isKept =
      index < queue.inFlight || !(serials.has(serial) || checkParents(given.path, gone))
    if (isKept) return true
    withdrawn.push(pending)
    if (given.action === 'create') gone.push(nodeOf(given))
    return false
  })
  return withdrawn
}
