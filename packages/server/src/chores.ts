/** A model whose chore found no room does it after its next checkpoint. */
const MAX_WAITING = 10_000

/**
 * What has to be done for models now and then and nobody waits for: one chore after
 * the other, so that those who do wait have the database to themselves.
 */
export class Chores {
  readonly #waiting = new Map<string, () => Promise<void>>()
  #working: Promise<void> | undefined

  /** Do `chore` for the model in a while. It must not reject, nor keep the model in memory. */
  add(key: string, chore: () => Promise<void>): void {
    if (this.#waiting.size >= MAX_WAITING) return
    this.#waiting.set(key, chore)
    this.#working ??= this.#work()
  }

  /** Resolves when all is done. */
  async done(): Promise<void> {
    await this.#working
  }

  async #work(): Promise<void> {
    for (const [key, chore] of this.#waiting) {
      this.#waiting.delete(key)
      await chore()
    }
    this.#working = undefined
  }
}
