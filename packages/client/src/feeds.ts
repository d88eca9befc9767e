// The feeds that a client follows in models that it need not hold.
import {
  compileKeyPattern,
  type Feed,
  type FeedRequest,
  type LiveEvent,
  type Position,
} from '@flushout/core'
import type { FollowedFeed, FollowedModelEvent } from './follow.ts'
import { notify } from './notify.ts'

/** One feed, with all who follow it. */
interface Followed {
  readonly feed: FollowedFeed
  /** Of which items of a model: equal for feeds that get the same events of it. */
  readonly view: string
  readonly fits: (key: string) => boolean
  readonly listeners: Set<(event: FollowedModelEvent) => void>
  /** How far each model was heard; undefined until the server told the first. */
  positions: Map<string, Position> | undefined
  /** Positions besides which the server named others, when it said how far models are. */
  readonly doubted: Map<string, Position>
}

/** The feeds that a client follows, and how far it heard of each model in them. */
export class Feeds {
  readonly #followed = new Map<string, Followed>()
  readonly #onChange: () => void

  /** `onChange` is called when `request` gives other feeds than before. */
  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** Call `listener` for all that happens from now on, until the returned function is called. */
  follow(feed: FollowedFeed, listener: (event: FollowedModelEvent) => void): () => void {
    const { models } = feed
    const view = viewOf(feed)
    const id = JSON.stringify([models, view])
    const own = (event: FollowedModelEvent) => notify(listener, event)
    let followed = this.#followed.get(id)
    if (!followed) {
      const fits = compileKeyPattern(models)
      const listeners = new Set<(event: FollowedModelEvent) => void>()
      followed = {
        feed: { ...feed },
        view,
        fits,
        listeners,
        positions: undefined,
        doubted: new Map(),
      }
      this.#followed.set(id, followed)
      this.#onChange()
    }
    const { listeners } = followed
    listeners.add(own)
    return () => {
      if (!listeners.delete(own) || listeners.size > 0) return
      this.#followed.delete(id)
      this.#onChange()
    }
  }

  /** What to ask the server for. */
  request(): FeedRequest[] {
    return [...this.#followed.values()].map(({ feed, positions }) => ({
      ...feed,
      // Not before anything was heard: with it, all other models are new ones.
      ...(positions && { since: Object.fromEntries(positions) }),
    }))
  }

  /** Take what came over the connection; what is not about feeds is left alone. */
  hear(event: LiveEvent): void {
    for (const followed of this.#followed.values()) {
      if (event.event === 'feed') hearItems(followed, event)
      else if (event.event === 'heads') hearHeads(followed, event.heads)
      else if (event.event === 'model') hearModel(followed, event)
      else if (event.event === 'refused') hearRefusal(followed, event)
    }
  }
}

function hearItems(followed: Followed, event: Extract<LiveEvent, { event: 'feed' }>): void {
  const { key, from, base, commandCount, hash, clientId, events } = event
  if (!followed.fits(key) || viewOf(event.feed) !== followed.view) return
  const known = followed.positions?.get(key)
  if (known?.from === commandCount && known.hash === hash) return
  const isReset = events.some(({ kind }) => kind === 'reset')
  // A repeat; only a reset may lead back, to another past.
  if (known && commandCount <= known.from && !isReset) return
  followed.positions ??= new Map()
  followed.positions.set(key, { from: commandCount, hash })
  // Something is missing in between, so what it did is not known either.
  const isJoined = !known || (from === known.from && base === known.hash)
  const isGap = !isJoined && !isReset
  if (isGap) return tell(followed, { kind: 'reset', key, clientId: '', commandCount })
  for (const one of events) tell(followed, { ...one, key, clientId, commandCount })
}

/**
 * Where a model begins to be followed, it is told how far it is; and then from time
 * to time, so that it shows if an event was lost.
 */
function hearHeads(
  followed: Followed,
  heads: Extract<LiveEvent, { event: 'heads' }>['heads'],
): void {
  for (const [key, { commandCount, hash }] of Object.entries(heads)) {
    if (!followed.fits(key)) continue
    const known = followed.positions?.get(key)
    if (known?.from === commandCount && known.hash === hash) continue
    // What leads there may be on its way; not if it did not come until it is said again.
    if (known && followed.doubted.get(key) !== known) {
      followed.doubted.set(key, known)
      continue
    }
    followed.positions ??= new Map()
    followed.positions.set(key, { from: commandCount, hash })
    if (known) tell(followed, { kind: 'reset', key, clientId: '', commandCount })
  }
}

function hearModel(
  followed: Followed,
  { key, change, config }: Extract<LiveEvent, { event: 'model' }>,
): void {
  if (!followed.fits(key)) return
  // One that comes again under this key begins a history of its own.
  if (change === 'delete') {
    followed.positions?.delete(key)
    followed.doubted.delete(key)
  }
  tell(followed, { kind: change, key, ...(config && { config }) })
}

function hearRefusal(
  followed: Followed,
  { models, code, message }: Extract<LiveEvent, { event: 'refused' }>,
): void {
  if (followed.feed.models !== models && !followed.positions?.has(models)) return
  tell(followed, { kind: 'refused', key: models, code, message })
}

function tell({ listeners }: Followed, event: FollowedModelEvent): void {
  for (const listener of listeners) listener(event)
}

function viewOf({ path = [], item, position }: Feed): string {
  return JSON.stringify([path, item, position])
}
