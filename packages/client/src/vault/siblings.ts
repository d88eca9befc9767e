import type { PendingSession } from '@flushout/core'
import type { Environment } from '../environment.ts'
import { Board } from './board.ts'
import type { PageMessage, SessionWord } from './page-messages.ts'
import type { LossNews } from './shelf.ts'

/** The pages of one user on this device. */
export interface Pages {
  /** This one. */
  readonly page: string
  readonly environment: Environment
  tell(message: PageMessage): void
  /** Hear what other pages tell, until the returned function is called. */
  subscribe(listener: (message: PageMessage) => void): () => void
}

export interface SiblingsOptions {
  readonly pages: Pages
  /** Of the model. */
  readonly key: string
  /** What this page has to tell. */
  readonly words: () => readonly SessionWord[]
  /** Whether this page has something that it may not send before another has sent its own. */
  readonly isHeldUp: () => boolean
  /** Hears when `pending` is another. */
  readonly onChange: () => void
  /** Hears what another page says of losses. */
  readonly onLosses: (news: LossNews) => void
}

/** What comes within this time is told at once. */
const TELL_MS = 20
/** A page that does not answer for so long is frozen, or as good as that. */
const ANSWER_MS = 5_000

/** The other pages that have the same model open: what they have not sent yet, told as it happens. */
export class Siblings {
  readonly #options: SiblingsOptions
  readonly #board = new Board()
  #leave: (() => void) | undefined
  #clearTell: (() => void) | undefined
  #clearWait: (() => void) | undefined
  // Those that were asked and did not answer yet.
  #asked = new Set<string>()

  constructor(options: SiblingsOptions) {
    this.#options = options
  }

  /** What is pending in them, or may not be confirmed here yet. */
  get pending(): PendingSession[] {
    return this.#board.list()
  }

  /** Know of what a page has without its word. */
  note(page: string, words: readonly SessionWord[]): void {
    this.#board.hear(page, words, this.#options.pages.environment.now())
  }

  /** See `Board.expect`. */
  expect(page: string, words: readonly SessionWord[]): void {
    this.#board.expect(page, words, this.#options.pages.environment.now())
  }

  /** See `Board.prune`. */
  prune(confirmed: number, syncedAt?: number): boolean {
    return this.#board.prune(confirmed, this.#options.pages.environment.now(), syncedAt)
  }

  /** Hear the others, and be heard. */
  join(): void {
    const { pages, key } = this.#options
    this.#leave ??= pages.subscribe((message) => this.#hear(message))
    pages.tell({ page: pages.page, kind: 'ask', key })
    this.tell()
  }

  leave(): void {
    // Nobody hears anything of it later.
    if (this.#clearTell) this.tell()
    this.#board.forgetAll()
    this.#leave?.()
    this.#leave = undefined
    this.#clearTell?.()
    this.#clearTell = undefined
    this.#clearWait?.()
    this.#clearWait = undefined
  }

  /** Tell what this page has, with whatever else comes in the next moment. */
  tellSoon(): void {
    if (!this.#leave) return
    this.#clearTell ??= this.#options.pages.environment.setTimer(() => this.tell(), TELL_MS)
  }

  /** Tell what this page has now. */
  tell(): void {
    if (!this.#leave) return
    const { pages, key, words } = this.#options
    this.#clearTell?.()
    this.#clearTell = undefined
    pages.tell({ page: pages.page, kind: 'pending', key, sessions: words() })
  }

  /** A page is dead, and this one has what it left. */
  forget(page: string): void {
    this.#board.forget(page)
  }

  /** Do not wait for ever, if this page waits for others: they may be frozen. */
  bear(): void {
    const { pages, key, isHeldUp, onChange } = this.#options
    if (!this.#leave || !isHeldUp()) {
      this.#clearWait?.()
      this.#clearWait = undefined
      return
    }
    if (this.#clearWait) return
    this.#asked = new Set(this.#board.awaited.filter((page) => page !== pages.page))
    pages.tell({ page: pages.page, kind: 'ask', key })
    this.#clearWait = pages.environment.setTimer(() => {
      this.#clearWait = undefined
      for (const page of this.#asked) this.#board.silence(page)
      onChange()
    }, ANSWER_MS)
  }

  /** Tell what was lost, and what somebody has seen of that. */
  tellLosses(news: LossNews): void {
    const { pages, key } = this.#options
    pages.tell({ page: pages.page, kind: 'losses', key, ...news })
  }

  #hear(message: PageMessage): void {
    const { key, onChange, onLosses } = this.#options
    if (message.kind === 'who' || message.kind === 'here' || message.key !== key) return
    if (message.kind === 'ask') this.tell()
    if (message.kind === 'losses') onLosses(message)
    if (message.kind !== 'pending') return
    this.#asked.delete(message.page)
    this.note(message.page, message.sessions)
    onChange()
  }
}
