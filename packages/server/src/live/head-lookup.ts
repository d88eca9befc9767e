import type { Head, ModelStore } from '../store.ts'

/** As many as one statement looks up quickly. */
const MAX_KEYS = 1000

interface Question {
  readonly resolve: (head: Head | undefined) => void
  readonly reject: (error: unknown) => void
}

/**
 * Finds out how far models are, many in one look-up: what is asked while one is
 * under way waits for the next, so that thousands who come at once cost a few.
 */
export class HeadLookup {
  readonly #store: Pick<ModelStore, 'heads'>
  readonly #defer: (callback: () => void) => void
  #questions = new Map<string, Question[]>()
  #isScheduled = false

  constructor(store: Pick<ModelStore, 'heads'>, defer: (callback: () => void) => void) {
    this.#store = store
    this.#defer = defer
  }

  /** The head of a model in the store; undefined if there is none. Rejects if the store fails. */
  ask(key: string): Promise<Head | undefined> {
    return new Promise((resolve, reject) => {
      const questions = this.#questions.get(key)
      if (questions) questions.push({ resolve, reject })
      else this.#questions.set(key, [{ resolve, reject }])
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#defer(() => void this.#run())
  }

  async #run(): Promise<void> {
    const all = this.#questions
    this.#questions = new Map()
    const keys = [...all.keys()]
    for (let start = 0; start < keys.length; start += MAX_KEYS) {
      await this.#look(keys.slice(start, start + MAX_KEYS), all)
    }
    this.#isScheduled = false
    if (this.#questions.size > 0) this.#schedule()
  }

  async #look(keys: readonly string[], all: ReadonlyMap<string, Question[]>): Promise<void> {
    try {
      const heads = await this.#store.heads(keys)
      for (const key of keys) for (const { resolve } of all.get(key)!) resolve(heads.get(key))
    } catch (error) {
      for (const key of keys) for (const { reject } of all.get(key)!) reject(error)
    }
  }
}
