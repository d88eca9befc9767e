import type { Environment } from './environment.ts'
import { Place, type Presence } from './presence.ts'

export interface PlacesOptions {
  readonly environment: Environment
  /** Hears when others than before are in use: only a new one brings its peers. */
  readonly onUse: () => void
  /** Hears when one that was in use has something else to tell. */
  readonly onState: () => void
}

/** The models in which this page tells something about itself, or wants to know who is there. */
export class Places {
  readonly #options: PlacesOptions
  readonly #used = new Map<string, Place>()

  constructor(options: PlacesOptions) {
    this.#options = options
  }

  /** Those in use, by model. */
  get used(): ReadonlyMap<string, Place> {
    return this.#used
  }

  /** The presence of a model. `keep` is called while somebody uses it, and what it gave afterwards. */
  open(key: string, keep: () => () => void): Presence {
    const { environment, onUse, onState } = this.#options
    return new Place({
      environment,
      keep,
      onState,
      onUse: (place, isUsed) => {
        if (isUsed) this.#used.set(key, place)
        else if (this.#used.get(key) === place) this.#used.delete(key)
        onUse()
      },
    })
  }

  /** End all timers, after the client was closed. */
  close(): void {
    for (const place of this.#used.values()) place.close()
    this.#used.clear()
  }
}
