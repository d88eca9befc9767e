// A world in one process: people at their pages, a network, servers, a database.
// All code of the product is the real one; clock, randomness, network and the
// way to the database are played, so that a seed is a story that can be told
// again. A run goes through
//
//   storm ──────────────► calm ───────────► rest
//   edits and faults      no more faults    everything is audited
import { Bus } from './bus.ts'
import { Chronicle } from './chronicle.ts'
import { Clerk } from './clerk.ts'
import type { Database } from './database.ts'
import { Deeds } from './deeds.ts'
import type { Device } from './device.ts'
import { Dice } from './dice.ts'
import type { Fault } from './faults.ts'
import { Follower } from './follower.ts'
import { Habits } from './habits.ts'
import { Permissions } from './permissions.ts'
import { Person } from './person.ts'
import { drawPlan, drawSeats, withHabits, type Plan } from './plan.ts'
import { probe } from './probe.ts'
import { Profile } from './profile.ts'
import { auditRest, misseen, stragglers } from './rest.ts'
import { outside, Scheduler, START_MS } from './scheduler.ts'
import { Server } from './server.ts'
import type { Stage } from './stage.ts'
import { Troubles } from './troubles.ts'
import { Violation } from './violation.ts'
import { Watch, type Watched } from './watch.ts'
import { Weather } from './weather.ts'

export interface WorldOptions {
  readonly seed: number
  readonly database: Database
  /** Begins the names of all models of the run. */
  readonly prefix: string
  /** Whether to tell what happens. It costs a third more time. */
  readonly isTold: boolean
}

/** What a run came to. */
export interface Report {
  readonly seed: number
  readonly violation: Violation | undefined
  readonly trace: readonly string[]
  readonly faults: ReadonlyMap<Fault, number>
  readonly events: number
  readonly edits: number
  /** From the end of the faults until everybody held the same, by the clock of the run. */
  readonly convergedMs: number
}

const NAMES = ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay', 'gus', 'hal']
/** Everybody must be in step again so long after the last fault. */
const PATIENCE_MS = 60_000
/**
 * And must know who is there: a server may hear late that somebody has gone. So
 * long it also takes until a long poll that was lost is given up, and its repeat
 * answered: as long as one is under way, nothing is asked by timer.
 */
const LONG_PATIENCE_MS = 100_000
const MAX_EVENTS = 50_000
/** The longest that a server works on a message. */
const SERVED_MS = 3_500

export class World implements Stage {
  readonly dice: Dice
  readonly plan: Plan
  readonly scheduler = new Scheduler()
  readonly weather: Weather
  readonly database: Database
  readonly chronicle: Chronicle
  readonly permissions: Permissions
  readonly bus: Bus
  readonly people: readonly Person[]
  readonly profiles: Profile[] = []
  readonly follower: Follower | undefined
  readonly servers: readonly Server[]
  readonly clerk: Clerk | undefined
  readonly #habits: readonly Habits[]
  readonly #watch: Watch
  readonly #numbered: Profile[] = []
  // Take back what is still to be opened.
  readonly #openings: (() => void)[] = []
  readonly answers = new Map<string, string>()
  readonly verdicts = new Map<string, string>()
  readonly deleted = new Set<string>()
  readonly deeds = new Deeds()
  isDatabaseDown = false
  /** Until when nothing lets streams through. */
  blockedUntil = 0
  isCalm = false
  /** Until when a message may take effect for which nobody waits any more. */
  strayUntil = 0
  readonly isTold: boolean
  readonly #seed: number
  readonly #lines: string[] = []
  #violation: Violation | undefined

