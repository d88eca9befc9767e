// Who is where, and what they do. Nothing of it is stored:
//
//   a connection here ──► entry of this server ──notice──► the others' copies
//         │ closes                │
//         └── two seconds ────────┴── gone, everywhere
//
// The server that holds the connection vouches for its entries, and repeats them
// from time to time; what nobody vouches for any more goes by itself.
import type { JsonObject, User } from '@flushout/core'
import { digest } from '../digest.ts'
import type { Environment } from '../environment.ts'
import type { Hints, Notice } from '../hints.ts'
import { Place, type Entry, type Onlooker } from './place.ts'

export const MAX_STATE_LENGTH = 1024
export const MAX_PLACES = 100
const MAX_PEERS = 500
const MAX_COPIES = 50_000
const LEAVE_MS = 2000
const ALIVE_MS = 5000
const DEAD_MS = 16_000
const REPEAT_MS = 30_000
const STALE_MS = 80_000

export class Presence {
  readonly #environment: Environment
  readonly #hints: Hints
  readonly #frameMs: number
  readonly #places = new Map<string, Place>()
  // Where each onlooker is.
  readonly #keys = new Map<Onlooker, Set<string>>()
  // Where something is to be told soon.
  readonly #scheduled = new Map<Place, () => void>()
  readonly #servers = new Map<string, number>()
  readonly #server: string
  #size = 0
  #aliveAt = 0
  #repeatedAt = 0

  constructor(options: { environment: Environment; hints: Hints; frameMs: number }) {
    this.#environment = options.environment
    this.#hints = options.hints
    this.#frameMs = options.frameMs
    const bytes = new Uint8Array(9)
    this.#environment.fillRandom(bytes)
    this.#server = Buffer.from(bytes).toString('base64url')
  }

  /** How many entries there are. */
  get size(): number {
    return this.#size
  }

  /** Whether this server has to vouch for anybody. */
  get isHeld(): boolean {
    for (const { entries } of this.#places.values()) {
      for (const { server } of entries.values()) if (server === this.#server) return true
    }
    return false
  }

  /** The name of a peer, made of the token that only it knows. */
  static nameOf(token: string): string {
    return digest(`peer ${token}`).slice(0, 12)
  }

  /** Show somebody at `key`, and show them who is there. `state` null: they only look. */
  join(
    onlooker: Onlooker,
    key: string,
    peer: string,
    sequence: number,
    state: JsonObject | null,
  ): void {
    const place = this.#place(key)
    const keys = this.#keys.get(onlooker) ?? new Set()
    this.#keys.set(onlooker, keys.add(key))
    const entry = place.entries.get(peer)
    const isOther = entry !== undefined && entry.userId !== idOf(onlooker.user)
    // Nobody speaks for another, whatever they know.
    if (isOther) return place.enter(onlooker, '')
    if (entry) {
      entry.server = this.#server
      entry.alsoAt = undefined
      entry.leavesAt = undefined
      entry.vouchedAt = this.#environment.now()
      // An earlier connection may have said something newer, through another server.
      if (sequence > entry.sequence) this.#set(place, peer, entry, sequence, state)
      else this.#publish(key, peer, entry)
    } else if (state) this.#add(place, peer, idOf(onlooker.user), sequence, state)
    place.enter(onlooker, peer)
  }

  /** Somebody who is connected, here or elsewhere, does something else. */
  announce(
    key: string,
    peer: string,
    user: User | undefined,
    sequence: number,
    state: JsonObject | null,
  ): void {
    const place = this.#places.get(key)
    const entry = place?.entries.get(peer)
    if (place && entry?.server === this.#server) {
      if (entry.userId !== idOf(user) || sequence <= entry.sequence) return
      return this.#set(place, peer, entry, sequence, state)
    }
    if (!entry && this.#adopt(key, peer, idOf(user), sequence, state)) return
    // Whoever holds the connection knows what to make of it.
    this.#hints.publish({
      kind: 'presence',
      key,
      peer,
      userId: idOf(user),
      sequence,
      state,
      server: '',
    })
  }

