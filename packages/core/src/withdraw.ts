import { endOfUnit } from './group.ts'
import type { User } from './interceptor.ts'
import { checkParents } from './orphan.ts'
import type { Path } from './path.ts'
import type { PendingQueue } from './pending-queue.ts'
import type { PendingCommand } from './receipt.ts'
import { nodeOf } from './remap.ts'

/**
 * Take the queued commands with these serials off the queue, and all that was given for
 * nodes which they were to create; of an atomic group all. Only to be called while all are taken off the document.
 */
export function withdraw<U extends User>(
  queue: PendingQueue<U>,
  serials: ReadonlySet<number>,
): PendingCommand[] {
  const withdrawn: PendingCommand[] = []
  const gone: Path[] = []
  const { commands } = queue
  // What may have been sent cannot be taken back.
  const kept = commands.slice(0, queue.inFlight)
  for (let at = queue.inFlight, end = at; at < commands.length; at = end) {
    end = endOfUnit(commands, at)
    const unit = commands.slice(at, end)
    const isChosen = unit.some(
      ({ given, serial }) => serials.has(serial) || checkParents(given.path, gone),
    )
    ;(isChosen ? withdrawn : kept).push(...unit)
    if (!isChosen) continue
    for (const { given } of unit) if (given.action === 'create') gone.push(nodeOf(given))
  }
  queue.commands = kept
  return withdrawn
}
