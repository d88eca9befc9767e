import type { JsonObject } from '@flushout/core'

/** What one server tells the others. */
export type Notice =
  /** A model went on. */
  | {
      readonly kind: 'head'
      readonly key: string
      readonly commandCount: number
      readonly hash: string
    }
  /** A model came, got another configuration, or went. */
  | {
      readonly kind: 'model'
      readonly key: string
      readonly change: 'create' | 'configure' | 'delete'
    }
  /** Something was erased from the history of a model. */
  | { readonly kind: 'erased'; readonly key: string }
  /** Permissions may be others: of one user, for one model, or of all for all. */
  | { readonly kind: 'access'; readonly userId?: string; readonly key?: string }
  /** Somebody does something, or (null) left; `server` holds the connection. */
  | {
      readonly kind: 'presence'
      readonly key: string
      readonly peer: string
      readonly userId: string | null
      readonly sequence: number
      readonly state: JsonObject | null
      readonly server: string
    }
  /** A server holds connections, and is alive. */
  | { readonly kind: 'alive'; readonly server: string }
  /** A server that has just begun to listen asks who is there. */
  | { readonly kind: 'roll-call' }

/**
 * How servers that share a store tell each other that something happened. Only a
 * hint: whatever is published may be lost, repeated, late or out of order, and
 * who hears it looks in the store. Each server has its own, from `store.hints()`.
 */
export interface Hints {
  /** Tell the others, soon and joined with whatever else there is to tell. Never throws. */
  publish(notice: Notice): void
  /**
   * Hear what others publish, and never what was published here, until the returned
   * function is called. `hear` must not throw.
   */
  listen(hear: (notice: Notice) => void): () => void
}
