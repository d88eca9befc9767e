import type { TabEnvironment } from '../tabs/tab-environment.ts'
import { sessionLock } from '../tabs/tab-life.ts'

interface Claim {
  readonly granted: Promise<void>
  readonly release: () => void
  users: number
}

/**
 * The locks of dead pages, held by this one while it takes over what they left, and for
 * as long as only this one knows that it did: whoever holds the lock of a page keeps it
 * alive to the others.
 */
export class Claims {
  readonly #name: string
  readonly #tabs: TabEnvironment | undefined
  readonly #claims = new Map<string, Claim>()

  constructor(name: string, tabs: TabEnvironment | undefined) {
    this.#name = name
    this.#tabs = tabs
  }

  has(page: string): boolean {
    return this.#claims.has(page)
  }

  /** Resolves when this page alone may take over what that one left. */
  async hold(page: string): Promise<void> {
    const claim = this.#claims.get(page) ?? this.#ask(page)
    claim.users += 1
    await claim.granted
  }

  /** One use is over. */
  leave(page: string): void {
    const claim = this.#claims.get(page)
    if (claim) claim.users -= 1
  }

  /** Let go of those that nobody uses, as all that was taken over is on disk. */
  settle(): void {
    for (const [page, { users, release }] of this.#claims) {
      if (users > 0) continue
      this.#claims.delete(page)
      release()
    }
  }

  close(): void {
    for (const { release } of this.#claims.values()) release()
    this.#claims.clear()
  }

  get isEmpty(): boolean {
    return this.#claims.size === 0
  }

  #ask(page: string): Claim {
    let release = () => {}
    const granted = new Promise<void>((resolve) => {
      if (this.#tabs) release = this.#tabs.hold(sessionLock(this.#name, page), resolve)
      else resolve()
    })
    const claim = { granted, release, users: 0 }
    this.#claims.set(page, claim)
    return claim
  }
}
