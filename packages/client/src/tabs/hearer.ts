import {
  compileKeyPattern,
  type Feed,
  type FeedRequest,
  type LiveEvent,
  type LiveRequest,
  type Position,
  type PresenceRequest,
} from '@flushout/core'

interface Followed {
  readonly feed: FeedRequest
  /** Of which items of a model. */
  readonly view: string
  readonly fits: (key: string) => boolean
  /** How far each model was heard; undefined until the first was. */
  since: Map<string, Position> | undefined
  /** The models that are no news. */
  readonly known: Set<string>
}

/** What one request asked for, and how far it has been told. */
export class Hearer {
  readonly #models: Map<string, Position | null>
  readonly #followed: readonly Followed[]
  readonly #protocol: LiveRequest['protocol']
  #presence: PresenceRequest | undefined

  constructor({ protocol, models = {}, feeds = [], presence }: LiveRequest) {
    this.#protocol = protocol
    this.#models = new Map(Object.entries(models))
    this.#followed = feeds.map((feed) => ({
      feed,
      view: viewOf(feed),
      fits: compileKeyPattern(feed.models),
      since: feed.since && new Map(Object.entries(feed.since)),
      known: new Set(Object.keys(feed.since ?? {})),
    }))
    this.#presence = presence
  }

  /** What to ask for now, so that nothing is missed. */
  get request(): LiveRequest {
    return {
      protocol: this.#protocol,
      models: Object.fromEntries(this.#models),
      feeds: this.#followed.map(({ feed, since }) => ({
        ...feed,
        ...(since && { since: Object.fromEntries(since) }),
      })),
      ...(this.#presence && { presence: this.#presence }),
    }
  }

  /** It was asked for once more, from where it is. */
  asked(): void {
    // Not whenever a head is heard: it may be of a model that another holds, and
    // come before the word that there is a new one.
    for (const { known, since } of this.#followed) {
      for (const key of since?.keys() ?? []) known.add(key)
    }
  }

  /** Take what was announced, if it is of this one. */
  announce(presence: PresenceRequest): void {
    const { token, sequence } = this.#presence ?? {}
    if (presence.token !== token || presence.sequence <= sequence!) return
    // Where it is stays as it was asked for: only a connection leads elsewhere.
    const told = Object.entries(this.#presence!.models).map(([key, state]) => {
      const next = presence.models[key]
      return [key, next === undefined ? state : next]
    })
    this.#presence = { ...presence, models: Object.fromEntries(told) }
  }

  /** What of the event it asked for; undefined if nothing. */
  pick(event: LiveEvent): LiveEvent | undefined {
    switch (event.event) {
      case 'updates':
        if (!this.#models.has(event.key)) return undefined
        this.#models.set(event.key, { from: event.commandCount, hash: event.hash })
        return event
      case 'heads':
        return this.#pickHeads(event.heads)
      case 'feed':
        return this.#hearItems(event) ? event : undefined
      case 'model':
        return this.#hearModel(event) ? event : undefined
      case 'refused':
        return this.#wants(event.models) ? event : undefined
      case 'presence':
        return this.#presence && Object.hasOwn(this.#presence.models, event.key) ? event : undefined
      default:
        return event
    }
  }

  #pickHeads(heads: Extract<LiveEvent, { event: 'heads' }>['heads']): LiveEvent {
    const own = Object.entries(heads).filter(([key]) => this.#wantsHead(key))
    for (const [key, { commandCount, hash }] of own) {
      const position = { from: commandCount, hash }
      // Who hears of a head that is not theirs asks for the rest.
      if (this.#models.has(key)) this.#models.set(key, position)
      for (const followed of this.#followed) {
        if (!followed.fits(key) || followed.since?.has(key)) continue
        followed.since ??= new Map()
        followed.since.set(key, position)
      }
    }
    return { event: 'heads', heads: Object.fromEntries(own) }
  }

  #hearItems({ key, feed, commandCount, hash }: Extract<LiveEvent, { event: 'feed' }>): boolean {
    const view = viewOf(feed)
    const fitting = this.#followed.filter((one) => one.view === view && one.fits(key))
    for (const followed of fitting) {
      followed.since ??= new Map()
      followed.since.set(key, { from: commandCount, hash })
    }
    return fitting.length > 0
  }

  #hearModel({ key, change }: Extract<LiveEvent, { event: 'model' }>): boolean {
    const fitting = this.#followed.filter(({ fits }) => fits(key))
    // To who asked from further back it is news, and is told to all.
    if (change === 'create' && fitting.every(({ known }) => known.has(key))) return false
    for (const { known, since } of fitting) {
      if (change === 'delete') {
        since?.delete(key)
        known.delete(key)
      } else known.add(key)
    }
    return fitting.length > 0
  }

  #wantsHead(key: string): boolean {
    return this.#models.has(key) || this.#followed.some(({ fits }) => fits(key))
  }

  #wants(models: string): boolean {
    if (this.#wantsHead(models)) return true
    if (this.#followed.some(({ feed }) => feed.models === models)) return true
    return this.#presence !== undefined && Object.hasOwn(this.#presence.models, models)
  }
}

function viewOf({ path = [], item, position }: Feed): string {
  return JSON.stringify([path, item, position])
}
