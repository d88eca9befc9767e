import type { FlushoutError } from '@flushout/core'
import { notify } from '../notify.ts'
import type { Transport } from '../transport.ts'

/**
 * Finds out that a tab gets through where it did not before for want of a login, and
 * lets the other tabs know, which may be waiting for one. A tab that is new tells so
 * too: most logins load a page.
 */
export class TabLogins {
  readonly #tell: () => void
  readonly #own: Transport['onLogin']
  readonly #listeners = new Set<() => void>()
  // What was refused to this tab, and not granted since.
  readonly #refused = new Set<string>()
  #hasPassed = false
  // How often other tabs told of a login.
  #heard = 0

  /** `own` tells of logins in this tab, `tell` is called for the others to hear. */
  constructor(own: Transport['onLogin'], tell: () => void) {
    this.#own = own
    this.#tell = tell
  }

  /** See `Transport.onLogin`. */
  onLogin = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    const stop = this.#own?.(listener)
    return () => {
      this.#listeners.delete(listener)
      stop?.()
    }
  }

  /** Ask for `what`, and note whether that is granted. */
  async watch<T>(what: string, ask: () => Promise<T>): Promise<T> {
    const heard = this.#heard
    try {
      const answer = await ask()
      // Not for whatever else is granted: some of it may be for everybody.
      if (this.#refused.delete(what) || !this.#hasPassed) this.#tell()
      this.#hasPassed = true
      return answer
    } catch (error) {
      if ((error as FlushoutError).retry === 'after-auth') {
        this.#refused.add(what)
        // It was asked for before that login.
        if (heard !== this.#heard) this.#wake()
      }
      throw error
    }
  }

  /** Another tab gets through. */
  heard(): void {
    this.#heard += 1
    if (this.#refused.size > 0) this.#wake()
  }

  #wake(): void {
    for (const listener of this.#listeners) notify(listener)
  }
}
