import type { Environment } from '@flushout/client'
import { haveAllParts } from '@flushout/client/testing'
import type { LiveEvent, User } from '@flushout/core'
import type { Account } from './account.ts'
import { Dice } from './dice.ts'
import type { Line } from './sender.ts'
import type { Stage } from './stage.ts'

haveAllParts()

const HOUR_MS = 3_600_000
/** The longest that a message takes which is not late. */
const MAX_WAY_MS = 1_600

/** Whose device it is. */
interface Owner {
  readonly name: string
  readonly user: User
  readonly account: Account
  /** How far the clock of the device is off, in milliseconds. */
  readonly skewMs: number
  /** Whether nothing lets streams of events through to the device. */
  readonly isBlocked: boolean
}

/** What a client runs on: clock, timers and a way to the network, until it ends. */
export class Device {
  readonly person: Owner
  readonly user: User
  readonly account: Account
  readonly seed: number
  readonly environment: Environment
  /** Streams and long polls of the device that are not over. */
  readonly links = new Set<Line>()
  /** When that exchange about each model began which was answered last. */
  readonly syncedAt = new Map<string, number>()
  /** The exchanges that were not answered yet. */
  readonly asking = new Map<string, { readonly at: number; readonly signal: AbortSignal }>()
  /** The history hash that it last said it holds of each model. */
  readonly held = new Map<string, string>()
  /** What was heard last of how far each model is, and when. */
  readonly told = new Map<string, { readonly hash: string; readonly at: number }>()
  isOver = false
  /** Until when nothing reaches the network, or comes back from it. */
  cutOffUntil = 0
  answersCutOffUntil = 0
  timers = 0
  protected readonly stage: Stage
  readonly #wakers = new Set<() => void>()
  #asleepUntil = 0

  constructor(person: Owner, stage: Stage, seed: number) {
    this.person = person
    this.user = person.user
    this.account = person.account
    this.stage = stage
    this.seed = seed
    this.environment = this.#createEnvironment(new Dice(seed))
  }

  /** What happens to the device from outside, at the moment when it does anything. */
  run(callback: () => void): void {
    const { scheduler } = this.stage
    if (this.isOver) return
    if (this.#asleepUntil > scheduler.now) {
      scheduler.at(this.#asleepUntil, () => this.run(callback))
    } else {
      this.touched()
      this.stage.guard(callback)
    }
  }

  sleep(ms: number): void {
    this.#asleepUntil = this.stage.scheduler.now + ms
    this.stage.scheduler.after(ms, () => this.wake())
  }

  wake(): void {
    this.run(() => {
      for (const wake of this.#wakers) wake()
    })
  }

  get isAsleep(): boolean {
    return this.#asleepUntil > this.stage.scheduler.now
  }

  /** The link on which it would hear of a model now; undefined if it might not. */
  soundLink(key: string): Line | undefined {
    if (this.isAsleep) return undefined
    return [...this.links].findLast((link) => link.tells(key))
  }

  /** The device stops wherever it is. */
  end(): void {
    this.isOver = true
    for (const link of this.links) link.leave()
    this.stage.strays(MAX_WAY_MS)
  }

  /** Commands leave the page. */
  sent(): void {}

  /** Something came by itself. */
  heard(event: LiveEvent): void {
    const at = this.stage.scheduler.now
    if (event.event === 'updates') this.told.set(event.key, { hash: event.hash, at })
    if (event.event !== 'heads') return
    for (const [key, { hash }] of Object.entries(event.heads)) this.told.set(key, { hash, at })
  }

  /** Something may have changed what the device holds. */
  protected touched(): void {}

  #createEnvironment(dice: Dice): Environment {
    const { scheduler, weather } = this.stage
    return {
      // Of coarse clocks, clones see the same: only then their ids are equal.
      now: () => {
        const now = Math.floor(scheduler.now) + this.person.skewMs
        return weather.has('client is cloned') ? Math.floor(now / HOUR_MS) * HOUR_MS : now
      },
      random: dice.roll,
      fillRandom: dice.fill,
      setTimer: (callback, delayMs) => {
        this.timers += 1
        let isOpen = true
        const close = () => {
          if (isOpen) this.timers -= 1
          isOpen = false
        }
        const cancel = scheduler.after(delayMs, () =>
          this.run(() => {
            if (!isOpen) return
            close()
            callback()
          }),
        )
        return () => {
          close()
          cancel()
        }
      },
      onWake: (callback) => {
        this.#wakers.add(callback)
        return () => void this.#wakers.delete(callback)
      },
      isHidden: () => false,
      warnOnLeave: () => () => {},
    }
  }
}
