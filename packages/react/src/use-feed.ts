import type { FollowedEvent, Model } from '@flushout/client'
import type { Feed } from '@flushout/core'
import { useEffect, useRef } from 'react'

/**
 * Call `listener` for what others do to the items at `feed.path`, to highlight a
 * row or play a sound. The model has it already; the page shows it with the next
 * frame. It is the listener of the latest render that is called, so it may be
 * written inline, and the feed too. Renders nothing.
 */
export function useFeed<Doc extends object>(
  model: Model<Doc>,
  feed: Feed,
  listener: (event: FollowedEvent) => void,
): void {
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  }, [listener])
  const text = JSON.stringify(feed)
  useEffect(
    () => model.follow(JSON.parse(text) as Feed, (event) => latest.current(event)),
    [model, text],
  )
}
