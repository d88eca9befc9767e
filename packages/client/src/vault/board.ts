import type { PendingOfSession, PendingSession } from '@flushout/core'
import type { SessionWord } from './page-messages.ts'

/** Commands that the master has confirmed, though this page may not have heard of it. */
interface Landed {
  readonly commands: readonly PendingOfSession[]
  /** The count up to which they have to be shown. */
  readonly until: number
}

interface Entry {
  readonly word: SessionWord
  readonly landed: readonly Landed[]
}

interface Page {
  readonly entries: ReadonlyMap<string, Entry>
  readonly isSilent: boolean
}

/**
 * What other sessions have pending in one model, page by page, as they last said. What
 * left their queues since the master confirmed it stays until this page has come as far.
 */
export class Board {
  readonly #pages = new Map<string, Page>()

  /** A page says what it has. `confirmed` is how far this page is. */
  hear(page: string, words: readonly SessionWord[], confirmed: number): void {
    const last = this.#pages.get(page)?.entries
    const entries = words.map((word): [string, Entry] => {
      const landed = [...(last ? listLanded(last.get(word.clientId), word) : [])]
      return [word.clientId, { word, landed: landed.filter(({ until }) => until > confirmed) }]
    })
    this.#pages.set(page, { entries: new Map(entries), isSilent: false })
  }

  /** A page does not answer: nobody waits for it until it is heard again. */
  silence(page: string): void {
    const known = this.#pages.get(page)
    if (known) this.#pages.set(page, { ...known, isSilent: true })
  }

  /** A page is dead, and somebody has what it left. */
  forget(page: string): void {
    this.#pages.delete(page)
  }

  /** The pages that have something pending and were not found to be silent. */
  get awaited(): readonly string[] {
    const isAwaited = ({ entries, isSilent }: Page) =>
      !isSilent && [...entries.values()].some(({ word }) => word.commands.length > 0)
    return [...this.#pages].filter(([, page]) => isAwaited(page)).map(([name]) => name)
  }

  /** What is to be shown on a document of which `confirmed` commands are confirmed. */
  list(confirmed: number): PendingSession[] {
    return [...this.#pages.values()].flatMap(({ entries, isSilent }) =>
      [...entries.values()].map(({ word: { clientId, commands }, landed }) => ({
        clientId,
        commands: [
          ...landed.filter(({ until }) => until > confirmed).flatMap((each) => each.commands),
          ...commands,
        ],
        isSilent,
      })),
    )
  }
}

function listLanded(last: Entry | undefined, word: SessionWord): Landed[] {
  if (!last) return []
  const kept = new Set(word.commands.map(({ serial }) => serial))
  const commands = last.word.commands.filter(
    ({ serial, sequence }) => sequence !== undefined && !kept.has(serial),
  )
  return commands.length === 0
    ? [...last.landed]
    : [...last.landed, { commands, until: word.confirmed }]
}
