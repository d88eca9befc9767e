import type { PendingOfSession, PendingSession } from '@flushout/core'
import type { SessionWord } from './page-messages.ts'

/** What a session had in flight and has no more: the master has it, but this page may not. */
interface Landed {
  readonly commands: readonly PendingOfSession[]
  /** The count up to which it has to be shown. */
  readonly until: number
  /** When this page heard of it, in milliseconds since 1970. */
  readonly at: number
}

interface Entry {
  readonly word: SessionWord
  readonly landed: readonly Landed[]
}

interface Page {
  readonly entries: Map<string, Entry>
  readonly isSilent: boolean
}

/** Who was in step so long after something landed has heard of it. */
const NEWS_MS = 1_000

/**
 * What other sessions have pending in one model, page by page, as they last said. What
 * left their queues since the master has it stays until this page has come as far.
 */
export class Board {
  readonly #pages = new Map<string, Page>()

  /** A page says what it has. What another had of that before it has taken over. */
  hear(page: string, words: readonly SessionWord[], now: number): void {
    const entries = words.map((word): [string, Entry] => [
      word.clientId,
      { word, landed: listLanded(this.#take(word.clientId), word, now) },
    ])
    this.#pages.set(page, { entries: new Map(entries), isSilent: false })
  }

  /** A page has these, as the disk says, and may not have told all of them yet. */
  expect(page: string, words: readonly SessionWord[], now: number): void {
    const entries = this.#pages.get(page)?.entries
    const told = [...(entries?.values() ?? [])].map(({ word }) => word)
    const more = words.filter(({ clientId }) => !entries?.has(clientId))
    if (more.length > 0) this.hear(page, [...told, ...more], now)
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

  forgetAll(): void {
    this.#pages.clear()
  }

  /**
   * This page has come to `confirmed`, and was last in step at `syncedAt`. Tells whether
   * anything is gone by that.
   */
  prune(confirmed: number, now: number, syncedAt = 0): boolean {
    let isPruned = false
    for (const [name, { entries, isSilent }] of this.#pages) {
      if ([...entries.values()].every(({ landed }) => landed.length === 0)) continue
      const kept = [...entries].map(([id, { word, landed }]): [string, Entry] => {
        const rest = landed
          .filter(({ until, at }) => until > confirmed && at + NEWS_MS >= syncedAt)
          // The clock was set back: what is of the future is of now.
          .map((each) => ({ ...each, at: Math.min(each.at, now) }))
        isPruned ||= rest.length < landed.length
        return [id, { word, landed: rest }]
      })
      this.#pages.set(name, { entries: new Map(kept), isSilent })
    }
    return isPruned
  }

  /** The pages that have something pending and were not found to be silent. */
  get awaited(): readonly string[] {
    const isAwaited = ({ entries, isSilent }: Page) =>
      !isSilent && [...entries.values()].some(({ word }) => word.commands.length > 0)
    return [...this.#pages].filter(([, page]) => isAwaited(page)).map(([name]) => name)
  }

  /** Take out what is known of a session, whoever had it. */
  #take(clientId: string): Entry | undefined {
    for (const { entries } of this.#pages.values()) {
      const entry = entries.get(clientId)
      if (entries.delete(clientId)) return entry
    }
    return undefined
  }

  /** What is to be shown. */
  list(): PendingSession[] {
    return [...this.#pages.values()].flatMap(({ entries, isSilent }) =>
      [...entries.values()].flatMap(({ word: { clientId, commands }, landed }) => [
        // Nobody has to wait for what the master has.
        ...landed.map((each) => ({ clientId, commands: each.commands, isSilent: true })),
        { clientId, commands, isSilent },
      ]),
    )
  }
}

function listLanded(last: Entry | undefined, word: SessionWord, now: number): readonly Landed[] {
  if (!last) return []
  const kept = new Set(word.commands.map(({ serial }) => serial))
  const commands = last.word.commands.filter(
    ({ serial, sequence }) => sequence !== undefined && !kept.has(serial),
  )
  if (commands.length === 0) return last.landed
  return [...last.landed, { commands, until: word.confirmed, at: now }]
}
