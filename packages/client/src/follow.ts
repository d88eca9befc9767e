// What others do, as events instead of documents. A model that is held here tells
// them by itself, from what it confirms; of all others the server tells them, over
// the connection that the whole client shares.
import {
  toFeedEvents,
  type Feed,
  type FeedEvent,
  type JsonObject,
  type UpdateListener,
} from '@flushout/core'
import { notify } from './notify.ts'

/** What somebody else did to the items of a model. */
export type FollowedEvent = FeedEvent & {
  /** Whose flush it was; '' where that is not known, as at a `reset`. */
  readonly clientId: string
  /** How many commands the model has after that flush. */
  readonly commandCount: number
}

/** The items to follow in all models that fit. */
export interface FollowedFeed extends Feed {
  /** A key, or a pattern such as `team:353:member:*:tasks`. */
  readonly models: string
}

/** What happened to a model that one does not hold. */
export type FollowedModelEvent =
  | (FollowedEvent & { readonly key: string })
  /** The model came, got another configuration, or went. */
  | {
      readonly kind: 'create' | 'configure' | 'delete'
      readonly key: string
      readonly config?: JsonObject
    }
  /** Nothing more comes of this model, or of any that fits: it may not be read. */
  | {
      readonly kind: 'refused'
      readonly key: string
      readonly code: string
      readonly message: string
    }

/** Make what a proxy calls for each flush of others into the events of `feed`. */
export function toUpdateListener(
  feed: Feed,
  confirmed: () => number,
  listener: (event: FollowedEvent) => void,
): UpdateListener {
  return (update) => {
    if (update === 'snapshot') {
      return notify(listener, { kind: 'reset', clientId: '', commandCount: confirmed() })
    }
    const { from, clientId, commands = [] } = update
    for (const event of toFeedEvents(update, feed)) {
      notify(listener, { ...event, clientId, commandCount: from + commands.length })
    }
  }
}
