import type { CheckedPull } from './answer.ts'
import type { AppliedFlush } from './protocol.ts'

/** Hears of a flush of somebody else; `snapshot`: of any number of them, nobody knows which. */
export type UpdateListener = (update: AppliedFlush | 'snapshot') => void

/** Those who want to hear what others did, and what they are still to be told. */
export class News {
  readonly #listeners = new Set<UpdateListener>()
  readonly #untold: (AppliedFlush | 'snapshot')[] = []
  #isTelling = false

  /** Call `listener` for all that is noted from now on, until the returned function is called. */
  add(listener: UpdateListener): () => void {
    // A function of its own, so that one listener may be given twice.
    const own: UpdateListener = (update) => listener(update)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** Note what a sync brought to a proxy that was at `from` before, its own flushes left out. */
  note({ sync }: CheckedPull, from: number, clientId: string): void {
    if (this.#listeners.size === 0) return
    if (sync.kind === 'snapshot') this.#untold.push('snapshot')
    if (sync.kind !== 'updates') return
    let at = from
    for (const update of sync.updates) {
      const { commands = [] } = update
      // What is known already may come once more.
      if (commands.length === 0 || update.from < at) continue
      at = update.from + commands.length
      if (update.clientId !== clientId) this.#untold.push(update as AppliedFlush)
    }
  }

  /**
   * Tell what was noted, in order: what a listener brings about is told after
   * what is being told. All are called before what the first bad one threw is
   * thrown on.
   */
  tell(): void {
    if (this.#isTelling || this.#untold.length === 0) return
    this.#isTelling = true
    let failure: { readonly error: unknown } | undefined
    for (let update = this.#untold.shift(); update; update = this.#untold.shift()) {
      for (const listener of this.#listeners) {
        try {
          listener(update)
        } catch (error) {
          failure ??= { error }
        }
      }
    }
    this.#isTelling = false
    if (failure) throw failure.error
  }
}
