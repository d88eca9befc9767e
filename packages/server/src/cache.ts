import type { User } from '@flushout/core'
import type { ModelRunner } from './runner.ts'

/**
 * The models in memory, those used last, bounded by what they weigh. Nothing is
 * lost with what goes: the store has all of it. A model that is being served
 * stays, whatever it weighs.
 */
export class ModelCache<U extends User = User> {
  readonly #maxBytes: number
  readonly #create: (key: string) => ModelRunner<U>
  // In order of last use.
  readonly #runners = new Map<string, ModelRunner<U>>()
  readonly #weights = new Map<string, number>()
  #bytes = 0

  constructor(maxBytes: number, create: (key: string) => ModelRunner<U>) {
    this.#maxBytes = maxBytes
    this.#create = create
  }

  /** About how many characters all models in memory take. */
  get bytes(): number {
    return this.#bytes
  }

  /** How many models are in memory or being served. */
  get size(): number {
    return this.#runners.size
  }

  /** The runner of a model. Give it work at once, or it may be gone. */
  runner(key: string): ModelRunner<U> {
    const runner = this.#runners.get(key) ?? this.#create(key)
    this.#runners.delete(key)
    this.#runners.set(key, runner)
    return runner
  }

  /** A runner served somebody: weigh it again, and make room if need be. */
  weigh(runner: ModelRunner<U>): void {
    this.#setWeight(runner)
    if (this.#bytes <= this.#maxBytes) return
    for (const other of this.#runners.values()) {
      if (this.#bytes <= this.#maxBytes) return
      // Who is busy weighs itself again when it has served.
      if (other.isIdle) void this.#retire(other)
    }
  }

  /** A model is gone from the store. Whoever is being served by it finds out by themselves. */
  forget(key: string): void {
    const runner = this.#runners.get(key)
    if (runner?.isIdle) void this.#retire(runner)
  }

  /** Write the document of a model that nobody uses now, and let the model go from memory. */
  async settle(key: string): Promise<void> {
    const runner = this.runner(key)
    await runner.read(() => {})
    await runner.settled()
    if (runner.isIdle) await this.#retire(runner)
  }

  /** Wait for everybody who waits, write checkpoints, and let all models go. */
  async close(): Promise<void> {
    while (this.#runners.size > 0) {
      await Promise.all(
        [...this.#runners.values()].map(async (runner) => {
          await runner.settled()
          if (runner.isIdle) await this.#retire(runner)
        }),
      )
    }
  }

  async #retire(runner: ModelRunner<U>): Promise<void> {
    const retired = runner.retire()
    this.#setWeight(runner)
    await retired
  }

  #setWeight(runner: ModelRunner<U>): void {
    const { key, weight } = runner
    this.#bytes += weight - (this.#weights.get(key) ?? 0)
    if (weight > 0) this.#weights.set(key, weight)
    else this.#weights.delete(key)
    // Not while it is busy: a second runner of one model would be its rival.
    if (weight === 0 && runner.isIdle) this.#runners.delete(key)
  }
}
