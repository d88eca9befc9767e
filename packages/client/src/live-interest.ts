import {
  PROTOCOL,
  type FeedRequest,
  type FlushoutError,
  type Position,
  type LiveEvent,
  type LiveRequest,
} from '@flushout/core'

/** Somebody in this client who wants to hear of others. */
export interface LiveInterest {
  /**
   * What it wants now, asked anew for each connection. `changed` of the connection
   * is to be called when it comes to other models or feeds.
   */
  readonly request: () => Omit<LiveRequest, 'protocol'>
  /** Events come from now on, as they were asked for. */
  readonly opened?: (request: LiveRequest) => void
  /** Hears every event of the connection, whoever wanted it, and some of them twice. */
  readonly hear: (event: LiveEvent) => void
  /** No events come any more; without an error, nothing broke. Called before they are seen to be gone. */
  readonly lost?: (error: FlushoutError | undefined) => void
}

/** All that is wanted in one request; undefined if nothing is. */
export function composeRequest(interests: Iterable<LiveInterest>): LiveRequest | undefined {
  const models: Record<string, Position | null> = {}
  let presence: LiveRequest['presence']
  const feeds: FeedRequest[] = []
  for (const interest of interests) {
    const part = interest.request()
    Object.assign(models, part.models)
    feeds.push(...(part.feeds ?? []))
    presence = part.presence ?? presence
  }
  if (Object.keys(models).length + feeds.length === 0 && !presence) return undefined
  return { protocol: PROTOCOL, models, feeds, ...(presence && { presence }) }
}

/** Tell whether two requests get the same events, wherever these begin. */
export function isSameRequest(a: LiveRequest, b: LiveRequest): boolean {
  return nameOf(a) === nameOf(b)
}

/** The request without what those that are refused were in it for. */
export function withoutRefused(request: LiveRequest, refused: ReadonlySet<string>): LiveRequest {
  const { models = {}, feeds = [] } = request
  return {
    ...request,
    models: Object.fromEntries(Object.entries(models).filter(([key]) => !refused.has(key))),
    feeds: feeds.filter((feed) => !refused.has(feed.models)),
  }
}

function nameOf({ models = {}, feeds = [], presence, peers = [] }: LiveRequest): string {
  const places = feeds.map((feed) => [feed.models, feed.path, feed.item, feed.position])
  const company = [presence, ...peers].map(
    (peer) => peer && [peer.token, ...Object.keys(peer.models).sort()],
  )
  return JSON.stringify([Object.keys(models).sort(), places, company])
}
