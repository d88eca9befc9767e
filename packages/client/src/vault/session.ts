import type { CommandProxy } from '@flushout/core'
import type { Journal } from './journal.ts'
import type { SessionWord } from './page-messages.ts'
import type { Shelf } from './shelf.ts'

/** A proxy, and what writes its edits to disk. */
export interface Session {
  readonly proxy: CommandProxy<object>
  readonly journal: Journal
  /** The client ids that it had so far. */
  readonly ids: Set<string>
}

/**
 * What other pages are told of it. Under a former id nothing is left: they may have read
 * the disk before that was so, and would wait for it.
 */
export function toWords({ proxy, ids }: Session): SessionWord[] {
  const word = { ...proxy.pending, confirmed: proxy.confirmed.from }
  const former = [...ids.add(word.clientId)].filter((id) => id !== word.clientId)
  return [...former.map((clientId) => ({ clientId, commands: [], confirmed: 0 })), word]
}

export function isPending({ proxy }: Session): boolean {
  const { queued, inFlight } = proxy.status
  return queued + inFlight > 0
}

/** Whether it has something to send, and need not wait for another session with that. */
export function isSendable(session: Session): boolean {
  return isPending(session) && !session.proxy.isHeldUp
}

/** What is on disk of other pages that live, page by page, as they would tell it. */
export function listOthers(
  { sessions }: Shelf,
  page: string,
  taken: readonly { readonly clientId: string }[],
): Map<string, SessionWord[]> {
  const pages = new Map<string, SessionWord[]>()
  for (const { clientId, row, edits, home } of sessions) {
    // What was written for an older version shows in the pages of that one.
    if (home || row.page === page || taken.some((session) => session.clientId === clientId))
      continue
    const { flight } = row
    const commands = edits.map((edit, index) => ({
      ...edit,
      ...(flight && index < flight.commands.length && { sequence: flight.sequence }),
    }))
    const words = pages.get(row.page) ?? []
    pages.set(row.page, [...words, { clientId, commands, confirmed: 0 }])
  }
  return pages
}
