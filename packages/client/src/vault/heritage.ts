import { ROOT, type GivenCommand, type LostCommand, type ProxyMemory } from '@flushout/core'
import type { StorageChange } from '../storage/client-storage.ts'
import { toLossId } from './journal.ts'
import type { ShelfKeys, StoredLoss, StoredSession } from './shelf.ts'

/** What a page takes over from those that are dead. */
export interface Heritage {
  /** Each session as it was left, the latest first. */
  readonly memories: readonly ProxyMemory[]
  /** Make them those of the page on disk. To be written in one step. */
  readonly changes: readonly StorageChange[]
}

/**
 * Let `page` go on with what dead pages left. Each session stays what it is, with its
 * client id, its flight and its serials: so the master knows what it has of it already,
 * and the edits stay in their order among those of all pages. Nobody else may do so at
 * the same time.
 */
export function takeOver(dead: readonly StoredSession[], keys: ShelfKeys, page: string): Heritage {
  const left = dead.filter(({ row, edits }) => row.flight || edits.length > 0)
  const changes = dead.flatMap((session) => {
    const { clientId, row, edits, home } = session
    if (!left.includes(session)) return (home ?? keys).withoutSession(clientId)
    const taken = keys.session(clientId, { ...row, page })
    if (!home) return taken
    return [
      ...home.withoutSession(clientId),
      ...taken,
      ...edits.map((edit) => keys.edit(clientId, edit)),
    ]
  })
  const memories = left.map(toMemory).sort((a, b) => lastSerial(b) - lastSerial(a))
  return { memories, changes }
}

function toMemory({ clientId, row, edits }: StoredSession): ProxyMemory {
  const { page: _, ...rest } = row
  return { clientId, ...rest, pending: edits }
}

function lastSerial({ serial, pending }: ProxyMemory): number {
  return Math.max(serial, pending.at(-1)?.serial ?? 0)
}

/** Tell the edits of a session as lost which nobody can go on with. */
export function giveUp(
  { clientId, pending }: ProxyMemory,
  keys: ShelfKeys,
  { page, at }: { readonly page: string; readonly at: number },
): { readonly losses: readonly StoredLoss[]; readonly changes: readonly StorageChange[] } {
  const losses = pending.map(({ serial, command }) => ({
    id: toLossId(at, page, clientId, serial),
    lost: toSpoiled(command, at),
  }))
  const changes = [
    ...keys.withoutSession(clientId),
    ...losses.map(({ id, lost }) => keys.lost(id, lost)),
  ]
  return { losses, changes }
}

/** An edit of which nobody can tell any more whether it was sent. */
function toSpoiled(command: GivenCommand, at: number): LostCommand {
  const { path = ROOT } = command
  const message = 'What was kept of it on this device cannot be read.'
  return {
    command,
    path: command.action === 'create' && command.id !== undefined ? [...path, command.id] : path,
    kind: 'dropped',
    rejection: { code: 'COMMAND_INVALID', message },
    at,
  }
}
