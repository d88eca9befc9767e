// What a client does about live news before the code for them is here, and the way to it
// afterwards:
//
//   nothing wanted ──somebody wants some──► fetching ──► `Live`
//                                            │    ▲
//                                            ▼    │ wake, resume, an exchange that worked
//                                   asking by timer
import type { FollowedFeed, FollowedModelEvent } from './follow.ts'
import { livePart } from './live-part.ts'
import type { Live, LiveOptions } from './live.ts'
import { Places } from './presence-places.ts'
import type { Presence } from './presence.ts'
import type { LiveTransport } from './transport.ts'

export interface LiveSideOptions extends Omit<LiveOptions, 'live' | 'places' | 'isPaused'> {
  /** Undefined where the transport has none. */
  readonly live: LiveTransport | undefined
}

/** Keeps a client in step with others, as soon as somebody wants that. */
export class LiveSide {
  readonly #options: LiveSideOptions
  readonly #places: Places
  // What those want who came before the code.
  readonly #waiting = new Set<(live: Live) => void>()
  #live: Live | undefined
  #isWanted = false
  #isFetching = false
  #isPaused: boolean

  constructor(options: LiveSideOptions, isPaused: boolean) {
    this.#options = options
    this.#isPaused = isPaused
    this.#places = new Places({
      environment: options.environment,
      onUse: () => {
        this.#live?.board.used()
        this.changed()
      },
      onState: () => this.#live?.board.stated(),
    })
    if (livePart.code) this.#begin(livePart.code)
  }

  /** Somebody wants something else than before. */
  changed(): void {
    this.#isWanted = true
    this.#do(({ connection }) => connection.changed())
  }

  renewLater(): void {
    this.#live?.connection.renewLater()
  }

  exchanged(): void {
    this.#do(({ connection }) => connection.exchanged())
  }

  wake(): void {
    this.#do(({ connection }) => connection.wake())
  }

  pause(): void {
    this.#isPaused = true
    this.#live?.connection.pause()
    if (this.#isFetching) this.#tell(undefined)
  }

  resume(): void {
    this.#isPaused = false
    this.#do(({ connection }) => connection.resume())
  }

  close(): void {
    this.pause()
    this.#live?.board.lost()
    this.#waiting.clear()
    this.#places.close()
  }

  /** Call `listener` with what happens to the items of `feed` from now on. */
  follow(feed: FollowedFeed, listener: (event: FollowedModelEvent) => void): () => void {
    let leave = () => {}
    const enter = (live: Live) => {
      leave = live.follow(feed, listener)
    }
    if (this.#live) enter(this.#live)
    else {
      leave = () => this.#waiting.delete(enter)
      this.#waiting.add(enter)
      this.changed()
    }
    return () => leave()
  }

  /** The presence of a model. `keep` is called while somebody uses it, and what it gave afterwards. */
  openPresence(key: string, keep: () => () => void): Presence {
    return this.#places.open(key, keep)
  }

  /** Now, or fetch what it takes. */
  #do(work: (live: Live) => void): void {
    if (this.#live) work(this.#live)
    else if (this.#isWanted && !this.#isPaused && this.#options.live) this.#fetch()
  }

  #fetch(): void {
    this.#tell('joining')
    if (this.#isFetching) return
    this.#isFetching = true
    livePart.fetch().then(
      (code) => this.#begin(code),
      // Models ask by timer, which tells when to try again.
      () => {
        this.#isFetching = false
        this.#tell(undefined)
      },
    )
  }

  #begin({ Live: Code }: NonNullable<typeof livePart.code>): void {
    const { live } = this.#options
    if (!live || this.#live) return
    this.#live = new Code({
      ...this.#options,
      live,
      places: this.#places.used,
      isPaused: this.#isPaused,
    })
    this.#isFetching = false
    for (const enter of this.#waiting) enter(this.#live)
    this.#waiting.clear()
  }

  #tell(carriage: 'joining' | undefined): void {
    for (const [, control] of this.#options.controls()) {
      control.carry(control.position() && carriage)
    }
  }
}
