// What the pages of one user tell each other, so that each shows what the others have
// not sent yet, and hears when one dies. A page that was frozen may have missed some:
// whoever needs an answer asks.
import type { PendingSession } from '@flushout/core'
import type { LossNews } from './shelf.ts'

/** From one page to all others. */
export type PageMessage = { readonly page: string } & (
  | /** Who is there? */ { readonly kind: 'who' }
  | /** The page lives. */ { readonly kind: 'here' }
  | /** What have you pending in this model? */ { readonly kind: 'ask'; readonly key: string }
  | {
      readonly kind: 'pending'
      readonly key: string
      /** All sessions that the page has in this model, those that have nothing pending too. */
      readonly sessions: readonly SessionWord[]
    }
  | ({ readonly kind: 'losses'; readonly key: string } & LossNews)
)

/** What a page says of one of its sessions. */
export interface SessionWord extends PendingSession {
  /** Up to which count the master has answered it: what it had in flight before is in there. */
  readonly confirmed: number
}
