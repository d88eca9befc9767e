// Several clients share a connection, as the tabs of one browser do. To the others
// each is a peer of its own; what the others do is written to the connection once.
import type { JsonObject, PresenceRequest, User } from '@flushout/core'
import type { Onlooker } from './place.ts'

/** Who is at a model, as they say. */
export interface Visitor {
  readonly token: string
  readonly sequence: number
  readonly state: JsonObject | null
}

/** Somebody who shares a connection, and is told by who holds it. */
export class Companion implements Onlooker {
  readonly isFull = false
  readonly #host: Pick<Onlooker, 'user'>

  constructor(host: Pick<Onlooker, 'user'>) {
    this.#host = host
  }

  get user(): User | undefined {
    return this.#host.user
  }

  write(): void {}
}

/** Who of those that share a connection is at each model. */
export function placesOf(
  presence: PresenceRequest | undefined,
  peers: readonly PresenceRequest[] = [],
): ReadonlyMap<string, readonly Visitor[]> {
  const places = new Map<string, Visitor[]>()
  const tokens = new Set<string>()
  for (const { token, sequence, models } of presence ? [presence, ...peers] : peers) {
    // Who is named twice is one.
    if (tokens.has(token)) continue
    tokens.add(token)
    for (const [key, state] of Object.entries(models)) {
      const visitors = places.get(key)
      if (visitors) visitors.push({ token, sequence, state })
      else places.set(key, [{ token, sequence, state }])
    }
  }
  return places
}