  /** Somebody does not look at `key` any more, or may not. */
  leave(onlooker: Onlooker, key: string): void {
    const place = this.#places.get(key)
    const peer = place?.peerOf(onlooker)
    this.#keys.get(onlooker)?.delete(key)
    if (!place || peer === undefined) return
    place.leave(onlooker)
    const entry = place.entries.get(peer)
    const [isElsewhere] = place.onlookersOf(peer)
    if (entry?.server === this.#server && !isElsewhere) {
      if (entry.alsoAt === undefined) entry.leavesAt = this.#environment.now() + LEAVE_MS
      else {
        this.#hand(entry, entry.alsoAt)
        // Which may still think that it is here, too.
        this.#publish(key, peer, entry)
      }
    }
    this.#drop(place)
  }

  /** Where somebody is. */
  keysOf(onlooker: Onlooker): Iterable<string> {
    return this.#keys.get(onlooker) ?? []
  }

  /** A connection ended. */
  closed(onlooker: Onlooker): void {
    for (const key of this.#keys.get(onlooker) ?? []) this.leave(onlooker, key)
    this.#keys.delete(onlooker)
  }

  /** A connection takes something again. */
  drained(onlooker: Onlooker): void {
    for (const key of this.keysOf(onlooker)) this.#places.get(key)?.lead(onlooker)
  }

  /** Another server says something. */
  hear(notice: Extract<Notice, { kind: 'presence' | 'alive' | 'roll-call' }>): void {
    const now = this.#environment.now()
    if (notice.kind === 'alive') return void this.#servers.set(notice.server, now)
    if (notice.kind === 'roll-call') return this.#publishAll()
    const { key, peer, userId, sequence, state, server } = notice
    const place = this.#places.get(key)
    const entry = place?.entries.get(peer)
    if (server === '') {
      if (entry && entry.server === this.#server)
        this.announce(key, peer, userOf(userId), sequence, state)
      else if (!entry) this.#adopt(key, peer, userId, sequence, state)
      return
    }
    this.#servers.set(server, now)
    if (server === this.#server) return this.#takeBack(notice)
    if (!entry) {
      if (state) this.#copy(notice)
      return
    }
    if (entry.userId !== userId || sequence < entry.sequence) return
    const isNewer = sequence > entry.sequence
    const isHere = entry.server === this.#server && entry.leavesAt === undefined
    if (isHere && state !== null) {
      // On its way from one to the other; whoever keeps it will vouch for it.
      entry.alsoAt = server
      // The other may not have heard that it is here, too.
      if (isNewer) this.#set(place!, peer, entry, sequence, state)
      return
    }
    if (isHere && !isNewer) {
      if (entry.alsoAt === server) entry.alsoAt = undefined
      // Not who does nothing here either: the others would say the same again, without end.
      if (entry.state) this.#publish(key, peer, entry)
      return
    }
    if (state === null && entry.server !== server) return
    this.#hand(entry, server)
    if (!isNewer && state !== null) return
    entry.sequence = sequence
    entry.state = state
    if (state === null) this.#forget(place!, peer)
    this.#changed(place!, peer)
  }

  /** To be called about every second while anybody is connected. */
  tick(): void {
    const now = this.#environment.now()
    for (const place of this.#places.values()) {
      for (const [peer, entry] of place.entries) {
        if (this.#isGone(entry, now)) this.#remove(place, peer, entry)
      }
      this.#drop(place)
    }
    for (const [server, at] of this.#servers) if (now - at > STALE_MS) this.#servers.delete(server)
    if (now - this.#aliveAt < ALIVE_MS || !this.isHeld) return
    this.#aliveAt = now
    if (now - this.#repeatedAt >= REPEAT_MS) this.#publishAll()
    else this.#hints.publish({ kind: 'alive', server: this.#server })
  }

  /** Nobody is connected any more. */
  stop(): void {
    for (const cancel of this.#scheduled.values()) cancel()
    this.#scheduled.clear()
    this.#places.clear()
    this.#size = 0
    this.#keys.clear()
    this.#servers.clear()
  }

  /** Leave it to another server to say whether somebody is there. */
  #hand(entry: Entry, server: string): void {
    entry.server = server
    entry.alsoAt = undefined
    entry.leavesAt = undefined
    entry.vouchedAt = this.#environment.now()
  }

  /** Another server left it to this one to say whether somebody is there. */
  #takeBack(notice: Extract<Notice, { kind: 'presence' }>): void {
    const { key, peer } = notice
    const place = this.#places.get(key)
    const entry = place?.entries.get(peer)
    if (!place || !entry) return this.#hints.publish({ ...notice, state: null })
    entry.server = this.#server
    entry.alsoAt = undefined
    const [isHere] = place.onlookersOf(peer)
    // Both let go at once.
    if (!isHere) entry.leavesAt ??= this.#environment.now() + LEAVE_MS
  }

  #isGone({ server, vouchedAt, leavesAt }: Entry, now: number): boolean {
    if (server === this.#server) return leavesAt !== undefined && now >= leavesAt
    const heardAt = this.#servers.get(server) ?? vouchedAt
    return now - heardAt > DEAD_MS || now - vouchedAt > STALE_MS
  }

  #remove(place: Place, peer: string, entry: Entry): void {
    this.#forget(place, peer)
    if (entry.server === this.#server) this.#publish(place.key, peer, { ...entry, state: null })
    this.#changed(place, peer)
  }

  #forget({ entries }: Place, peer: string): void {
    if (entries.delete(peer)) this.#size -= 1
  }

  /** Take in a peer that looks at `key` through this server, and did nothing until now. */
  #adopt(
    key: string,
    peer: string,
    userId: string | null,
    sequence: number,
    state: JsonObject | null,
  ): boolean {
    const place = this.#places.get(key)
    if (!place || !state) return false
    for (const { user } of place.onlookersOf(peer)) {
      if (idOf(user) !== userId) continue
      this.#add(place, peer, userId, sequence, state)
      return true
    }
    return false
  }

  #add(
    place: Place,
    peer: string,
    userId: string | null,
    sequence: number,
    state: JsonObject,
  ): void {
    const entry = this.#insert(place, peer, { userId, sequence, state, server: this.#server })
    if (entry) this.#publish(place.key, peer, entry)
  }

  /** Also where nobody looks yet: who looks next sees at once who is there. */
  #copy({ key, peer, ...said }: Extract<Notice, { kind: 'presence' }>): void {
    if (this.#size < MAX_COPIES) this.#insert(this.#place(key), peer, said)
  }

  #insert(
    place: Place,
    peer: string,
    { userId, sequence, state, server }: Pick<Entry, 'userId' | 'sequence' | 'state' | 'server'>,
  ): Entry | undefined {
    if (place.entries.size >= MAX_PEERS) return undefined
    const vouchedAt = this.#environment.now()
    const unknown = { alsoAt: undefined, leavesAt: undefined }
    const entry: Entry = { userId, sequence, state, server, vouchedAt, ...unknown }
    place.entries.set(peer, entry)
    this.#size += 1
    this.#changed(place, peer)
    return entry
  }

  /** Who does nothing any more stays known: else something older would count again. */
  #set(place: Place, peer: string, entry: Entry, sequence: number, state: JsonObject | null): void {
    entry.sequence = sequence
    entry.state = state
    this.#publish(place.key, peer, entry)
    this.#changed(place, peer)
  }

  #publish(key: string, peer: string, { userId, sequence, state, server }: Entry): void {
    this.#hints.publish({ kind: 'presence', key, peer, userId, sequence, state, server })
  }

  #publishAll(): void {
    this.#repeatedAt = this.#environment.now()
    for (const [key, { entries }] of this.#places) {
      for (const [peer, entry] of entries) {
        if (entry.server === this.#server) this.#publish(key, peer, entry)
      }
    }
  }

  /** Tell of a peer soon, with whatever else changes until then. */
  #changed(place: Place, peer: string): void {
    place.changed(peer)
    if (this.#scheduled.has(place)) return
    const show = () => {
      this.#scheduled.delete(place)
      place.show()
    }
    // The more there are, the less often each hears of each.
    const delayMs = this.#frameMs + place.onlookerCount
    this.#scheduled.set(place, this.#environment.setTimer(show, delayMs))
  }

  #place(key: string): Place {
    const place = this.#places.get(key) ?? new Place(key)
    this.#places.set(key, place)
    return place
  }

  #drop(place: Place): void {
    if (!place.isEmpty) return
    this.#places.delete(place.key)
    this.#scheduled.get(place)?.()
    this.#scheduled.delete(place)
  }
}

function idOf(user: User | undefined): string | null {
  return user?.id ?? null
}

function userOf(id: string | null): User | undefined {
  return id === null ? undefined : { id }
}
