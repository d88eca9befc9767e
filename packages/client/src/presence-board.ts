// Who else looks at a model, and what they do. It is told over the connection that
// the whole client shares, never stored, and gone with the connection:
//
//   share ──► own state ──► announced, at most every 100 ms ──► the others' `others`
//                  └──────► in the next request for a connection
import type { FlushoutError, LiveEvent, PresenceRequest } from '@flushout/core'
import type { Environment } from './environment.ts'
import type { Place } from './presence.ts'

export interface PresenceBoardOptions {
  /** Send what all others are to know. */
  readonly announce: (presence: PresenceRequest) => Promise<void>
  readonly environment: Environment
  /** Those in use, by model: what they tell, and who is told of others. */
  readonly places: ReadonlyMap<string, Place>
  /** Whether the document is there: until then one who asks for its peers would ask twice. */
  readonly isLoaded: (key: string) => boolean
}

const MAX_MODELS = 100
const ANNOUNCE_MS = 100
const MAX_RETRY_MS = 30_000
/** So soon a page hears what the others are told about it. */
const ECHO_MS = 2_000

/** What a page tells the others, in all its models, and what it hears of them. */
export class PresenceBoard {
  readonly #options: PresenceBoardOptions
  // Known to this page and the servers only.
  #token: string | undefined
  // Who this page is to the others.
  #self: string | undefined
  #isConnected = false
  #sequence = 0
  // What the servers know, or are being told.
  #told: string | undefined
  #failures = 0
  // Of a look whether the others are told what was announced, and how often they were not.
  #clearCheck: (() => void) | undefined
  #repeats = 0
  #clearTimer: (() => void) | undefined

  constructor(options: PresenceBoardOptions) {
    this.#options = options
  }

  /** Other places are used than before: whoever asks for a connection has to ask anew. */
  used(): void {
    this.#sequence += 1
  }

  /** A place has something else to tell. */
  stated(): void {
    this.#sequence += 1
    this.#announceLater()
  }

  /** What to ask the server for; undefined while nobody cares. */
  request(): PresenceRequest | undefined {
    const { isLoaded } = this.#options
    const places = [...this.#options.places].filter(([key]) => isLoaded(key)).slice(0, MAX_MODELS)
    if (places.length === 0) return undefined
    this.#token ??= createToken(this.#options.environment)
    return {
      token: this.#token,
      sequence: this.#sequence,
      models: Object.fromEntries(places.map(([key, place]) => [key, place.state])),
    }
  }

  /** There is a connection, which was asked for with this. */
  connected(request: PresenceRequest | undefined): void {
    this.#isConnected = true
    this.#told = toText(request)
    this.#announceLater()
  }

  /** Take what came over the connection; what is not about presence is left alone. */
  hear(event: LiveEvent): void {
    if (event.event === 'ready') {
      this.#self = event.peer ?? this.#self
      for (const place of this.#options.places.values()) place.forget(this.#self)
    }
    if (event.event === 'refused') this.#options.places.get(event.models)?.clear()
    if (event.event !== 'presence') return
    const place = this.#options.places.get(event.key)
    place?.hear(event, this.#self)
    // The servers lost sight of this page, unless it is about to be told anew.
    if (place && !place.isShown && this.#isConnected && !this.#clearCheck) {
      this.#checkLater(this.#told)
    }
  }

  /** Nothing is heard any more: nobody can say who is there. */
  lost(): void {
    this.#isConnected = false
    this.#failures = 0
    this.#clearTimer?.()
    this.#clearTimer = undefined
    this.#clearCheck?.()
    this.#clearCheck = undefined
    this.#repeats = 0
    for (const place of this.#options.places.values()) place.clear()
  }

  #announceLater(delayMs = ANNOUNCE_MS): void {
    if (this.#clearTimer || !this.#isConnected || this.#told === toText(this.request())) return
    this.#clearTimer = this.#options.environment.setTimer(() => {
      this.#clearTimer = undefined
      void this.#announce()
    }, delayMs)
  }

  /** Say it again if it is not heard of: it may be lost between two servers. */
  #checkLater(text: string | undefined): void {
    this.#clearCheck?.()
    const delayMs = Math.min(MAX_RETRY_MS, ECHO_MS * 2 ** this.#repeats)
    this.#clearCheck = this.#options.environment.setTimer(() => {
      this.#clearCheck = undefined
      if (!this.#isConnected || this.#told !== text) return
      const isShown = [...this.#options.places.values()].every((place) => place.isShown)
      this.#repeats = isShown ? 0 : this.#repeats + 1
      if (isShown) return
      this.#told = undefined
      this.#sequence += 1
      void this.#announce()
    }, delayMs)
  }

  async #announce(): Promise<void> {
    const presence = this.request()
    const before = this.#told
    const text = toText(presence)
    // A connection made meanwhile has told it, or it is as it was.
    if (!presence || before === text) return
    this.#told = text
    try {
      await this.#options.announce(presence)
      this.#failures = 0
      this.#checkLater(text)
    } catch (error) {
      // Who is not let in now is told with the next change, or the next connection.
      if ((error as FlushoutError).retry === 'never' || this.#told !== text) return
      this.#told = before
      this.#failures += 1
      this.#announceLater(Math.min(MAX_RETRY_MS, 500 * 2 ** this.#failures))
    }
  }
}

function createToken(environment: Environment): string {
  const bytes = new Uint8Array(18)
  environment.fillRandom(bytes)
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function toText(presence: PresenceRequest | undefined): string | undefined {
  return presence && JSON.stringify(presence.models)
}
