import {
  PROTOCOL,
  type Feed,
  type FeedEvent,
  type JsonObject,
  type LiveEvent,
  type Position,
  type User,
} from '@flushout/core'
import type { Hub } from './hub.ts'

/** Which items are followed: those of a feed, in all models that fit. */
export interface Follow extends Feed {
  /** A key, or a pattern such as `team:353:member:*:tasks`. */
  readonly models: string
}

/** What happened to an item, or to a whole model. */
export type FollowEvent =
  | (FeedEvent & {
      readonly key: string
      /** How far the model is with it. */
      readonly commandCount: number
      /** Whose flush it was; '' where that is not known. */
      readonly clientId: string
    })
  | {
      readonly kind: 'create' | 'configure' | 'delete'
      readonly key: string
      readonly config?: JsonObject
    }

/** Hears of one event after the other. What it throws ends up with the process. */
export type FollowListener = (event: FollowEvent) => void

/** Tell `listener` in this process what happens; see `FlushoutService.follow`. */
export function follow<U extends User>(
  hub: Hub<U>,
  { models, ...feed }: Follow,
  listener: FollowListener,
): () => void {
  // How far each model was heard of, to go on from there.
  const since = new Map<string, Position>()
  let isBegun = false
  let isOver = false
  let close = () => {}

  const connect = () => {
    if (isOver) return
    const stream = hub.open({
      write({ event }) {
        note(event)
        // Not within the commit that it tells of.
        queueMicrotask(() => tell(event))
        return true
      },
      // The store cannot be read now.
      end: () => hub.retry(connect),
    })
    close = () => stream.close()
    // Also where it broke in the beginning: what was heard until then goes on.
    const isKnown = isBegun || since.size > 0
    const request = { models, ...feed, ...(isKnown && { since: Object.fromEntries(since) }) }
    const begin = async () => {
      await stream.start({ protocol: PROTOCOL, feeds: [request] })
      isBegun ||= !stream.isClosed
    }
    begin().catch(close)
  }

  const note = (event: LiveEvent) => {
    if (event.event === 'feed') {
      since.set(event.key, { from: event.commandCount, hash: event.hash })
    } else if (event.event === 'heads') {
      for (const [key, { commandCount, hash }] of Object.entries(event.heads)) {
        if (!since.has(key)) since.set(key, { from: commandCount, hash })
      }
    } else if (event.event === 'model' && event.change === 'delete') since.delete(event.key)
  }

  const tell = (event: LiveEvent) => {
    if (event.event === 'feed') {
      const { key, commandCount, clientId } = event
      for (const one of event.events) {
        if (!isOver) listener({ ...one, key, commandCount, clientId })
      }
    } else if (event.event === 'model' && !isOver) {
      const { key, change: kind, config } = event
      listener({ kind, key, ...(config && { config }) })
    }
  }

  connect()
  return () => {
    isOver = true
    close()
  }
}
