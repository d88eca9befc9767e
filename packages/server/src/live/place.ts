// Who is at one model, told to those who look:
//
//   version ──► 1: ada    2: bob    4: ada left    5: eve
//                                   ▲
//            told so far ───────────┘   the next frame tells of 4 and 5
//
// Nothing waits in a queue for anybody: who takes nothing now is told later what
// has become of those who changed since.
import type { JsonObject, Peer, User } from '@flushout/core'
import { Frame, MAX_FRAME_BYTES } from './frame.ts'

/** Somebody who wants to hear who else is there. */
export interface Onlooker {
  readonly user: User | undefined
  readonly isFull: boolean
  write(frame: Frame): void
}

/** What somebody does at one model. */
export interface Entry {
  readonly userId: string | null
  /** Null while they only look. */
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

interface Look {
  readonly peer: string
  /** Up to which version it was told; 0: nothing yet. */
  told: number
  /** Which version it was when that began. */
  begunAt: number
}

interface Piece {
  readonly frame: Frame
  readonly to: number
}

/** So many who left are remembered for those who were not told yet. */
const MAX_LEFT = 500

/** All who are at one model, and all who look at them. */
export class Place {
  readonly key: string
  readonly entries: Map<string, Entry> = new Map()
  readonly #onlookers = new Map<Onlooker, Look>()
  #version = 1
  // When each peer last became another, in that order; also of those who left.
  readonly #changes = new Map<string, number>()
  // Of those who left until then not all are remembered.
  #forgottenTo = 0
  #pieces = new Map<number, Piece>()

  constructor(key: string) {
    this.key = key
  }

  get isEmpty(): boolean {
    return this.#onlookers.size === 0 && this.entries.size === 0
  }

  get onlookerCount(): number {
    return this.#onlookers.size
  }

  /** As whom somebody looks; undefined if they do not. */
  peerOf(onlooker: Onlooker): string | undefined {
    return this.#onlookers.get(onlooker)?.peer
  }

  /** Those who look as `peer`. */
  *onlookersOf(peer: string): Iterable<Onlooker> {
    for (const [onlooker, look] of this.#onlookers) if (look.peer === peer) yield onlooker
  }

  /** Let somebody look, and tell them who is there. */
  enter(onlooker: Onlooker, peer: string): void {
    this.#onlookers.set(onlooker, { peer, told: 0, begunAt: 0 })
    this.lead(onlooker)
  }

  leave(onlooker: Onlooker): void {
    this.#onlookers.delete(onlooker)
  }

  /** Something about a peer is another: to be told with the next `show`. */
  changed(peer: string): void {
    this.#version += 1
    this.#pieces.clear()
    this.#changes.delete(peer)
    this.#changes.set(peer, this.#version)
    if (this.#changes.size > this.entries.size + MAX_LEFT) this.#forget()
  }

  /** Tell everybody what changed. */
  show(): void {
    for (const onlooker of this.#onlookers.keys()) this.lead(onlooker)
  }

  /** Tell somebody what they lack, as far as their connection takes it. */
  lead(onlooker: Onlooker): void {
    const look = this.#onlookers.get(onlooker)
    if (!look) return
    while (look.told < this.#version && !onlooker.isFull) this.#leadOn(onlooker, look)
  }

  #leadOn(onlooker: Onlooker, look: Look): void {
    if (Math.max(look.told, look.begunAt) < this.#forgottenTo) look.told = 0
    if (look.told === 0) look.begunAt = this.#version
    const { frame, to } = this.#pieceAfter(look.told)
    onlooker.write(frame)
    look.told = to
  }

  /** What to tell who was told up to a version; written out once for all of them. */
  #pieceAfter(told: number): Piece {
    let piece = this.#pieces.get(told)
    if (!piece) {
      piece = this.#cut(told)
      this.#pieces.set(told, piece)
    }
    return piece
  }

  #cut(told: number): Piece {
    const peers: Record<string, Omit<Peer, 'id'> | null> = {}
    const isAll = told === 0
    let to = Math.max(told, 1)
    // Room for the key, and for what is around the peers.
    let bytes = Buffer.byteLength(this.key) + 100
    for (const [peer, version] of this.#changes) {
      if (version <= told) continue
      const shown = toPeer(this.entries.get(peer))
      if (shown || !isAll) {
        bytes += Buffer.byteLength(JSON.stringify(shown)) + peer.length + 4
        if (bytes > MAX_FRAME_BYTES && to > told) return this.#piece(peers, isAll, to)
        peers[peer] = shown
      }
      to = version
    }
    return this.#piece(peers, isAll, this.#version)
  }

  #piece(peers: Record<string, Omit<Peer, 'id'> | null>, isAll: boolean, to: number): Piece {
    const { key } = this
    // What everybody is told who comes is no news to them.
    const frame = new Frame({ event: 'presence', key, ...(isAll && { isAll }), peers }, !isAll)
    return { frame, to }
  }

  /** Remember no more who left. */
  #forget(): void {
    for (const [peer, version] of this.#changes) {
      if (this.entries.has(peer)) continue
      this.#changes.delete(peer)
      this.#forgottenTo = version
    }
  }
}

function toPeer(entry: Entry | undefined): Omit<Peer, 'id'> | null {
  return entry?.state ? { userId: entry.userId, state: entry.state } : null
}
