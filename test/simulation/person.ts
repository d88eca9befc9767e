import { createClient, type Client, type Environment, type Model } from '@flushout/client'
import type { User } from '@flushout/core'
import { Dice } from './dice.ts'
import { Ledger } from './ledger.ts'
import { createTransport } from './network.ts'
import { clientRules } from './rules.ts'
import type { Stage } from './stage.ts'
import { show, Violation } from './violation.ts'
import { drawEdit } from './workload.ts'

/** The longest that a message takes which is not late. */
const MAX_WAY_MS = 1_600
const HOUR_MS = 3_600_000
const TIMING = {
  quietMs: 50,
  maxDelayMs: 250,
  pollMs: 2_500,
  timeoutMs: 2_000,
  retryBaseMs: 200,
  retryMaxMs: 3_000,
}

/** Someone at a screen. The page may be closed and opened again; the person stays. */
export class Person {
  readonly name: string
  /** Who this person is to the servers. */
  user: User
  /** How far the clock of their device is off, in milliseconds. */
  skewMs = 0
  /** What came of everything this person ever did, page after page. */
  readonly ledgers: Ledger[] = []
  /** Whether the session is valid. */
  isLoggedIn = true
  readonly #stage: Stage
  readonly #dice: Dice
  #page: Page | undefined
  #pages = 0
  #marks = 0
  #edits: number

  constructor(name: string, stage: Stage) {
    this.name = name
    this.user = { id: name }
    this.#stage = stage
    this.#dice = stage.dice.fork()
    this.#edits = stage.plan.edits
  }

  get page(): Page | undefined {
    return this.#page
  }

  /** Open a page. `seed` makes it draw the very numbers of another. */
  open(seed = this.#dice.between(0, 2 ** 31)): void {
    this.#stage.trace(`${this.name} opens a page`)
    this.#pages += 1
    this.#page = new Page(this, this.#stage, seed)
    this.ledgers.push(...this.#page.ledgers.values())
  }

  /** The page is gone at once, with all that it had not sent. */
  die(): void {
    if (!this.#page) return
    this.#stage.trace(`${this.name}'s page dies`)
    this.#page.end()
    this.#page = undefined
    this.#stage.scheduler.after(this.#dice.between(10, 1_500), () => this.open())
  }

  /** Make edits at random moments until they are used up. */
  plan(): void {
    const { scheduler, plan } = this.#stage
    if (this.#edits <= 0 || this.#stage.isCalm) return
    scheduler.after((this.#dice.roll() * 2 * plan.stormMs) / plan.edits, () => {
      this.#stage.guard(() => this.#edit())
      this.plan()
    })
  }

  #edit(): void {
    const key = this.#dice.pick(this.#stage.plan.keys)
    const model = this.#page?.models.get(key)
    if (!model?.isLoaded || this.#stage.isCalm) return
    this.#stage.touch(this.#page!)
    const count = this.#dice.chance(0.15) ? this.#dice.between(2, 6) : 1
    this.#edits -= count
    const run = () => {
      for (let n = 0; n < count; n += 1) this.#apply(key, model)
    }
    if (count > 1) model.batch(run)
    else run()
  }

  #apply(key: string, model: Model): void {
    // The page too: between two pages of a person no order is promised.
    const mark = `${this.name}.${this.#pages}-${(this.#marks += 1)}`
    const command = drawEdit(this.#dice, model, mark)
    const receipt = model.apply(command)
    this.#stage.trace(
      `${this.name} ${command.action} ${mark} at ${show(command.path ?? [])} ${receipt.id}` +
        (receipt.ok ? '' : ` refused: ${receipt.rejection?.code}`),
    )
    if (!receipt.ok) return
    this.#page!.ledgers.get(key)!.add(mark, command.action, receipt)
    if (command.action === 'delete') {
      if (model.read(command.path) !== undefined) {
        throw new Violation('at once', `${mark} deleted ${show(command.path)}, which still shows`)
      }
      return
    }
    const path = command.path ?? []
    const at = command.action === 'create' ? [...path, receipt.id] : path
    const found = (model.read(at) as { mark?: unknown } | undefined)?.mark
    if (found !== mark) {
      throw new Violation('at once', `${mark} does not show at ${show(at)}`, {
        expected: mark,
        found,
      })
    }
  }
}

/** One page: a client and its models, until it is closed. */
export class Page {
  readonly person: Person
  readonly user: User
  readonly client: Client
  readonly models = new Map<string, Model>()
  readonly ledgers = new Map<string, Ledger>()
  /** How far each model was confirmed, and how often that went back. */
  readonly progress = new Map<string, { count: number; setbacks: number }>()
  /** When that exchange about each model began which was answered last. */
  readonly syncedAt = new Map<string, number>()
  /** Models that held what is lost, and how often they had been told so before. */
  readonly setbacks = new Map<string, number>()
  /** What those who listen saw last. */
  readonly observed = new Map<string, unknown>()
  readonly seed: number
  isOver = false
  /** Until when nothing reaches the network, or comes back from it. */
  cutOffUntil = 0
  answersCutOffUntil = 0
  timers = 0
  readonly #stage: Stage
  readonly #wakers = new Set<() => void>()
  #asleepUntil = 0

  constructor(person: Person, stage: Stage, seed: number) {
    this.person = person
    this.user = person.user
    this.seed = seed
    this.#stage = stage
    this.client = createClient({
      transport: createTransport(this, stage),
      environment: this.#createEnvironment(new Dice(seed)),
      flush: TIMING,
      user: person.user,
      keepAliveMs: 3_600_000,
      interceptors: stage.plan.hasRules ? clientRules : [],
    })
    for (const key of stage.plan.keys) this.#open(key)
  }

  #open(key: string): void {
    const model = this.client.model(key)
    this.models.set(key, model)
    this.ledgers.set(key, new Ledger(key))
    model.subscribe(() => {
      if (!this.isOver) this.observed.set(key, model.read())
    })
    model.ready.catch(() => {})
  }

  /** What happens to the page from outside, at the moment when it does anything. */
  run(callback: () => void): void {
    const asleepMs = this.#asleepUntil - this.#stage.scheduler.now
    if (this.isOver) return
    if (asleepMs > 0) this.#stage.scheduler.after(asleepMs, () => this.run(callback))
    else {
      this.#stage.touch(this)
      this.#stage.guard(callback)
    }
  }

  sleep(ms: number): void {
    this.#asleepUntil = this.#stage.scheduler.now + ms
    this.#stage.scheduler.after(ms, () => this.wake())
  }

  wake(): void {
    this.run(() => {
      for (const wake of this.#wakers) wake()
    })
  }

  /** The page stops wherever it is. */
  end(): void {
    this.isOver = true
    this.#stage.strays(MAX_WAY_MS)
  }

  #createEnvironment(dice: Dice): Environment {
    const { scheduler, weather } = this.#stage
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
    }
  }
}
