import type { Peer, Presence } from '@flushout/client'
import type { JsonObject } from '@flushout/core'
import { useSyncExternalStore } from 'react'

const NOBODY: readonly Peer[] = Object.freeze([])

/**
 * The others who look at the model now, by id, with what they tell about
 * themselves: nobody has checked that it is a `State`. The same list, and the same
 * objects in it, while nothing changed. Nobody while there is no connection.
 */
export function useOthers<State extends object = JsonObject>(model: {
  readonly presence: Presence
}): readonly Peer<State>[] {
  const { presence } = model
  const getOthers = () => presence.others
  // A page that a server has rendered shows nobody either, until it is connected.
  const getNobody = () => NOBODY
  return useSyncExternalStore(presence.subscribe, getOthers, getNobody) as readonly Peer<State>[]
}
