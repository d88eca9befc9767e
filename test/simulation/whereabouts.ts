import type { Model } from '@flushout/client'
import { isDeepStrictEqual } from 'node:util'

/** What a page tells the others about itself, and sees of them. */
export class Whereabouts {
  readonly #name: string
  readonly #userId: string
  readonly #models: ReadonlyMap<string, Model>
  readonly #shared = new Map<string, { readonly state: object; readonly end: () => void }>()
  #steps = 0

  constructor(name: string, userId: string, models: ReadonlyMap<string, Model>) {
    this.#name = name
    this.#userId = userId
    this.#models = models
    for (const model of models.values()) model.presence.subscribe(() => {})
  }

  /** Do something else in a model, or nothing more. */
  move(key: string, isThere: boolean): void {
    const before = this.#shared.get(key)
    this.#shared.delete(key)
    if (isThere) {
      const state = { page: this.#name, step: (this.#steps += 1) }
      this.#shared.set(key, { state, end: this.#models.get(key)!.presence.share(state) })
    }
    // After the next, so that nobody sees it go in between.
    before?.end()
  }

  /** How the others should see this page. */
  shown(key: string): readonly unknown[] {
    const shared = this.#shared.get(key)
    return shared ? [{ userId: this.#userId, state: shared.state }] : []
  }

  /** What this page sees wrong of the others, in words. */
  missed(key: string, others: readonly Whereabouts[]): string[] {
    const expected = others.flatMap((other) => other.shown(key))
    const found = this.#models.get(key)!.presence.others.map(({ userId, state }) => ({
      userId,
      state,
    }))
    const isRight =
      found.length === expected.length &&
      expected.every((one) => found.some((other) => isDeepStrictEqual(one, other)))
    if (isRight) return []
    return [
      `${this.#name} at ${key} sees ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`,
    ]
  }
}
