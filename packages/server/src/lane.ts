import type { Environment } from './environment.ts'
import { watched, type Observer, type Watch } from './observe.ts'
import type { ModelStore, Outcome, Write } from './store.ts'

/** More writes than this make a statement slower than two statements. */
const MAX_WRITES = 200
/** A checkpoint carries a whole document; a few of them fill a statement. */
const CHECKPOINT_WEIGHT = 25
/** What a statement costs by itself is as much as so many writes cost in it. */
const WORTH_A_STATEMENT = 8

interface Waiting {
  readonly write: Write
  readonly watch: Watch | undefined
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

/**
 * Joins the commits of many models in few statements: what waits while they are
 * under way goes into the next. What waits when several may be sent is shared out
 * among them: were all of it in one, the writers would wait for the store together,
 * and then the store for all of them. A model that loses its race or fails does so
 * alone.
 */
export class CommitterLane {
  readonly #store: Pick<ModelStore, 'commit'>
  readonly #environment: Pick<Environment, 'defer'>
  readonly #observer: Observer | undefined
  readonly #maxInFlight: number
  #waiting: Waiting[] = []
  #inFlight = 0
  #isScheduled = false

  constructor(
    store: Pick<ModelStore, 'commit'>,
    environment: Pick<Environment, 'defer'>,
    observer?: Observer,
    maxInFlight = 2,
  ) {
    this.#store = store
    this.#environment = environment
    this.#observer = observer
    this.#maxInFlight = maxInFlight
  }

  /** Write with the next statement. Rejects when it is unknown what happened. */
  commit(write: Write, watch?: Watch): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, watch, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlight >= this.#maxInFlight) return
    this.#isScheduled = true
    // Not at once: whatever else this turn of the event loop brings joins.
    this.#environment.defer(() => {
      this.#isScheduled = false
      while (this.#waiting.length > 0 && this.#inFlight < this.#maxInFlight) {
        const share = Math.ceil(this.#waiting.length / (this.#maxInFlight - this.#inFlight))
        void this.#send(Math.max(share, WORTH_A_STATEMENT))
      }
    })
  }

  async #send(most: number): Promise<void> {
    const batch = this.#take(most)
    this.#inFlight += 1
    try {
      await this.#commitJoined(batch)
    } finally {
      this.#inFlight -= 1
      if (this.#waiting.length > 0) this.#schedule()
    }
  }

  #take(most: number): Waiting[] {
    let weight = 0
    let count = 0
    for (const { write } of this.#waiting) {
      weight += write.checkpoint === undefined ? 1 : CHECKPOINT_WEIGHT
      if (count === most || (count > 0 && weight > MAX_WRITES)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  #watchStatement(batch: readonly Waiting[]): Watch | undefined {
    if (!this.#observer) return undefined
    const of = batch.flatMap(({ watch }) => watch ?? [])
    return this.#observer.begin({ name: 'statement', of })
  }

  async #commitJoined(batch: readonly Waiting[]): Promise<void> {
    let outcomes: readonly Outcome[]
    try {
      const send = () => this.#store.commit(batch.map(({ write }) => write))
      outcomes = await watched(this.#watchStatement(batch), send)
    } catch (error) {
      if (batch.length === 1) return batch[0]!.reject(error)
      // One of them may be to blame for all. Should the statement have landed in
      // spite of the error, the compare fails now, and each model looks again.
      await Promise.all(batch.map((one) => this.#commitJoined([one])))
      return
    }
    batch.forEach(({ resolve }, index) => resolve(outcomes[index]!))
  }
}
