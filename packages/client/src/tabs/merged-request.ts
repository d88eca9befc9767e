import {
  PROTOCOL,
  type FeedRequest,
  type LiveRequest,
  type Position,
  type PresenceRequest,
} from '@flushout/core'

/** As many as a server takes beside the first. */
const MAX_PEERS = 50

/** One request for all that these ask for, each from where the last of them is. */
export function mergeRequests(requests: Iterable<LiveRequest>): LiveRequest {
  const models = new Map<string, Position | null>()
  const feeds = new Map<string, FeedRequest>()
  const visitors = new Map<string, PresenceRequest>()
  for (const { models: wanted = {}, feeds: followed = [], presence, peers = [] } of requests) {
    for (const [key, position] of Object.entries(wanted)) {
      models.set(key, earlier(models.get(key), position))
    }
    for (const feed of followed) {
      const name = feedName(feed)
      feeds.set(name, mergeFeeds(feeds.get(name), feed))
    }
    for (const visitor of presence ? [presence, ...peers] : peers) {
      const known = visitors.get(visitor.token)
      if (!known || known.sequence <= visitor.sequence) visitors.set(visitor.token, visitor)
    }
  }
  const [first, ...others] = sorted(visitors)
  return {
    protocol: PROTOCOL,
    models: Object.fromEntries(models),
    feeds: sorted(feeds),
    ...(first && { presence: first }),
    ...(others.length > 0 && { peers: others.slice(0, MAX_PEERS) }),
  }
}

/** Which feed it is, wherever it begins. */
export function feedName({ models, path = [], item, position }: FeedRequest): string {
  return JSON.stringify([models, path, item, position])
}

/** Nothing is lost by what is told once more. */
function earlier(a: Position | null | undefined, b: Position | null): Position | null {
  if (!a || !b) return a ?? b
  return a.from <= b.from ? a : b
}

function mergeFeeds(a: FeedRequest | undefined, b: FeedRequest): FeedRequest {
  if (!a?.since || !b.since) return { ...b, ...a }
  const since = new Map(Object.entries(a.since))
  // A model that one of them has not heard of is new to that one.
  const both = Object.entries(b.since).filter(([key]) => since.has(key))
  const merged = both.map(([key, position]) => [key, earlier(since.get(key), position)!] as const)
  return { ...a, since: Object.fromEntries(merged) }
}

/** In the same order whoever asked first, so that equal requests look equal. */
function sorted<T>(values: ReadonlyMap<string, T>): T[] {
  return [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}
