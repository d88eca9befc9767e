import type { LiveEvent, User } from '@flushout/core'
import type { Account } from './account.ts'
import type { Outgoing } from './ledger.ts'

/** A stream or a long poll, as far as a page and its troubles know it. */
export interface Line {
  readonly kind: 'stream' | 'poll'
  /** Whether what happens to a model now is told on this line. */
  tells(key: string): boolean
  /** The page takes nothing for a while. */
  stall(ms: number): void
  /** Between the two it is cut, and either both are told or nobody is. */
  cut(isSilent: boolean): void
  /** The page is gone. */
  leave(): void
}

/** Who sends messages: a page, as far as the network sees it. */
export interface Sender {
  readonly person: {
    readonly name: string
    readonly isBlocked: boolean
  }
  readonly user: User
  readonly account: Account
  /** What is sent of each model. */
  readonly outgoing: ReadonlyMap<string, Outgoing>
  /** The exchanges that were not answered yet. */
  readonly asking: Map<string, { readonly at: number; readonly signal: AbortSignal }>
  /** When that exchange about each model began which was answered last. */
  readonly syncedAt: Map<string, number>
  /** The history hash that it last said it holds of each model. */
  readonly held: Map<string, string>
  /** Streams and long polls that are not over. */
  readonly links: Set<Line>
  /** Until when nothing reaches the network, or comes back from it. */
  readonly cutOffUntil: number
  readonly answersCutOffUntil: number
  /** Commands leave the page. */
  sent(): void
  /** Something came by itself. */
  heard(event: LiveEvent): void
  /** Run something as soon as the page does anything; never after its end. */
  run(callback: () => void): void
}
