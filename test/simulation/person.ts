import {
  createClient,
  onDevice,
  type Client,
  type ClientStorage,
  type Model,
  type Receipt,
} from '@flushout/client'
import type { Path, User } from '@flushout/core'
import { Account } from './account.ts'
import { Tab } from './browser.ts'
import { Device } from './device.ts'
import type { Dice } from './dice.ts'
import type { Keeping } from './drive.ts'
import { Ledger, type Edit, type Outgoing } from './ledger.ts'
import { createTransport } from './network.ts'
import type { Profile } from './profile.ts'
import type { Line } from './sender.ts'
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
  /** What came of everything this person ever did, page after page. */
  readonly ledgers: Ledger[] = []
  readonly isBlocked: boolean
  readonly #stage: Stage
  readonly #dice: Dice
  #profile: Profile | undefined
  #skewMs = 0
  readonly #account = new Account()
  #page: Page | undefined
  #pages = 0
  #marks = 0
  #edits: number

  constructor(name: string, stage: Stage, profile: Profile | undefined) {
    this.name = name
    this.user = profile?.user ?? { id: name }
    this.#profile = profile
    this.#stage = stage
    this.#dice = stage.dice.fork()
    this.#edits = stage.plan.edits
    this.isBlocked = this.#dice.chance(stage.plan.blockedShare / 100)
  }

  /** The login of their browser. */
  get account(): Account {
    return this.#profile?.account ?? this.#account
  }

  /** What keeps the edits of their pages; undefined if nothing does. */
  get profile(): Profile | undefined {
    return this.#profile
  }

  /** How far the clock of their device is off, in milliseconds. */
  get skewMs(): number {
    return this.#profile?.skewMs ?? this.#skewMs
  }

  set skewMs(ms: number) {
    if (this.#profile) this.#profile.skewMs = ms
    else this.#skewMs = ms
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

  /** The page is gone at once, with all that it had not sent or stored. */
  die(): void {
    if (!this.#page) return
    this.#stage.trace(`${this.name}'s page dies`)
    this.#end()
    this.#stage.scheduler.after(this.#dice.between(10, 1_500), () => this.openOnce())
  }

  /** Load the page again: this one ends in order, and the next begins. */
  reload(): void {
    if (!this.#page) return
    this.#stage.trace(`${this.name} loads the page again`)
    this.#page.client.close()
    this.#end()
    this.#stage.scheduler.after(this.#dice.between(1, 300), () => this.openOnce())
  }

  /** From now on use that profile. */
  moveTo(profile: Profile): void {
    this.#stage.trace(`${this.name} goes on with ${profile.name}`)
    this.#end()
    this.#profile = profile
    this.user = profile.user
    this.openOnce()
  }

  #end(): void {
    this.#page?.end()
    this.#page = undefined
  }

  /** Open a page, unless one is open. */
  openOnce(): void {
    if (!this.#page) this.open()
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
    const mark = this.nextMark()
    this.#stage.trace(`${this.name} tries who hears of ${mark}`)
    const { models } = this.#page!
    this.#stage.touch(this.#page!)
    const receipt = models.get(key)!.apply({ action: 'update', path: [], props: { mark } })
    if (receipt.ok) this.note(key, mark, 'update', receipt)
  }

  /** What tells the next edit from all others; `series` if it is given out of turn. */
  nextMark(series = ''): string {
    // The page too: between two pages of a person no order is promised.
    return `${this.name}.${this.#pages}${series}-${(this.#marks += 1)}`
  }

  /** Write down an edit that was not refused on the spot. */
  note(key: string, mark: string, action: string, receipt: Receipt, after?: string): void {
    const edit = this.#page!.ledgers.get(key)!.add(mark, action, receipt, { after })
    if (!this.#profile || action === 'delete') return
    this.#profile.estate.edits.set(mark, edit)
    void this.#checkDurable(edit, this.#page!)
  }

  /** The same, of one that does not carry its mark. */
  noteUnmarked(key: string, action: string, receipt: Receipt): void {
    this.#page!.ledgers.get(key)!.add(this.nextMark(), action, receipt, { isMarked: false })
  }

  async #checkDurable(edit: Edit, page: Page): Promise<void> {
    const isDurable = await edit.receipt.durable
    if (!isDurable || edit.isStored || edit.receipt.outcome || page.isOver) return
    this.#stage.guard(() => {
      throw new Violation('kept', `${edit.mark} was told to be durable, and was on no disk`)
    })
  }

  /** The mark that shows at `path`, if it is of an edit of another tab that waits to be sent. */
  #unsent(model: Model, path: Path): string | undefined {
    // Two tabs may take such a name, and each means its own.
    if (path[1]?.startsWith('slot-')) return undefined
    const { mark } = (model.read(path) ?? {}) as { mark?: string }
    const edit = this.#profile?.estate.edits.get(mark ?? '')
    return edit && !edit.receipt.outcome && edit.flushes.length === 0 ? mark : undefined
  }

  /** Whether anything of a model was not answered yet. */
  hasPending(key: string): boolean {
    const { queued, inFlight } = this.#page!.models.get(key)!.status
    return queued + inFlight > 0
  }

  #apply(key: string, model: Model): void {
    const mark = this.nextMark()
    const command = drawEdit(this.#dice, model, mark)
    const after = command.action === 'update' ? this.#unsent(model, command.path ?? []) : undefined
    const receipt = model.apply(command)
    this.#stage.trace(
      `${this.name} ${command.action} ${mark} at ${show(command.path ?? [])} ${receipt.id}` +
        (receipt.ok ? '' : ` refused: ${receipt.rejection?.code}`),
    )
    if (!receipt.ok) return
    this.note(key, mark, command.action, receipt, after)
    if (command.action === 'delete') {
      this.#stage.deleted.add(command.path[1] ?? '')
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
export class Page extends Device implements Keeping {
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
  readonly profile: Profile | undefined
  readonly outgoing: ReadonlyMap<string, Outgoing>
  readonly storage: ClientStorage | undefined
  readonly #tab: Tab | undefined
  readonly #die: () => void
  endedAt = Number.NEGATIVE_INFINITY

  constructor(person: Person, stage: Stage, seed: number, name: string) {
    super(person, stage, seed)
    const { keys, hasRules, askMs, hasPresence } = stage.plan
    const { profile } = person
    this.profile = profile
    this.#die = () => {
      if (person.page === this) person.die()
    }
    this.outgoing = profile?.estate.outgoing ?? this.ledgers
    this.storage = profile?.drive.open(this)
    this.#tab = profile && new Tab(profile.browser, this)
    const { storage } = this
    this.client = createClient({
      transport: createTransport(this, stage),
      environment: this.environment,
      flush: { ...TIMING, pollMs: askMs },
      user: person.user,
      keepAliveMs: 3_600_000,
      interceptors: hasRules ? clientRules : [],
      ...(storage && { storage: onDevice({ storage, tabs: this.#tab }) }),
    })
    for (const key of keys) this.#open(key)
    if (!hasPresence) return
    this.whereabouts = new Whereabouts(name, this.user.id, this.models)
    for (const key of keys) this.whereabouts.move(key, true)
  }

  #open(key: string): void {
    const model = this.client.model(key)
    this.models.set(key, model)
    this.ledgers.set(key, new Ledger(key, this.profile?.estate.outgoing.get(key)))
    model.subscribe(() => {
      if (!this.isOver) this.observed.set(key, model.read())
    })
    const stored = this.profile?.unsentTodos(key) ?? []
    const check = () => this.stage.guard(() => this.#checkShown(key, stored))
    model.ready.then(check, () => {})
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

  /** Of a tab the one of the gateway is as good as its own. */
  override soundLink(key: string): Line | undefined {
    if (!this.profile) return super.soundLink(key)
    if (this.isAsleep || this.models.get(key)!.status.state !== 'live') return undefined
    const gateway = this.profile.gateway as Page | undefined
    return this.#ownLink(key) ?? (gateway && gateway.#ownLink(key))
  }

  #ownLink(key: string): Line | undefined {
    return super.soundLink(key)
  }

  /** What the disk held when the page was opened, and still holds, shows as soon as anything does. */
  #checkShown(key: string, stored: readonly string[]): void {
    if (stored.length === 0 || this.isOver || !this.storage!.isDurable) return
    const shown = JSON.stringify(this.models.get(key)!.read())
    const left = new Set(this.profile!.unsentTodos(key))
    for (const mark of stored) {
      if (!left.has(mark) || shown.includes(`"born":"${mark}"`)) continue
      throw new Violation(
        'shown',
        `${mark} is on the disk, and ${this.person.name} does not see it`,
      )
    }
  }

  crash(): void {
    this.#die()
  }

  override sent(): void {
    if (!this.profile || !this.stage.weather.strikes('page dies after it sent')) return
    this.stage.scheduler.after(0, () => this.crash())
  }

  override end(): void {
    this.endedAt = this.stage.scheduler.now
    super.end()
    this.#tab?.end()
  }

  protected override touched(): void {
    this.stage.touch(this)
  }
}
