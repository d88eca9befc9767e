import type { Hints, Notice } from '@flushout/server'
import type { Dice } from './dice.ts'
import type { Scheduler } from './scheduler.ts'
import type { Weather } from './weather.ts'

/** A server that may listen. */
interface Member {
  readonly name: string
  /** Run something as soon as the server does anything; never after its end. */
  run(callback: () => void): void
}

export interface BusOptions {
  readonly scheduler: Scheduler
  readonly weather: Weather
  readonly dice: Dice
  /** Whether servers hear each other at all. */
  readonly isOpen: boolean
  readonly isDatabaseDown: () => boolean
  /** Undefined if nobody is to read about the run. */
  readonly trace: ((line: string) => void) | undefined
}

type Hear = (notice: Notice) => void

/** How servers tell each other what happened, with all that can happen to a notice. */
export class Bus {
  readonly #options: BusOptions
  readonly #listeners = new Map<Hear, Member>()
  // Notices between two servers do not overtake each other, unless that is the fault.
  readonly #arrivals = new Map<Hear, number>()
  #downUntil = 0

  constructor(options: BusOptions) {
    this.#options = options
  }

  /** Nothing comes through for a while. */
  goDown(ms: number): void {
    this.#downUntil = this.#options.scheduler.now + ms
  }

  /** From here on notices come at once; what was late is late. */
  clear(): void {
    this.#downUntil = 0
    this.#arrivals.clear()
  }

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.size
  }

  /** The end of the bus at one server. */
  join(member: Member): Hints {
    return {
      publish: (notice) => this.#publish(member, notice),
      listen: (hear) => this.#listen(member, hear),
    }
  }

  /** A server is gone, and hears nothing any more. */
  leave(member: Member): void {
    for (const [hear, other] of this.#listeners) if (other === member) this.#forget(hear)
  }

  #forget(hear: Hear): void {
    this.#listeners.delete(hear)
    this.#arrivals.delete(hear)
  }

  #listen(member: Member, hear: Hear): () => void {
    const { scheduler, dice } = this.#options
    // One of its own, since the same may listen twice.
    const own: Hear = (notice) => hear(notice)
    let isOver = false
    scheduler.after(dice.roll() * 20, () => {
      member.run(() => {
        if (!isOver) this.#listeners.set(own, member)
      })
    })
    return () => {
      isOver = true
      this.#forget(own)
    }
  }

  #publish(member: Member, notice: Notice): void {
    if (!this.#options.isOpen) return
    const text = JSON.stringify(notice)
    for (const [hear, other] of this.#listeners) {
      if (other !== member) this.#send(text, hear, other, `${member.name} to ${other.name}`)
    }
  }

  #send(text: string, hear: Hear, member: Member, way: string): void {
    const { scheduler, weather, dice, isDatabaseDown, trace } = this.#options
    if (scheduler.now < this.#downUntil || isDatabaseDown()) return
    if (weather.strikes('notice lost')) return
    let at = Math.max(this.#arrivals.get(hear) ?? 0, scheduler.now + 1 + dice.roll() * 5)
    if (weather.strikes('notice late')) at += dice.between(50, 3_000)
    if (weather.strikes('notices out of order')) {
      at += dice.between(50, 3_000)
    } else this.#arrivals.set(hear, at)
    const arrive = () => {
      member.run(() => {
        if (!this.#listeners.has(hear)) return
        trace?.(`notice of ${way}: ${text}`)
        hear(JSON.parse(text) as Notice)
      })
    }
    scheduler.at(at, arrive)
    if (weather.strikes('notice repeated')) {
      scheduler.at(at + dice.roll() * 2_000, arrive)
    }
  }
}
