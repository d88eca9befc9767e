import type { LostCommand } from '@flushout/core'
import type { Session } from './session.ts'
import type { LossNews, StoredLoss } from './shelf.ts'

/**
 * What was lost in one model and nobody has dismissed yet: in this page, in those before
 * it and in its siblings. A loss is written by the journal of the session that it came
 * from; what that tells the others know, too.
 */
export class Inbox {
  readonly #sessions: () => readonly Session[]
  // Those that no session of this page holds.
  #losses: readonly StoredLoss[]

  constructor(losses: readonly StoredLoss[], sessions: () => readonly Session[]) {
    this.#losses = losses
    this.#sessions = sessions
  }

  /** Those that no session of this page holds. */
  get losses(): readonly LostCommand[] {
    return this.#losses.map(({ lost }) => lost)
  }

  /** Take in losses whose session is over, or of another page. */
  add(losses: readonly StoredLoss[]): void {
    const known = new Set([...this.#losses, ...this.#held].map(({ id }) => id))
    this.#losses = [...this.#losses, ...losses.filter(({ id }) => !known.has(id))]
  }

  /** Take a loss off the list. Gives under what it is stored; undefined where a session holds it. */
  dismiss(lost: LostCommand): string | undefined {
    const found = this.#losses.find((other) => other.lost === lost)
    if (found) this.#losses = this.#losses.filter((other) => other !== found)
    return found?.id
  }

  /** Another page tells what it lost, and what somebody has seen there. */
  hear({ lost, seen }: LossNews): void {
    this.add(lost)
    this.#losses = this.#losses.filter(({ id }) => !seen.includes(id))
    for (const { id, lost: own, session } of this.#held) {
      if (seen.includes(id)) session.proxy.dismiss(own)
    }
  }

  get #held(): readonly (StoredLoss & { readonly session: Session })[] {
    return this.#sessions().flatMap((session) =>
      session.journal.losses.map((loss) => ({ ...loss, session })),
    )
  }
}
