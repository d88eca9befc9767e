// What a client follows, and what it hears. A live connection is nothing but an
// earlier answer to the question that a client could ask again at any time: all
// that comes is joined by count, so nothing is harmed by an event that is lost,
// repeated, late or out of order.
import type { Retry } from './catalogue.ts'
import type { Feed, FeedEvent } from './feed.ts'
import type { JsonObject } from './json.ts'
import type { AppliedFlush, Position, PROTOCOL } from './protocol.ts'

/** What a client wants to hear of: the body of `POST /live`. */
export interface LiveRequest {
  readonly protocol: typeof PROTOCOL
  /** Models whose documents it holds, with how far it is in each; null: from now on. */
  readonly models?: { readonly [key: string]: Position | null }
  /** Models that it follows as events. */
  readonly feeds?: readonly FeedRequest[]
  /** Who it is to the others, and where. */
  readonly presence?: PresenceRequest
  /** Who else shares the connection, as the tabs of one browser do: each a peer of its own. */
  readonly peers?: readonly PresenceRequest[]
}

/** A feed of all models whose keys fit a pattern, later ones included. */
export interface FeedRequest extends Feed {
  /** A key, or a pattern such as `team:353:member:*:tasks`. */
  readonly models: string
  /** How far the events of each model were heard. Others are followed from now on. */
  readonly since?: { readonly [key: string]: Position }
}

/** What a client tells the others about itself; by `POST /presence` while it is connected. */
export interface PresenceRequest {
  /** Known to this client and the servers only: who has it may speak for the client. */
  readonly token: string
  /** Higher than before whenever something changed. */
  readonly sequence: number
  /** What it does in each model; null where it only wants to hear of others. */
  readonly models: { readonly [key: string]: JsonObject | null }
}

/** Somebody who looks at the same model. */
export interface Peer<State extends object = JsonObject> {
  /** Another one for each page, made of its token. */
  readonly id: string
  /** Who it is, as the server knows. */
  readonly userId: string | null
  /** What it tells about itself. Nobody has checked it. */
  readonly state: State
}

/** One thing that a client hears. */
export type LiveEvent =
  /**
   * The first. Something follows at least every `heartbeatMs`; else the connection
   * is dead. `peer` is who this client is to the others, if it told anything of itself;
   * `peers` are those who share the connection, in the order of the request.
   */
  | {
      readonly event: 'ready'
      readonly heartbeatMs: number
      readonly peer?: string
      readonly peers?: readonly string[]
    }
  /** New history of a model, without a gap up to `commandCount`. */
  | {
      readonly event: 'updates'
      readonly key: string
      /** The history hash where the first begins: a count may be of another past. */
      readonly base: string
      readonly commandCount: number
      readonly hash: string
      readonly updates: readonly AppliedFlush[]
    }
  /** How far models are: whoever is not there asks. Also what keeps a connection alive. */
  | {
      readonly event: 'heads'
      readonly heads: {
        readonly [key: string]: { readonly commandCount: number; readonly hash: string }
      }
    }
  /**
   * What one flush did to the items of a feed; no events where it did nothing to
   * them. Joined by count and hash as updates are, except that a \`reset\` fits anywhere.
   */
  | {
      readonly event: 'feed'
      readonly key: string
      readonly feed: Feed
      readonly from: number
      /** The history hash at `from`. */
      readonly base: string
      readonly commandCount: number
      readonly hash: string
      /** Whose flush it was; '' where the events before are unknown. */
      readonly clientId: string
      readonly events: readonly FeedEvent[]
    }
  /** A model that fits a feed came, got another configuration, or went. */
  | {
      readonly event: 'model'
      readonly key: string
      readonly change: 'create' | 'configure' | 'delete'
      readonly config?: JsonObject
    }
  /** Nothing more comes about a model or a pattern. */
  | {
      readonly event: 'refused'
      readonly models: string
      readonly code: string
      readonly message: string
      readonly retry: Retry
      readonly retryAfterMs?: number
    }
  /** Who came, did something else, or (null) went; `isAll`: nobody else is there. */
  | {
      readonly event: 'presence'
      readonly key: string
      readonly isAll?: boolean
      readonly peers: { readonly [id: string]: Omit<Peer, 'id'> | null }
    }
  /** The server ends the connection; come again after a while. */
  | { readonly event: 'bye'; readonly retryAfterMs: number }
