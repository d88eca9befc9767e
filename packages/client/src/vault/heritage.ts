import type { Flush, ProxyMemory } from '@flushout/core'
import type { StorageChange } from '../storage/client-storage.ts'
import type { SessionRow, ShelfKeys, StoredEdit, StoredSession } from './shelf.ts'

/** What a page takes over from those that are dead. */
export interface Heritage {
  /** What its proxy goes on with; undefined if nothing was left. */
  readonly memory: ProxyMemory | undefined
  /** When each edit of `memory` was given, by serial. */
  readonly times: ReadonlyMap<number, number>
  /**
   * Flights of others. The master may have applied them, so they have to be answered
   * under their own client ids, before anything else is sent.
   */
  readonly flights: readonly ProxyMemory[]
  /** Makes it so on disk, in one step. */
  readonly changes: readonly StorageChange[]
}

/** What a page that is open already takes over from those that died since. */
export interface Bequest {
  /** What was never sent, in the order in which it was given. */
  readonly edits: readonly StoredEdit[]
  readonly flights: readonly ProxyMemory[]
  /** Takes the edits off the disk, and leaves the flights to `page`. */
  readonly changes: readonly StorageChange[]
}

/** Take over what pages left that died while this one was open: it gives their edits anew. */
export function succeed(dead: readonly StoredSession[], keys: ShelfKeys, page: string): Bequest {
  const changes: StorageChange[] = dead.flatMap(({ clientId }) => keys.withoutSession(clientId))
  return { edits: listUnsent(dead), flights: keepFlights(dead, keys, page, changes), changes }
}

/**
 * Take over what dead pages left: one proxy goes on with all that was never sent,
 * in the order in which it was given, under the client id of one that had a flight.
 * Nobody else may do so at the same time.
 */
export function takeOver(dead: readonly StoredSession[], keys: ShelfKeys, page: string): Heritage {
  const left = dead.filter(({ flight, edits }) => flight || edits.length > 0)
  const changes: StorageChange[] = dead.flatMap(({ clientId }) => keys.withoutSession(clientId))
  const main = left.find(({ flight }) => flight) ?? left.at(-1)
  if (!main) return { memory: undefined, times: new Map(), flights: [], changes }

  const sent = main.edits.slice(0, lengthOf(main.flight))
  const unsent = listUnsent(left)
  // New numbers for all that was not sent: those of several pages would be mixed.
  let { serial } = main
  const edits: StoredEdit[] = [
    ...sent,
    ...unsent.map((edit) => ({ ...edit, serial: (serial += 1) })),
  ]
  const row = toRow(main, page, serial)
  changes.push(keys.session(main.clientId, row))
  for (const edit of edits) changes.push(keys.edit(main.clientId, edit))

  const others = left.filter((session) => session !== main)
  const flights = keepFlights(others, keys, page, changes)
  return {
    memory: toMemory(main, serial, edits),
    times: new Map(edits.map(({ serial: own, at }) => [own, at])),
    flights,
    changes,
  }
}

function listUnsent(sessions: readonly StoredSession[]): StoredEdit[] {
  return (
    sessions
      .flatMap(({ edits, flight }) => edits.slice(lengthOf(flight)))
      // Stable: of equal times each page's own order is kept.
      .sort((a, b) => a.at - b.at)
  )
}

/** Leave what is in flight to `page`: what is written for that goes to `changes`. */
function keepFlights(
  sessions: readonly StoredSession[],
  keys: ShelfKeys,
  page: string,
  changes: StorageChange[],
): ProxyMemory[] {
  const flights: ProxyMemory[] = []
  for (const session of sessions) {
    if (!session.flight) continue
    const own = session.edits.slice(0, lengthOf(session.flight))
    changes.push(keys.session(session.clientId, toRow(session, page, session.serial)))
    for (const edit of own) changes.push(keys.edit(session.clientId, edit))
    flights.push(toMemory(session, session.serial, own))
  }
  return flights
}

function toRow(
  { sequence, flight, hasLanded }: StoredSession,
  page: string,
  serial: number,
): SessionRow {
  return { page, sequence, serial, ...(flight && { flight }), ...(hasLanded && { hasLanded }) }
}

function toMemory(
  { clientId, sequence, flight, hasLanded }: StoredSession,
  serial: number,
  edits: readonly StoredEdit[],
): ProxyMemory {
  return {
    clientId,
    sequence,
    serial,
    ...(flight && { flight }),
    ...(hasLanded && { hasLanded }),
    pending: edits.map(({ serial: own, command }) => ({ serial: own, command })),
  }
}

function lengthOf(flight: Flush | undefined): number {
  return flight?.commands.length ?? 0
}
