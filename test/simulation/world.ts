// A world in one process: people at their pages, a network, servers, a database.
// All code of the product is the real one; clock, randomness, network and the
// way to the database are played, so that a seed is a story that can be told
// again. A run goes through
//
//   storm ──────────────► calm ───────────► rest
//   edits and faults      no more faults    everything is audited
import type { Model } from '@flushout/client'
import { auditContent, auditEdits, auditReplay, auditRules } from './audit.ts'
import { Chronicle } from './chronicle.ts'
import type { Database } from './database.ts'
import { Dice } from './dice.ts'
import type { Fault } from './faults.ts'
import { Permissions } from './permissions.ts'
import { Person, type Page } from './person.ts'
import { drawPlan, type Plan } from './plan.ts'
import { Scheduler, START_MS } from './scheduler.ts'
import { Server } from './server.ts'
import { Troubles } from './troubles.ts'
import { Violation } from './violation.ts'
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
const MAX_EVENTS = 50_000

export class World {
  readonly dice: Dice
  readonly plan: Plan
  readonly scheduler = new Scheduler()
  readonly weather: Weather
  readonly database: Database
  readonly chronicle: Chronicle
  readonly permissions: Permissions
  readonly people: readonly Person[]
  readonly servers: readonly Server[]
  /** The last answer that each person got about each model. */
  readonly answers = new Map<string, string>()
  /** The first verdicts of each flush. */
  readonly verdicts = new Map<string, string>()
  isDatabaseDown = false
  /** No more edits and no more faults. */
  isCalm = false
  readonly isTold: boolean
  readonly #seed: number
  readonly #lines: string[] = []
  readonly #touched = new Set<Page>()
  // What everybody who had nothing of their own saw at a count.
  readonly #documents = new Map<string, string>()
  #violation: Violation | undefined

  constructor({ seed, database, prefix, isTold }: WorldOptions) {
    this.#seed = seed
    this.isTold = isTold
    this.dice = new Dice(seed)
    this.plan = drawPlan(this.dice, prefix)
    this.weather = new Weather(this.dice.fork(), this.trace)
    this.database = database
    this.chronicle = new Chronicle(database, () => this.scheduler.now)
    this.permissions = new Permissions(this.weather)
    this.servers = Array.from(
      { length: this.plan.servers },
      (_, n) => new Server(`server ${n + 1}`, this),
    )
    this.people = NAMES.slice(0, this.plan.people).map((name) => new Person(name, this))
  }

  /** Say what happens, if anybody is to read about the run. */
  trace = (line: string): void => {
    if (!this.isTold) return
    this.#lines.push(`${((this.scheduler.now - START_MS) / 1000).toFixed(3)}  ${line}`)
  }

  /** Everybody may do everything again, and who could not tells the app so. */
  admitAll(): void {
    const { keys } = this.plan
    const shutOut = this.people.filter(
      ({ isLoggedIn, user }) =>
        !isLoggedIn || keys.some((key) => this.permissions.isForbidden(user, key)),
    )
    this.permissions.restore()
    for (const person of shutOut) {
      person.isLoggedIn = true
      const { page } = person
      page?.run(() => page.client.resume())
    }
  }

  /** Note what does not hold: the run ends with it. */
  fail(violation: Violation): never {
    this.#violation ??= violation
    throw violation
  }

