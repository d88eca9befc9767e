import type { User } from '@flushout/core'
import type { Action } from '@flushout/server'
import type { Weather } from './weather.ts'

/** Who may do what in a run. Everybody may do everything, until told otherwise. */
export class Permissions {
  readonly #weather: Weather
  readonly #now: () => number
  // Users and keys, as `ada todos:a`, and since when.
  readonly #revoked = new Map<string, number>()

  constructor(weather: Weather, now: () => number) {
    this.#weather = weather
    this.#now = now
  }

  revoke(user: User, key: string): void {
    const id = `${user.id} ${key}`
    if (!this.#revoked.has(id)) this.#revoked.set(id, this.#now())
  }

  restore(): void {
    this.#revoked.clear()
  }

  isForbidden(user: User | undefined, key: string): boolean {
    return this.forbiddenSince(user, key) !== undefined
  }

  /** Since when somebody may not read a model; undefined if they may. */
  forbiddenSince(user: User | undefined, key: string): number | undefined {
    return user ? this.#revoked.get(`${user.id} ${key}`) : 0
  }

  authorize(user: User | undefined, _action: Action, key: string): boolean {
    if (this.#weather.strikes('permissions unknown')) throw new Error('The directory is down.')
    // As the service reads it: anything but true is a no.
    return this.isForbidden(user, key) ? (undefined as unknown as boolean) : true
  }
}
