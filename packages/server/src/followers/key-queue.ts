// What happens to a key:
//
//   add ──► waiting ──► working ──► done
//             ▲  ▲         │
//             │  └─ more ──┤
//             └── pause ◄──┘ failed
//
// A key that is added again while it is worked on waits once more afterwards; one
// that pauses goes on pausing.
import type { Environment } from '../environment.ts'

const FIRST_PAUSE_MS = 300
const MAX_PAUSE_MS = 30_000

export interface KeyQueueOptions {
  /** How many keys are worked on at a time. */
  readonly atOnce: number
  /** How many may wait, and how many may pause. */
  readonly room: number
  /** Do some of the work of a key. True if there is more. */
  readonly work: (key: string) => Promise<boolean>
  readonly onError: (key: string, error: unknown) => void
  /** A key has failed for which there is no room: whoever looks for keys finds it again. */
  readonly onDropped: () => void
  /** Some work of a key has ended. */
  readonly onStep: () => void
  readonly environment: Pick<Environment, 'setTimer' | 'random'>
}

interface Pause {
  readonly failures: number
  /** Undefined when it is over. */
  readonly stop: (() => void) | undefined
}

/** Works on many keys, one step of each in turn; a key that fails holds up no other. */
export class KeyQueue {
  readonly #options: KeyQueueOptions
  readonly #waiting = new Set<string>()
  // Whether there is more for them to do.
  readonly #working = new Map<string, boolean>()
  readonly #pauses = new Map<string, Pause>()
  #isClosed = false

  constructor(options: KeyQueueOptions) {
    this.#options = options
  }

  get hasRoom(): boolean {
    return this.#waiting.size < this.#options.room
  }

  get isWorking(): boolean {
    return this.#working.size > 0
  }

  /** Whether nothing waits, nothing is worked on, and nothing has failed. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && !this.isWorking && this.#pauses.size === 0
  }

  /** Work on `key` soon. Without effect where there is no room. */
  add(key: string): void {
    if (this.#isClosed || this.#pauses.get(key)?.stop) return
    if (this.#working.has(key)) this.#working.set(key, true)
    else if (this.hasRoom) this.#waiting.add(key)
    this.#start()
  }

  /** Begin nothing any more. What was begun goes on to its end. */
  close(): void {
    this.#isClosed = true
    this.#waiting.clear()
    for (const { stop } of this.#pauses.values()) stop?.()
    this.#pauses.clear()
  }

  #start(): void {
    for (const key of this.#waiting) {
      if (this.#working.size >= this.#options.atOnce) return
      this.#waiting.delete(key)
      this.#working.set(key, false)
      void this.#work(key)
    }
  }

  async #work(key: string): Promise<void> {
    try {
      if (await this.#options.work(key)) this.#working.set(key, true)
      this.#pauses.delete(key)
      this.#end(key)
    } catch (error) {
      this.#options.onError(key, error)
      this.#working.set(key, false)
      this.#pause(key)
      this.#end(key)
    }
  }

  #end(key: string): void {
    const isMore = this.#working.get(key) === true
    this.#working.delete(key)
    if (isMore && !this.#isClosed) this.#waiting.add(key)
    this.#start()
    this.#options.onStep()
  }

  #pause(key: string): void {
    const failures = (this.#pauses.get(key)?.failures ?? 0) + 1
    this.#pauses.delete(key)
    if (this.#isClosed) return
    if (this.#pauses.size >= this.#options.room) return this.#options.onDropped()
    const { setTimer, random } = this.#options.environment
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), MAX_PAUSE_MS)
    const stop = setTimer(
      () => {
        this.#pauses.set(key, { failures, stop: undefined })
        this.#waiting.add(key)
        this.#start()
      },
      longest * (0.5 + random() / 2),
    )
    this.#pauses.set(key, { failures, stop })
  }
}
