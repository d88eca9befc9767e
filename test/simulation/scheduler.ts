import { runMicrotasks } from './microtasks.ts'

/** Some day in 2023. */
export const START_MS = 1_700_000_000_000

interface Event {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

/**
 * Time that passes only from event to event. One event runs at a time, with
 * everything that follows from it without waiting, so a run depends on nothing
 * but the events.
 */
export class Scheduler {
  /** Milliseconds since 1970. */
  now = START_MS
  /** How many events have run. */
  count = 0
  // A binary heap: the first event is at the front.
  readonly #events: Event[] = []
  readonly #work = new Set<Promise<unknown>>()
  #order = 0

  /** Run something after `delayMs`; the returned function takes it back. */
  after(delayMs: number, run: () => void): () => void {
    return this.at(this.now + Math.max(0, delayMs), run)
  }

  /** Run something at a moment; what was put off until the same one keeps its order. */
  at(moment: number, run: () => void): () => void {
    const event: Event = { at: moment, order: (this.#order += 1), run }
    this.#push(event)
    return () => {
      event.run = undefined
    }
  }

  /** Resolves after `delayMs`. */
  delay(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve))
  }

  /** Let time stand still until `work`, which is real and not played, is done. */
  async stopFor<Result>(work: Promise<Result>): Promise<Result> {
    this.#work.add(work)
    try {
      return await work
    } finally {
      this.#work.delete(work)
    }
  }

  /** Whether time stands still until something real is done. */
  get isStopped(): boolean {
    return this.#work.size > 0
  }

  /**
   * Run the next event with all that follows from it. False if there is none. Not
   * within a promise, whose followers would have to wait.
   */
  step(): boolean {
    for (let event = this.#pop(); event; event = this.#pop()) {
      if (!event.run) continue
      this.now = Math.max(this.now, event.at)
      this.count += 1
      event.run()
      runMicrotasks()
      return true
    }
    return false
  }

  /** Let everything happen that takes no time, the real things included. */
  async settle(): Promise<void> {
    do {
      await outside(() => {})
      if (this.isStopped) await Promise.allSettled(this.#work)
    } while (this.isStopped)
  }

  #push(event: Event): void {
    const events = this.#events
    let index = events.push(event) - 1
    while (index > 0) {
      const above = (index - 1) >> 1
      if (isBefore(events[above]!, event)) break
      events[index] = events[above]!
      index = above
    }
    events[index] = event
  }

  #pop(): Event | undefined {
    const events = this.#events
    const first = events[0]
    const last = events.pop()
    if (!first || first === last) return first
    let index = 0
    for (;;) {
      let below = 2 * index + 1
      if (below >= events.length) break
      if (below + 1 < events.length && isBefore(events[below + 1]!, events[below]!)) below += 1
      if (isBefore(last!, events[below]!)) break
      events[index] = events[below]!
      index = below
    }
    events[index] = last!
    return first
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Run something outside of all promises. */
export function outside<Result>(run: () => Result): Promise<Result> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(run())
      } catch (error) {
        reject(error)
      }
    })
  })
}
