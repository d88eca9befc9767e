import type { User } from '@flushout/core'
import type { StoredRows } from '../../packages/client/src/storage/stored-rows.ts'
import { Account } from './account.ts'
import { Browser } from './browser.ts'
import { Drive } from './drive.ts'
import { Estate } from './estate.ts'
import type { Stage } from './stage.ts'

/** What the tabs of one browser share: a disk, and the locks and lines by which they find each other. */
export class Profile {
  readonly name: string
  readonly user: User
  readonly estate: Estate
  readonly drive: Drive
  readonly browser: Browser
  /** How far the clock of the device is off, in milliseconds. */
  skewMs = 0
  readonly account = new Account()
  readonly #stage: Stage

  constructor(
    name: string,
    user: User,
    stage: Stage,
    copied?: { estate: Estate; rows: StoredRows },
  ) {
    this.name = name
    this.user = user
    this.estate = copied?.estate ?? new Estate(stage.plan.keys)
    this.drive = new Drive(stage, (changes) => this.estate.stored(changes), copied?.rows)
    this.browser = new Browser(stage)
    this.#stage = stage
  }

  /** The same on another device, from where it goes on by itself. */
  clone(): Profile {
    this.estate.isBranched = true
    const copied = { estate: this.estate, rows: this.drive.copy() }
    const clone = new Profile(`a copy of ${this.name}`, this.user, this.#stage, copied)
    clone.account.loggedOutAt = this.account.loggedOutAt
    return clone
  }

  /** The page that speaks with the server for all. */
  get gateway(): object | undefined {
    return this.browser.holderOf('flushout gateway')
  }

  /** Edits that the disk holds and nobody has sent: creations of todos that nobody has deleted. */
  unsentTodos(model: string): string[] {
    return this.drive.rows.flatMap(({ key, text }) => {
      if (key[1] !== model || key[2] !== 'edit') return []
      const born = /"born":"([^"]+)"/.exec(text)?.[1]
      const id = /"id":"([^"]+)"/.exec(text)?.[1]
      const isSent = (this.estate.edits.get(born ?? '')?.flushes.length ?? 1) > 0
      // Two tabs may have taken one of these names.
      const isUnsure = id?.startsWith('slot-') || this.#stage.deleted.has(id ?? '')
      return isSent || isUnsure ? [] : born!
    })
  }

  /** The disk is as it was before. */
  putBack(rows: StoredRows): void {
    this.drive.putBack(rows)
    this.estate.putBack(rows.values())
  }
}
