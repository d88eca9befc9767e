// Who is where, and what they do. Nothing of it is stored:
//
//   a connection here ──► entry of this server ──notice──► the others' copies
//         │ closes                │
//         └── two seconds ────────┴── gone, everywhere
//
// The server that holds the connection vouches for its entries, and repeats them
// from time to time; what nobody vouches for any more goes by itself.
import type { JsonObject, Peer, User } from '@flushout/core'
import { digest } from '../digest.ts'
import type { Environment } from '../environment.ts'
import type { Hints, Notice } from '../hints.ts'
import { Frame } from './frame.ts'

/** Somebody who wants to hear who else is there. */
export interface Onlooker {
  readonly user: User | undefined
  readonly isFull: boolean
  write(frame: Frame): void
}

interface Entry {
  readonly userId: string | null
  state: JsonObject | null
  sequence: number
  /** Who holds the connection. */
  server: string
  /** When that was last said. */
  vouchedAt: number
  /** Another server that holds a connection of the same peer. */
  alsoAt: string | undefined
  /** When it goes, unless it comes back: the connection is closed. */
  leavesAt: number | undefined
}

interface Place {
  readonly onlookers: Map<Onlooker, string>
  readonly entries: Map<string, Entry>
  /** Peers of whom something is to be told. */
  readonly changed: Set<string>
  isScheduled: boolean
}

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
  // Onlookers that could not be told, with where they could not.
  readonly #owed = new Map<Onlooker, Set<string>>()
  readonly #servers = new Map<string, number>()
  readonly #server: string
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
    let size = 0
    for (const { entries } of this.#places.values()) size += entries.size
    return size
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
    place.onlookers.set(onlooker, peer)
    const keys = this.#keys.get(onlooker) ?? new Set()
    this.#keys.set(onlooker, keys.add(key))
    const entry = place.entries.get(peer)
    if (entry && entry.userId === idOf(onlooker.user)) {
      entry.server = this.#server
      entry.alsoAt = undefined
      entry.leavesAt = undefined
      entry.vouchedAt = this.#environment.now()
      // An earlier connection may have said something newer, through another server.
      if (sequence >= entry.sequence) this.#set(key, place, peer, entry, sequence, state)
      else this.#publish(key, peer, entry)
    } else if (!entry && state) this.#add(key, place, peer, idOf(onlooker.user), sequence, state)
    this.#showAll(onlooker, key, place)
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
    if (place && entry) {
      if (entry.userId !== idOf(user) || sequence <= entry.sequence) return
      return this.#set(key, place, peer, entry, sequence, state)
    }
    if (this.#adopt(key, peer, idOf(user), sequence, state)) return
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
    const peer = place?.onlookers.get(onlooker)
    this.#owed.get(onlooker)?.delete(key)
    this.#keys.get(onlooker)?.delete(key)
    if (!place || peer === undefined) return
    place.onlookers.delete(onlooker)
    const entry = place.entries.get(peer)
    const isElsewhere = [...place.onlookers.values()].includes(peer)
    if (entry?.server === this.#server && !isElsewhere) {
      if (entry.alsoAt === undefined) entry.leavesAt = this.#environment.now() + LEAVE_MS
      else this.#hand(entry, entry.alsoAt)
    }
    this.#drop(key, place)
  }

  /** Where somebody is. */
  keysOf(onlooker: Onlooker): Iterable<string> {
    return this.#keys.get(onlooker) ?? []
  }

  /** A connection ended. */
  closed(onlooker: Onlooker): void {
    for (const key of this.#keys.get(onlooker) ?? []) this.leave(onlooker, key)
    this.#keys.delete(onlooker)
    this.#owed.delete(onlooker)
  }

  /** A connection takes something again. */
  drained(onlooker: Onlooker): void {
    const keys = this.#owed.get(onlooker)
    this.#owed.delete(onlooker)
    for (const key of keys ?? []) {
      const place = this.#places.get(key)
      if (place) this.#showAll(onlooker, key, place)
    }
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
    if (!entry) {
      if (state) this.#copy({ ...notice, state })
      return
    }
    if (entry.userId !== userId || sequence < entry.sequence) return
    if (server === this.#server) {
      // Another server was asked to say it for who is connected here.
      if (sequence === entry.sequence) return
    } else {
      const isHere = entry.server === this.#server && entry.leavesAt === undefined
      if (isHere && sequence === entry.sequence) {
        // On its way from one to the other; whoever keeps it will vouch for it.
        if (state !== null) entry.alsoAt = server
        else this.#publish(key, peer, entry)
        return
      }
      if (state === null && entry.server !== server) return
    }
    this.#hand(entry, server)
    if (sequence === entry.sequence && state !== null) return
    entry.sequence = sequence
    entry.state = state
    if (state === null) place!.entries.delete(peer)
    this.#changed(key, place!, peer)
  }

  /** To be called about every second while anybody is connected. */
  tick(): void {
    const now = this.#environment.now()
    for (const [key, place] of this.#places) {
      for (const [peer, entry] of place.entries) {
        if (this.#isGone(entry, now)) this.#remove(key, place, peer, entry)
      }
      this.#drop(key, place)
    }
    for (const [server, at] of this.#servers) if (now - at > STALE_MS) this.#servers.delete(server)
    if (now - this.#aliveAt < ALIVE_MS || !this.isHeld) return
    this.#aliveAt = now
    if (now - this.#repeatedAt >= REPEAT_MS) this.#publishAll()
    else this.#hints.publish({ kind: 'alive', server: this.#server })
  }

  /** Nobody is connected any more. */
  stop(): void {
    this.#places.clear()
    this.#keys.clear()
    this.#owed.clear()
    this.#servers.clear()
  }

  /** Leave it to another server to say whether somebody is there. */
  #hand(entry: Entry, server: string): void {
    entry.server = server
    entry.alsoAt = undefined
    entry.leavesAt = undefined
    entry.vouchedAt = this.#environment.now()
  }

  #isGone({ server, vouchedAt, leavesAt }: Entry, now: number): boolean {
    if (server === this.#server) return leavesAt !== undefined && now >= leavesAt
    const heardAt = this.#servers.get(server) ?? vouchedAt
    return now - heardAt > DEAD_MS || now - vouchedAt > STALE_MS
  }

  #remove(key: string, place: Place, peer: string, entry: Entry): void {
    place.entries.delete(peer)
    if (entry.server === this.#server) this.#publish(key, peer, { ...entry, state: null })
    this.#changed(key, place, peer)
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
    for (const [{ user }, name] of place.onlookers) {
      if (name !== peer || idOf(user) !== userId) continue
      this.#add(key, place, peer, userId, sequence, state)
      return true
    }
    return false
  }

  #add(
    key: string,
    place: Place,
    peer: string,
    userId: string | null,
    sequence: number,
    state: JsonObject,
  ): void {
    if (place.entries.size >= MAX_PEERS) return
    const vouchedAt = this.#environment.now()
    const entry: Entry = {
      userId,
      state,
      sequence,
      server: this.#server,
      vouchedAt,
      alsoAt: undefined,
      leavesAt: undefined,
    }
    place.entries.set(peer, entry)
    this.#publish(key, peer, entry)
    this.#changed(key, place, peer)
  }

  /** Also where nobody looks yet: who looks next sees at once who is there. */
  #copy({
    key,
    peer,
    userId,
    sequence,
    server,
    state,
  }: Extract<Notice, { kind: 'presence' }>): void {
    if (this.size >= MAX_COPIES) return
    const place = this.#place(key)
    if (place.entries.size >= MAX_PEERS) return
    const vouchedAt = this.#environment.now()
    place.entries.set(peer, {
      userId,
      state,
      sequence,
      server,
      vouchedAt,
      alsoAt: undefined,
      leavesAt: undefined,
    })
    this.#changed(key, place, peer)
  }

  #set(
    key: string,
    place: Place,
    peer: string,
    entry: Entry,
    sequence: number,
    state: JsonObject | null,
  ): void {
    entry.sequence = sequence
    entry.state = state
    if (state === null) place.entries.delete(peer)
    this.#publish(key, peer, entry)
    this.#changed(key, place, peer)
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
  #changed(key: string, place: Place, peer: string): void {
    place.changed.add(peer)
    if (place.isScheduled) return
    place.isScheduled = true
    // The more there are, the less often each hears of each.
    const delayMs = this.#frameMs + place.onlookers.size
    this.#environment.setTimer(() => this.#show(key, place), delayMs)
  }

  #show(key: string, place: Place): void {
    place.isScheduled = false
    const peers: Record<string, Omit<Peer, 'id'> | null> = {}
    for (const peer of place.changed) peers[peer] = toPeer(place.entries.get(peer))
    place.changed.clear()
    const frame = new Frame({ event: 'presence', key, peers })
    for (const onlooker of place.onlookers.keys()) {
      if (onlooker.isFull) this.#owe(onlooker, key)
      else onlooker.write(frame)
    }
  }

  #showAll(onlooker: Onlooker, key: string, { entries }: Place): void {
    if (onlooker.isFull) return this.#owe(onlooker, key)
    const peers: Record<string, Omit<Peer, 'id'>> = {}
    for (const [peer, entry] of entries) {
      const shown = toPeer(entry)
      if (shown) peers[peer] = shown
    }
    onlooker.write(new Frame({ event: 'presence', key, isAll: true, peers }, false))
  }

  #owe(onlooker: Onlooker, key: string): void {
    this.#owed.set(onlooker, (this.#owed.get(onlooker) ?? new Set()).add(key))
  }

  #place(key: string): Place {
    let place = this.#places.get(key)
    if (!place) {
      place = { onlookers: new Map(), entries: new Map(), changed: new Set(), isScheduled: false }
      this.#places.set(key, place)
    }
    return place
  }

  #drop(key: string, { onlookers, entries }: Place): void {
    if (onlookers.size === 0 && entries.size === 0) this.#places.delete(key)
  }
}

function toPeer(entry: Entry | undefined): Omit<Peer, 'id'> | null {
  return entry?.state ? { userId: entry.userId, state: entry.state } : null
}

function idOf(user: User | undefined): string | null {
  return user?.id ?? null
}

function userOf(id: string | null): User | undefined {
  return id === null ? undefined : { id }
}
