import type { User } from '@flushout/core'
import type { Action } from '@flushout/server'
import type { Weather } from './weather.ts'

/** Who may do what in a run. Everybody may do everything, until told otherwise. */
export class Permissions {
  readonly #weather: Weather
  // Users and keys, as `ada todos:a`.
  readonly #revoked = new Set<string>()

  constructor(weather: Weather) {
    this.#weather = weather
  }

  revoke(user: User, key: string): void {
    this.#revoked.add(`${user.id} ${key}`)
  }

  restore(): void {
    this.#revoked.clear()
  }

  isForbidden(user: User | undefined, key: string): boolean {
    return !user || this.#revoked.has(`${user.id} ${key}`)
  }

  authorize(user: User | undefined, _action: Action, key: string): boolean {
    if (this.#weather.strikes('permissions unknown')) throw new Error('The directory is down.')
    // As the service reads it: anything but true is a no.
    return this.isForbidden(user, key) ? (undefined as unknown as boolean) : true
  }
}
