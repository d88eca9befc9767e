// What a page fetches to hear of others, in one piece.
import { Feeds } from './feeds.ts'
import type { FollowedFeed, FollowedModelEvent } from './follow.ts'
import type { LiveConnection } from './live-connection.ts'
import { connectModels, type LiveModelsOptions } from './live-models.ts'
import { PresenceBoard, type PresenceBoardOptions } from './presence-board.ts'

export { httpLive } from './http-live.ts'

export interface LiveOptions extends LiveModelsOptions, Omit<PresenceBoardOptions, 'announce'> {
  /** Ask for something, for as long as an exchange may take. */
  readonly ask: <T>(run: (signal: AbortSignal) => Promise<T>) => Promise<T>
  readonly isPaused: boolean
}

/** The connection of a client, and all who hear by it. */
export class Live {
  readonly connection: LiveConnection
  readonly board: PresenceBoard
  readonly #feeds: Feeds

  constructor(options: LiveOptions) {
    const { live, ask, isPaused } = options
    const connection = connectModels(options)
    const feeds = new Feeds(() => connection.changed())
    const board = new PresenceBoard({
      ...options,
      announce: (presence) => ask((signal) => live.announce(presence, signal)),
    })
    this.connection = connection
    this.board = board
    this.#feeds = feeds
    if (isPaused) connection.pause()
    connection.add({
      request: () => ({ feeds: feeds.request() }),
      hear: (event) => feeds.hear(event),
    })
    connection.add({
      request() {
        const presence = board.request()
        return presence ? { presence } : {}
      },
      opened: ({ presence }) => board.connected(presence),
      hear: (event) => board.hear(event),
      lost: () => board.lost(),
    })
  }

  follow(feed: FollowedFeed, listener: (event: FollowedModelEvent) => void): () => void {
    return this.#feeds.follow(feed, listener)
  }
}
