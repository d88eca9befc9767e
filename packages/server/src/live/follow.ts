import type { Feed, FeedEvent, JsonObject, User } from '@flushout/core'
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
  const stream = hub.open({
    write({ event }) {
      // Not within the commit that it tells of.
      queueMicrotask(() => {
        if (!stream.isClosed) tell(event)
      })
      return true
    },
    end() {},
  })
  const tell = (event: import('@flushout/core').LiveEvent) => {
    if (event.event === 'feed') {
      const { key, commandCount, clientId } = event
      for (const one of event.events) listener({ ...one, key, commandCount, clientId })
    } else if (event.event === 'model') {
      const { key, change: kind, config } = event
      listener({ kind, key, ...(config && { config }) })
    }
  }
  void stream.start({ protocol: 1, feeds: [{ models, ...feed }] }).catch(() => stream.close())
  return () => stream.close()
}
