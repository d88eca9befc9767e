// Without HTTP/2 a browser opens six connections to one address, for all its tabs
// together. If each tab kept one open to hear of others, the seventh could not even
// send an edit. So only a few of them do; the others ask from time to time.
const SLOTS = 3

/** One of the few connections to an address that may stay open, shared by a whole client. */
export class ConnectionSlot {
  readonly #origin: () => string
  #users = 0
  #isHeld: Promise<boolean> | undefined
  #release = () => {}

  constructor(origin: () => string) {
    this.#origin = origin
  }

  /** Run `hold` if a connection may stay open; undefined if not. */
  async run<T>(hold: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    this.#users += 1
    this.#isHeld ??= this.#take()
    try {
      return (await this.#isHeld) ? { value: await hold() } : undefined
    } finally {
      this.#users -= 1
      if (this.#users === 0) {
        this.#release()
        this.#release = () => {}
        this.#isHeld = undefined
      }
    }
  }

  async #take(): Promise<boolean> {
    // Outside of browsers nothing counts connections.
    if (typeof location === 'undefined' || !navigator.locks) return true
    const { locks } = navigator
    const origin = this.#origin()
    // With HTTP/2 one connection carries everything.
    if (isMultiplexed(origin)) return true
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const isFree = await new Promise<boolean>((resolve) => {
        void locks
          .request(`flushout ${origin} ${slot}`, { ifAvailable: true }, async (lock) => {
            resolve(lock !== null)
            if (lock)
              await new Promise<void>((release) => {
                this.#release = release
              })
          })
          .catch(() => resolve(true))
      })
      if (isFree) return true
    }
    return false
  }
}

function isMultiplexed(origin: string): boolean {
  const entries = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
  const last = entries.findLast(({ name }) => name.startsWith(`${origin}/`))
  return last?.nextHopProtocol === 'h2' || last?.nextHopProtocol === 'h3'
}