  constructor({ seed, database, prefix, isTold }: WorldOptions) {
    this.#seed = seed
    this.isTold = isTold
    this.dice = new Dice(seed)
    const habitDice = new Dice(seed ^ 0x1b873593)
    this.plan = withHabits(drawPlan(this.dice, prefix), habitDice)
    // Dice of their own, so that the other runs are what they were without these.
    const deviceDice = new Dice(seed ^ 0x2545f491)
    const seats = drawSeats(deviceDice, this.plan.people)
    this.weather = new Weather(this.dice.fork(), seats && deviceDice, this.trace)
    this.database = database
    this.chronicle = new Chronicle(database, () => this.scheduler.now)
    this.permissions = new Permissions(this.weather, () => this.scheduler.now)
    this.bus = new Bus({
      scheduler: this.scheduler,
      weather: this.weather,
      dice: this.dice,
      isOpen: this.plan.hasHints,
      isDatabaseDown: () => this.isDatabaseDown,
      trace: isTold ? this.trace : undefined,
    })
    this.#watch = new Watch(this.chronicle)
    this.servers = Array.from(
      { length: this.plan.servers },
      (_, n) => new Server(`server ${n + 1}`, this),
    )
    this.people = NAMES.slice(0, this.plan.people).map(
      (name, n) => new Person(name, this, this.#seat(name, seats?.[n])),
    )
    const { hasHabits } = this.plan
    this.#habits = hasHabits
      ? this.people.map((one) => new Habits(one, this, habitDice.fork()))
      : []
    this.clerk = hasHabits ? new Clerk(this, habitDice) : undefined
    if (this.plan.hasFollower) {
      const isBlocked = this.dice.chance(this.plan.blockedShare / 100)
      this.follower = new Follower(this, this.dice.between(0, 2 ** 31), isBlocked)
    }
  }

  /** Whatever is connected, or was. */
  get devices(): readonly Device[] {
    const pages = this.people.flatMap(({ page }) => page ?? [])
    return this.follower ? [...pages, this.follower] : pages
  }

  /** Say what happens, if anybody is to read about the run. */
  trace = (line: string): void => {
    if (!this.isTold) return
    this.#lines.push(`${((this.scheduler.now - START_MS) / 1000).toFixed(3)}  ${line}`)
  }

  strays(wayMs: number): void {
    this.strayUntil = Math.max(this.strayUntil, this.scheduler.now + wayMs + SERVED_MS)
  }

  admitAll(): void {
    const { keys } = this.plan
    const shutOut = this.people.filter(
      ({ account, user }) =>
        !account.isLoggedIn || keys.some((key) => this.permissions.isForbidden(user, key)),
    )
    this.permissions.restore()
    for (const person of shutOut) {
      person.account.loggedOutAt = undefined
      const { page } = person
      page?.run(() => page.client.resume())
    }
  }

  touch(page: Watched): void {
    this.#watch.touch(page)
  }

  fail(violation: Violation): never {
    this.#violation ??= violation
    throw violation
  }

  guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#violation ??=
        error instanceof Violation ? error : new Violation('quiet', `thrown: ${describe(error)}`)
    }
  }

  balance(): Server | undefined {
    const server = this.dice.pick(this.servers)
    return server.isUp ? server : undefined
  }

  get mayShareIds(): boolean {
    const isBranched = this.profiles.some(({ estate }) => estate.isBranched)
    return isBranched || this.weather.counts.has('client is cloned')
  }

  hasReasonForAlarm(key: string): boolean {
    return this.chronicle.rewrites(key) > 0 || this.mayShareIds
  }

  async run(): Promise<Report> {
    const onUnhandled = (error: unknown) => {
      this.#violation ??= new Violation('quiet', `nobody caught ${describe(error)}`)
    }
    process.on('unhandledRejection', onUnhandled)
    process.on('uncaughtException', onUnhandled)
    let convergedMs = 0
    try {
      this.#begin()
      const end = this.scheduler.now + this.plan.stormMs
      await this.until(() => this.scheduler.now >= end)
      this.#calmDown()
      await this.scheduler.settle()
      const calm = this.scheduler.now
      const isInStep = () => this.#isTime() && stragglers(this).length === 0
      const { hasLive } = this.plan
      await this.until(isInStep, calm + (hasLive ? LONG_PATIENCE_MS : PATIENCE_MS))
      convergedMs = this.scheduler.now - calm
      for (const takeBack of this.#openings) takeBack()
      await this.until(() => this.#isTime() && misseen(this).length === 0, calm + LONG_PATIENCE_MS)
      if (!this.#violation) await probe(this, isInStep)
      if (!this.#violation && this.clerk) await this.#tidy(this.clerk, isInStep)
      if (!this.#violation) await auditRest(this)
      // What nobody caught is heard of now.
      await this.scheduler.settle()
    } catch (error) {
      this.guard(() => {
        throw error
      })
    } finally {
      process.off('unhandledRejection', onUnhandled)
      process.off('uncaughtException', onUnhandled)
    }
    return {
      seed: this.#seed,
      violation: this.#violation,
      trace: this.#lines,
      faults: this.weather.counts,
      events: this.scheduler.count,
      edits: this.people.flatMap(({ ledgers }) => ledgers.flatMap(({ edits }) => edits)).length,
      convergedMs,
    }
  }

  /** The profile of that number, made for whoever comes first. */
  #seat(name: string, number: number | undefined): Profile | undefined {
    if (number === undefined) return undefined
    const profile = (this.#numbered[number] ??= new Profile(
      `the profile of ${name}`,
      { id: name },
      this,
    ))
    if (!this.profiles.includes(profile)) this.profiles.push(profile)
    return profile
  }

  #begin(): void {
    for (const server of this.servers) server.start()
    for (const person of this.people) {
      this.scheduler.after(this.dice.roll() * 500, () => person.openOnce())
      this.guard(() => person.plan())
    }
    for (const habits of this.#habits) habits.plan()
    this.clerk?.plan()
    new Troubles(this).plan()
  }

  async #tidy(clerk: Clerk, isInStep: () => boolean): Promise<void> {
    clerk.tidy()
    await this.until(isInStep, this.scheduler.now + LONG_PATIENCE_MS)
  }

  /** Whether it is time to look: it takes longer than most events. */
  #isTime(): boolean {
    return this.scheduler.count % 4 === 0
  }

  /** Run events until that is so, or a promise is broken. */
  async until(isOver: () => boolean, deadline = Number.POSITIVE_INFINITY): Promise<void> {
    while (await outside(() => this.#runEvents(isOver, deadline))) await this.scheduler.settle()
  }

  /** Run events one after the other. True if that has to wait for something real. */
  #runEvents(isOver: () => boolean, deadline: number): boolean {
    while (!this.#violation && !isOver()) {
      if (this.scheduler.now > deadline) {
        const found = stragglers(this)
        const isConverged = found.length === 0
        if (isConverged) found.push(...misseen(this))
        throw new Violation(isConverged ? 'present' : 'converged', 'in all the time there was', {
          found: found.join('\n    '),
        })
      }
      if (this.scheduler.count > MAX_EVENTS) {
        throw new Violation('quiet', `${MAX_EVENTS} events, and no end`)
      }
      if (!this.scheduler.step()) return false
      if (this.scheduler.isStopped) return true
      this.guard(() => this.#watch.check())
    }
    return false
  }

  /** Everything works from here on, and people do what the app tells them. */
  #calmDown(): void {
    this.trace('--- calm ---')
    this.isCalm = true
    this.weather.clear()
    this.isDatabaseDown = false
    this.blockedUntil = 0
    this.bus.clear()
    for (const server of this.servers) server.standStill(0)
    for (const { drive } of this.profiles) drive.refusesUntil = 0
    for (const device of this.devices) {
      device.cutOffUntil = 0
      device.answersCutOffUntil = 0
    }
    this.admitAll()
    this.#openProfiles()
  }

  /** Somebody opens each profile once more: what died unseen is found then. */
  #openProfiles(): void {
    // Who asks a disk that stands still gives up after 10 s.
    const ms = this.weather.counts.has('disk stands still') ? 13_000 : 500
    for (const profile of this.profiles) {
      const person = this.people.find((one) => one.profile === profile)
      this.#openings.push(this.scheduler.after(ms, () => person?.reload()))
    }
  }

  /** Let time pass until `promise` settles. */
  async wait<Result>(promise: Promise<Result>): Promise<Result> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    promise.then(over, over)
    await this.scheduler.settle()
    await this.until(() => isOver, this.scheduler.now + PATIENCE_MS)
    // Nothing goes on after it.
    if (this.#violation) throw this.#violation
    return promise
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
