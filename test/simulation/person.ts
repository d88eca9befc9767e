import { createClient, type Client, type Model } from '@flushout/client'
import type { User } from '@flushout/core'
import { Device } from './device.ts'
import type { Dice } from './dice.ts'
import { Ledger } from './ledger.ts'
import { createTransport } from './network.ts'
import { clientRules } from './rules.ts'
import type { Stage } from './stage.ts'
import { show, Violation } from './violation.ts'
import { Whereabouts } from './whereabouts.ts'
import { drawEdit } from './workload.ts'

/** When clients of a run flush. */
export const TIMING = {
  quietMs: 50,
  maxDelayMs: 250,
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
  /** Since when the session is not valid any more. */
  loggedOutAt: number | undefined
  readonly isBlocked: boolean
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
    this.isBlocked = this.#dice.chance(stage.plan.blockedShare / 100)
  }

  get isLoggedIn(): boolean {
    return this.loggedOutAt === undefined
  }

  get page(): Page | undefined {
    return this.#page
  }

  /** Open a page. `seed` makes it draw the very numbers of another. */
  open(seed = this.#dice.between(0, 2 ** 31)): void {
    this.#stage.trace(`${this.name} opens a page`)
    this.#pages += 1
    this.#page = new Page(this, this.#stage, seed, `${this.name}.${this.#pages}`)
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
    if (this.#dice.chance(0.4)) this.#page!.whereabouts?.move(key, this.#dice.chance(0.8))
    const count = this.#dice.chance(0.15) ? this.#dice.between(2, 6) : 1
    this.#edits -= count
    const run = () => {
      for (let n = 0; n < count; n += 1) this.#apply(key, model)
    }
    if (count > 1) model.batch(run)
    else run()
  }

  /** Make one more edit that nobody minds. */
  probe(key: string): void {
    const mark = `${this.name}.${this.#pages}-${(this.#marks += 1)}`
    this.#stage.trace(`${this.name} tries who hears of ${mark}`)
    const { models, ledgers } = this.#page!
    this.#stage.touch(this.#page!)
    const receipt = models.get(key)!.apply({ action: 'update', path: [], props: { mark } })
    if (receipt.ok) ledgers.get(key)!.add(mark, 'update', receipt)
  }

  /** Whether anything of a model was not answered yet. */
  hasPending(key: string): boolean {
    const { queued, inFlight } = this.#page!.models.get(key)!.status
    return queued + inFlight > 0
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
export class Page extends Device {
  readonly client: Client
  readonly models = new Map<string, Model>()
  readonly ledgers = new Map<string, Ledger>()
  /** How far each model was confirmed, and how often that went back. */
  readonly progress = new Map<string, { count: number; setbacks: number }>()
  /** Models that held what is lost, and how often they had been told so before. */
  readonly setbacks = new Map<string, number>()
  /** What those who listen saw last. */
  readonly observed = new Map<string, unknown>()
  readonly whereabouts: Whereabouts | undefined

  constructor(person: Person, stage: Stage, seed: number, name: string) {
    super(person, stage, seed)
    const { keys, hasRules, askMs, hasPresence } = stage.plan
    this.client = createClient({
      transport: createTransport(this, stage),
      environment: this.environment,
      flush: { ...TIMING, pollMs: askMs },
      user: person.user,
      keepAliveMs: 3_600_000,
      interceptors: hasRules ? clientRules : [],
    })
    for (const key of keys) this.#open(key)
    if (!hasPresence) return
    this.whereabouts = new Whereabouts(name, this.user.id, this.models)
    for (const key of keys) this.whereabouts.move(key, true)
  }

  #open(key: string): void {
    const model = this.client.model(key)
    this.models.set(key, model)
    this.ledgers.set(key, new Ledger(key))
    model.subscribe(() => {
      if (!this.isOver) this.observed.set(key, model.read())
    })
    model.ready.catch(() => {})
    let isWarned = false
    model.subscribeStatus(() => {
      const isGone = model.status.error?.code === 'MODEL_NOT_FOUND'
      // The app says that the model is gone, and whoever reads that tries again.
      if (isGone && !isWarned) {
        this.stage.scheduler.after(500, () => this.run(() => this.client.resume()))
      }
      isWarned = isGone
    })
  }

  protected override touched(): void {
    this.stage.touch(this)
  }
}
