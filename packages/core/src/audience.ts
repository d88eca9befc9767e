import { Listeners } from './listeners.ts'
import { News } from './news.ts'
import type { Path } from './path.ts'
import type { StatusBoard } from './proxy-status.ts'

/** Those who listen to a proxy: to its document, to what others do, and to where its commands are. */
export class Audience {
  readonly listeners: Listeners = new Listeners()
  readonly news: News = new News()
  readonly #board: StatusBoard

  constructor(board: StatusBoard) {
    this.#board = board
  }

  /**
   * Tell those whom it concerns, after everything is in its final state. All are told
   * before what a bad listener threw is thrown on.
   */
  publish(paths: readonly Path[]): void {
    try {
      if (paths.length > 0) this.listeners.call(paths)
    } finally {
      this.#publishNews()
    }
  }

  #publishNews(): void {
    try {
      this.news.tell()
    } finally {
      this.#board.publish()
    }
  }
}
