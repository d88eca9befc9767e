import type { Notice } from './hints.ts'

// About 2 MB of them. They are hints: more than that is better lost than kept.
const MAX_NOTICES = 5000

/**
 * Notices that wait to be told. A later one takes the place of an earlier one
 * about the same thing, and where too many wait, further things are forgotten.
 */
export class NoticeQueue {
  readonly #waiting = new Map<string, Notice>()

  get size(): number {
    return this.#waiting.size
  }

  add(notice: Notice): void {
    const about = subjectOf(notice)
    // Behind what was told since, as `delete` after `create`.
    if (!this.#waiting.delete(about) && this.#waiting.size >= MAX_NOTICES) return
    this.#waiting.set(about, notice)
  }

  /** All that wait; then none do. */
  takeAll(): Notice[] {
    const notices = [...this.#waiting.values()]
    this.#waiting.clear()
    return notices
  }
}

/** Two notices with the same subject say the same thing, at two times. */
function subjectOf(notice: Notice): string {
  const { kind } = notice
  switch (kind) {
    case 'head':
    case 'erased':
      return JSON.stringify([kind, notice.key])
    case 'model':
      return JSON.stringify([kind, notice.key, notice.change])
    case 'access':
      return JSON.stringify([kind, notice.userId, notice.key])
    case 'presence':
      return JSON.stringify([kind, notice.key, notice.peer])
    case 'alive':
      return JSON.stringify([kind, notice.server])
    case 'roll-call':
      return kind
  }
}
