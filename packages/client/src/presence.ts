import { copyJson, FlushoutError, type JsonObject, type LiveEvent, type Peer } from '@flushout/core'
import type { Environment } from './environment.ts'
import { notify } from './notify.ts'

/** Who else looks at a model now, and what this page tells them. */
export interface Presence {
  /** The others, by id. The same list, and the same objects in it, while nothing changed. */
  readonly others: readonly Peer[]
  /** Call `listener` whenever `others` is another list, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void
  /**
   * Tell the others something, as `{ name: 'Ada' }`, until the returned function
   * is called. What is shared in several places is merged, the latest over those
   * before it; fields that are undefined are left out. Throws OPTIONS_INVALID for
   * what JSON cannot carry, and for more than 1,024 characters in all.
   */
  readonly share: (part: object) => () => void
}

const MAX_STATE_LENGTH = 1_024
/** Who leaves a place and comes back within this time has not left it. */
const LINGER_MS = 1_000
const NOBODY: readonly Peer[] = Object.freeze([])

export interface PlaceOptions {
  readonly environment: Environment
  readonly keep: () => () => void
  readonly onUse: (place: Place, isUsed: boolean) => void
  readonly onState: () => void
}

/** One model: what is shared in it, and who else is there. */
export class Place implements Presence {
  readonly #options: PlaceOptions
  readonly #parts = new Set<JsonObject>()
  readonly #listeners = new Set<() => void>()
  #release: (() => void) | undefined
  #clearTimer: (() => void) | undefined
  #peers = new Map<string, Peer>()
  /** What the others are told; null where this page only looks. */
  state: JsonObject | null = null
  others: readonly Peer[] = NOBODY
  // What the others are told, as far as that was heard here.
  #echo: string | undefined

  constructor(options: PlaceOptions) {
    this.#options = options
  }

  subscribe = (listener: () => void): (() => void) => {
    const own = () => notify(listener)
    this.#listeners.add(own)
    this.#useChanged()
    return () => {
      if (this.#listeners.delete(own)) this.#useChanged()
    }
  }

  share = (part: object): (() => void) => {
    const own = checkPart(part)
    this.#parts.add(own)
    const state = this.#merge()
    if (JSON.stringify(state).length > MAX_STATE_LENGTH) {
      this.#parts.delete(own)
      const message = `A page shares at most ${MAX_STATE_LENGTH} characters of JSON about itself.`
      throw new FlushoutError('OPTIONS_INVALID', message)
    }
    this.#partsChanged()
    return () => {
      if (this.#parts.delete(own)) this.#partsChanged()
    }
  }

  hear(
    { isAll, peers }: Extract<LiveEvent, { event: 'presence' }>,
    self: string | undefined,
  ): void {
    const isOwn = self !== undefined && (isAll || Object.hasOwn(peers, self))
    if (isOwn) this.#echo = JSON.stringify(peers[self]?.state ?? null)
    const next = new Map(isAll ? [] : this.#peers)
    for (const [id, peer] of Object.entries(peers)) {
      const state = peer && copyJson(peer.state)
      if (!state?.ok || id === self) next.delete(id)
      else next.set(id, this.#keep(id, peer!.userId, state.value as JsonObject))
    }
    this.#show(next)
  }

  /** Whether the others are told what they are to be told. */
  get isShown(): boolean {
    return this.#echo === JSON.stringify(this.state)
  }

  /** This is the page itself. */
  forget(self: string | undefined): void {
    if (self === undefined || !this.#peers.has(self)) return
    this.#show(new Map([...this.#peers].filter(([id]) => id !== self)))
  }

  clear(): void {
    this.#show(new Map())
  }

  close(): void {
    this.#clearTimer?.()
  }

  /** The object that is known, if it holds the same. */
  #keep(id: string, userId: string | null, state: JsonObject): Peer {
    const known = this.#peers.get(id)
    const isSame = known?.userId === userId && JSON.stringify(known.state) === JSON.stringify(state)
    return isSame ? known : Object.freeze({ id, userId, state })
  }

  #show(peers: Map<string, Peer>): void {
    this.#peers = peers
    const others = [...peers.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
    const isSame =
      others.length === this.others.length && others.every((one, at) => one === this.others[at])
    if (isSame) return
    this.others = others.length === 0 ? NOBODY : Object.freeze(others)
    for (const listener of this.#listeners) listener()
  }

  #merge(): JsonObject {
    return Object.assign({}, ...this.#parts) as JsonObject
  }

  #partsChanged(): void {
    this.state = this.#parts.size === 0 ? null : Object.freeze(this.#merge())
    if (!this.#useChanged()) this.#options.onState()
  }

  /** True if the place is used now and was not before. */
  #useChanged(): boolean {
    this.#clearTimer?.()
    this.#clearTimer = undefined
    const { environment, keep, onUse } = this.#options
    const isUsed = this.#parts.size > 0 || this.#listeners.size > 0
    if (!isUsed && this.#release) {
      this.#clearTimer = environment.setTimer(() => this.#leave(), LINGER_MS)
    }
    if (!isUsed || this.#release) return false
    this.#release = keep()
    onUse(this, true)
    return true
  }

  #leave(): void {
    this.#clearTimer = undefined
    this.#release?.()
    this.#release = undefined
    this.clear()
    this.#options.onUse(this, false)
  }
}

function checkPart(part: object): JsonObject {
  const defined = Object.entries(part).filter(([, value]) => value !== undefined)
  const copy = copyJson(Object.fromEntries(defined))
  if (copy.ok) return copy.value as JsonObject
  const { found, at } = copy.fault
  const where = at.length > 0 ? ` at ${at.join('.')}` : ''
  throw new FlushoutError(
    'OPTIONS_INVALID',
    `What a page shares is JSON, and not ${found}${where}.`,
  )
}
