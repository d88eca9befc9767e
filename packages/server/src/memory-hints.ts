import type { Hints, Notice } from './hints.ts'

type Hear = (notice: Notice) => void

/** What the servers of one process tell each other through one store. */
export class MemoryExchange {
  readonly #listeners = new Map<Hear, Hints>()

  /** Make an end of its own for one server. */
  open(): Hints {
    const end: Hints = {
      publish: (notice) => this.#publish(end, notice),
      listen: (hear) => {
        // Its own each time, as the same function may listen twice.
        const own: Hear = (notice) => hear(notice)
        this.#listeners.set(own, end)
        return () => void this.#listeners.delete(own)
      },
    }
    return end
  }

  #publish(from: Hints, notice: Notice): void {
    for (const [hear, end] of this.#listeners) {
      if (end === from) continue
      // Later, as over a network: whoever publishes is not done yet.
      queueMicrotask(() => {
        if (this.#listeners.has(hear)) hear(notice)
      })
    }
  }
}
