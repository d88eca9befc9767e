import type { Environment } from '../environment.ts'
import type { Cursors } from './cursors.ts'

export interface LeaseOptions {
  readonly cursors: Pick<Cursors, 'claim'>
  /** For how long the name is claimed at a time. */
  readonly leaseMs: number
  /** Only goes forward. */
  readonly now: () => number
  readonly environment: Pick<Environment, 'setTimer' | 'fillRandom'>
  /** The name is ours now, and was not before. */
  readonly onGained: () => void
  readonly onError: (error: unknown) => void
}

/**
 * The right of one process to follow under a name. It is renewed in time, and lost where
 * the store cannot be reached for too long: another may have it then.
 */
export class Lease {
  readonly #options: LeaseOptions
  readonly #holder: string
  #until = 0
  #isClosed = false
  #claiming: Promise<void> | undefined
  #stopTimer: () => void = () => {}

  constructor(options: LeaseOptions) {
    this.#options = options
    const bytes = Buffer.alloc(16)
    options.environment.fillRandom(bytes)
    this.#holder = bytes.toString('base64url')
    this.#claimLater(0)
  }

  get isHeld(): boolean {
    return !this.#isClosed && this.#options.now() < this.#until
  }

  /** Give the name back. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopTimer()
    await this.#claiming
    // Else it runs out by itself.
    await this.#options.cursors.claim(this.#holder, 0).catch(this.#options.onError)
  }

  #claimLater(delayMs: number): void {
    if (this.#isClosed) return
    this.#stopTimer = this.#options.environment.setTimer(() => {
      this.#claiming = this.#claim()
    }, delayMs)
  }

  async #claim(): Promise<void> {
    const { cursors, leaseMs, now, onGained, onError } = this.#options
    const wasHeld = this.isHeld
    // From before the question: the clock of the store goes on while it travels.
    const until = now() + leaseMs
    try {
      this.#until = (await cursors.claim(this.#holder, leaseMs)) ? until : 0
    } catch (error) {
      onError(error)
    }
    if (this.isHeld && !wasHeld) onGained()
    this.#claimLater(leaseMs / 3)
  }
}