  /** Run something that must not throw. */
  guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#violation ??=
        error instanceof Violation ? error : new Violation('quiet', `thrown: ${describe(error)}`)
    }
  }

  /** What happened to a page may have changed it. */
  touch(page: Page): void {
    this.#touched.add(page)
  }

  /** The server for the next message; undefined if it went to one that is down. */
  balance(): Server | undefined {
    const server = this.dice.pick(this.servers)
    return server.isUp ? server : undefined
  }

  /** Whether a client may rightly be told that its past is not the server's. */
  hasReasonForAlarm(key: string): boolean {
    return this.chronicle.rewrites(key) > 0 || this.weather.counts.has('client is cloned')
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
      await this.#until(() => this.scheduler.now >= end)
      this.#calmDown()
      await this.scheduler.settle()
      const calm = this.scheduler.now
      await this.#until(() => this.#stragglers().length === 0, calm + PATIENCE_MS)
      convergedMs = this.scheduler.now - calm
      if (!this.#violation) await this.#audit()
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

  #begin(): void {
    for (const server of this.servers) server.start()
    for (const person of this.people) {
      this.scheduler.after(this.dice.roll() * 500, () => person.open())
      this.guard(() => person.plan())
    }
    new Troubles(this).plan()
  }

  async #until(isOver: () => boolean, deadline = Number.POSITIVE_INFINITY): Promise<void> {
    while (!this.#violation && !isOver()) {
      if (this.scheduler.now > deadline) {
        const found = this.#stragglers().join('\n    ')
        throw new Violation('converged', `after ${PATIENCE_MS} ms of calm`, { found })
      }
      if (this.scheduler.count > MAX_EVENTS) {
        throw new Violation('quiet', `${MAX_EVENTS} events, and no end`)
      }
      if (!(await this.scheduler.step())) return
      this.guard(() => this.#checkTouched())
    }
  }

  /** Everything works from here on, and people do what the app tells them. */
  #calmDown(): void {
    this.trace('--- calm ---')
    this.isCalm = true
    this.weather.clear()
    this.isDatabaseDown = false
    for (const server of this.servers) server.standStill(0)
    for (const { page } of this.people) {
      if (!page) continue
      page.cutOffUntil = 0
      page.answersCutOffUntil = 0
    }
    this.admitAll()
  }

  #checkTouched(): void {
    for (const page of this.#touched) {
      if (page.isOver) continue
      for (const [key, model] of page.models) this.#checkModel(page, key, model)
    }
    this.#touched.clear()
  }

  #checkModel(page: Page, key: string, model: Model): void {
    const { queued, inFlight, confirmed } = model.status
    const open = page.ledgers.get(key)!.open.length
    const { name } = page.person
    if (queued + inFlight !== open) {
      throw new Violation('counted', `${name} at ${key}`, {
        expected: open,
        found: queued + inFlight,
      })
    }
    const rewrites = this.chronicle.rewrites(key)
    const last = page.progress.get(key)
    const isBack = last !== undefined && confirmed < last.count
    const setbacks = (last?.setbacks ?? 0) + (isBack ? 1 : 0)
    if (isBack && setbacks > rewrites) {
      throw new Violation('never back', `${name} at ${key}`, {
        expected: last.count,
        found: confirmed,
      })
    }
    if (last?.count !== confirmed) page.progress.set(key, { count: confirmed, setbacks })
    if (open === 0 && model.isLoaded && last?.count !== confirmed && rewrites === 0) {
      this.#checkDocument(name, `${key} ${confirmed}`, JSON.stringify(model.read()))
    }
  }

  #checkDocument(name: string, id: string, found: string): void {
    const expected = this.#documents.get(id) ?? found
    this.#documents.set(id, expected)
    if (found === expected) return
    throw new Violation('same count, same document', `${name} at ${id}`, { expected, found })
  }

  /** Who does not hold what the database holds, or has something of their own, in words. */
  #stragglers(): string[] {
    const found = this.servers.filter(({ isUp }) => !isUp).map(({ name }) => `${name} is down`)
    for (const key of this.plan.keys) {
      const head = this.chronicle.head(key)
      for (const { name, page } of this.people) {
        const model = page?.models.get(key)
        const { queued, inFlight, confirmed, state, error } = model?.status ?? NOT_THERE
        const isAsked =
          (page?.syncedAt.get(key) ?? 0) >= (this.chronicle.annals(key)?.changedAt ?? 0)
        const isDone = model?.isLoaded && queued + inFlight === 0 && confirmed === head
        if (isDone && isAsked && state === 'online') continue
        found.push(
          `${name} at ${key}: ${state}, confirmed ${confirmed} of ${head}, ` +
            `${queued} queued, ${inFlight} in flight, ${error?.code ?? 'no error'}`,
        )
      }
    }
    return found
  }

  async #audit(): Promise<void> {
    this.trace('--- rest ---')
    for (const key of this.plan.keys) {
      const content = await this.database.look(key)
      if (!content) throw new Violation('not lost', `${key} is gone`)
      auditContent(key, content, this.chronicle)
      if (this.plan.hasRules) auditRules(key, this.chronicle)
      const isPlain = !this.hasReasonForAlarm(key)
      await this.#auditServed(key, auditReplay(key, content, this.chronicle, isPlain))
    }
    auditEdits(
      this.people.flatMap(({ ledgers }) => ledgers),
      this.chronicle,
    )
    for (const { name, page } of this.people) {
      for (const { edits, key } of page!.ledgers.values()) {
        const untold = edits.find(({ receipt }) => !receipt.outcome)
        if (untold)
          throw new Violation('told', `${name} was never told about ${untold.mark} in ${key}`)
      }
    }
    await this.#close()
    const names = Reflect.ownKeys(Object.prototype).length
    if (names !== PROTOTYPE_NAMES) throw new Violation('clean', 'Object.prototype has other keys')
  }

  /** Everybody sees the very document that the history gives. */
  async #auditServed(key: string, expected: string): Promise<void> {
    for (const { name, page } of this.people) {
      const found = JSON.stringify(page!.models.get(key)!.read())
      if (found !== expected)
        throw new Violation('converged', `${name} at ${key}`, { expected, found })
      if (page!.observed.get(key) !== found) {
        throw new Violation('observed', `${name} at ${key}`, {
          expected: found,
          found: page!.observed.get(key),
        })
      }
    }
    for (const server of this.servers) {
      const user = this.people[0]!.user
      const { document } = await this.#wait(server.service!.snapshot(key, user))
      const found = JSON.stringify(document)
      if (found !== expected) {
        throw new Violation('replayable', `${server.name} serves another ${key}`, {
          expected,
          found,
        })
      }
    }
  }

  async #close(): Promise<void> {
    for (const { page, name } of this.people) {
      page!.client.close()
      await this.scheduler.settle()
      if (page!.timers !== 0) {
        throw new Violation('bounded', `${page!.timers} timers of ${name} are left after close`)
      }
    }
    // What is still under way arrives; nothing new begins.
    await this.#until(() => false)
    for (const server of this.servers) {
      const { service } = server
      const { bytes } = service!.usage
      if (bytes > this.plan.cacheBytes) {
        throw new Violation('bounded', `${server.name} keeps more than it may`, {
          expected: this.plan.cacheBytes,
          found: bytes,
        })
      }
      await this.#wait(service!.close())
      const { usage } = service!
      if (usage.bytes !== 0 || usage.models !== 0) {
        throw new Violation('bounded', `${server.name} keeps something after close`, {
          found: usage,
        })
      }
    }
  }

  /** Let time pass until `promise` settles. */
  async #wait<Result>(promise: Promise<Result>): Promise<Result> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    promise.then(over, over)
    await this.scheduler.settle()
    await this.#until(() => isOver, this.scheduler.now + PATIENCE_MS)
    return promise
  }
}

const NOT_THERE = { state: 'gone', queued: 0, inFlight: 0, confirmed: 0, error: undefined }
const PROTOTYPE_NAMES = Reflect.ownKeys(Object.prototype).length

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
