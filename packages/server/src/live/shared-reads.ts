import type { User } from '@flushout/core'
import type { HotModel } from '../hot-model.ts'

/** So many are told what they lack in one turn of the event loop. */
const MAX_AT_ONCE = 250

interface Waiting<U extends User> {
  readonly from: number | undefined
  readonly read: (model: HotModel<U>) => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Reads models for many at a time: thousands who lack something of one model, as
 * after a server went, cost a few reads and are not too many to wait for it.
 */
export class SharedReads<U extends User> {
  readonly #read: (key: string, read: (model: HotModel<U>) => void, from?: number) => Promise<void>
  // While a read is under way, and until nobody waits any more.
  readonly #waiting = new Map<string, Waiting<U>[]>()

  constructor(
    read: (key: string, read: (model: HotModel<U>) => void, from?: number) => Promise<void>,
  ) {
    this.#read = read
  }

  /** Read a model that is proved current, with its history since `from`, if that is not too long. */
  ask(key: string, from: number | undefined, read: (model: HotModel<U>) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const one: Waiting<U> = { from, read, resolve, reject }
      const waiting = this.#waiting.get(key)
      if (waiting) return void waiting.push(one)
      this.#waiting.set(key, [one])
      void this.#run(key)
    })
  }

  async #run(key: string): Promise<void> {
    for (;;) {
      const group = this.#waiting.get(key)!.splice(0, MAX_AT_ONCE)
      if (group.length === 0) break
      await this.#serve(key, group)
    }
    this.#waiting.delete(key)
  }

  async #serve(key: string, group: readonly Waiting<U>[]): Promise<void> {
    const counts = group.flatMap(({ from }) => from ?? [])
    try {
      const from = counts.length > 0 ? Math.min(...counts) : undefined
      await this.#read(key, (model) => group.forEach((one) => answer(one, model)), from)
    } catch (error) {
      // To who has an answer already this says nothing any more.
      for (const { reject } of group) reject(error)
    }
  }
}

function answer<U extends User>({ read, resolve, reject }: Waiting<U>, model: HotModel<U>): void {
  try {
    read(model)
    resolve()
  } catch (error) {
    reject(error)
  }
}
