import type { Draft, Model, Receipt } from '@flushout/client'
import type { Command, Expects, JsonValue, Update } from '@flushout/core'
import { isDeepStrictEqual } from 'node:util'
import { REGISTERS, SECRETS } from './desk.ts'
import type { Dice } from './dice.ts'
import { Scribbler, type Scribe } from './scribbler.ts'
import type { Stage } from './stage.ts'
import { Violation } from './violation.ts'
import type { Watched } from './watch.ts'

/** A page that is looked at. */
interface Screen extends Watched {
  run(callback: () => void): void
}

/** Whose habits they are. */
interface Author extends Scribe {
  readonly page: Screen | undefined
  note(key: string, mark: string, action: Command['action'], receipt: Receipt): void
}

/** What someone does besides plain edits: claims, groups, labels, drafts, undo. */
export class Habits {
  readonly #author: Author
  readonly #stage: Stage
  readonly #dice: Dice
  readonly #scribbler: Scribbler
  // The registers of each model when they were looked at, perhaps long ago.
  readonly #looks = new Map<string, { readonly value: JsonValue; readonly since: number }>()
  #left: number

  constructor(author: Author, stage: Stage, dice: Dice) {
    this.#author = author
    this.#stage = stage
    this.#dice = dice
    this.#scribbler = new Scribbler(author, stage, dice)
    this.#left = dice.between(3, 8)
  }

  /** Do something at random moments until enough was done. */
  plan(): void {
    const { scheduler, plan } = this.#stage
    if (this.#left <= 0 || this.#stage.isCalm) return
    scheduler.after((this.#dice.roll() * plan.stormMs) / 3, () => {
      this.#left -= 1
      this.#stage.guard(() => this.#act())
      this.plan()
    })
  }

  #act(): void {
    const key = this.#dice.pick(this.#stage.plan.keys)
    const page = this.#author.page
    const model = page?.models.get(key)
    if (!page || !model?.isLoaded || this.#stage.isCalm) return
    this.#stage.touch(page)
    switch (this.#dice.between(0, 13)) {
      case 0:
      case 1:
        return this.#claim(key, model)
      case 2:
      case 3:
        return this.#group(key, model, page)
      case 4:
      case 5:
        return this.#decide(key, model, page)
      case 6:
        return this.#label(key, model)
      case 7:
      case 8:
        return this.#keepSecret(key, model)
      case 9:
        return void this.#draft(key, model, page)
      default:
        return this.#scribbler.scribble(key, model)
    }
  }

  /** Set what has to be as it was seen, now or some time ago. */
  #claim(key: string, model: Model): void {
    const name = this.#dice.pick(REGISTERS)
    const known = this.#looks.get(key + name)
    const look = { value: valueOf(model, name)!, since: model.status.confirmed }
    this.#looks.set(key + name, look)
    const { value, since } = known && this.#dice.chance(0.4) ? known : look
    const mark = this.#author.nextMark()
    const expects = this.#dice.pick<Expects>([
      { props: { value } },
      { props: { value } },
      { since },
      { props: { value }, since },
      { unset: ['owner'] },
      { unset: ['owner'] },
    ])
    const owner = expects.unset && { owner: mark }
    const path = ['shelf', name]
    const props = { mark, value: mark, ...owner }
    this.#give(key, model, mark, { action: 'update', path, props, expects })
  }

  /** Set several registers at once, or none. */
  #group(key: string, model: Model, page: Screen): void {
    this.#batch(key, model, page, undefined)
  }

  /** The same, because of what others hold. */
  #decide(key: string, model: Model, page: Screen): void {
    const read = this.#draw(REGISTERS, this.#dice.between(1, 2))
    this.#batch(key, model, page, new Map(read.map((name) => [name, valueOf(model, name)])))
  }

  #batch(
    key: string,
    model: Model,
    page: Screen,
    saw: ReadonlyMap<string, JsonValue | undefined> | undefined,
  ): void {
    const { deeds, plan } = this.#stage
    const before = model.read()
    const since = model.status.confirmed
    const names = this.#draw(REGISTERS, this.#dice.between(saw ? 1 : 2, 3))
    const label = this.#dice.chance(0.3) ? 'All or nothing' : undefined
    const marks: string[] = []
    const receipts: Receipt[] = []
    const run = () => {
      for (const name of names) {
        const mark = this.#author.nextMark()
        const rule = plan.hasRules ? this.#dice.pick(['none', 'none', 'reject', 'trim']) : 'none'
        const props = { mark, value: mark, rule }
        const known = this.#dice.chance(0.3) ? this.#looks.get(key + name)?.value : undefined
        const expects = { props: { value: known ?? valueOf(model, name)! } }
        const isClaim = this.#dice.chance(0.3)
        const path = ['shelf', name]
        this.#looks.set(key + name, { value: valueOf(model, name)!, since })
        if (isClaim) deeds.claims.set(mark, { key, path, expects })
        marks.push(mark)
        receipts.push(model.apply({ action: 'update', path, props, ...(isClaim && { expects }) }))
      }
    }
    const named = label === undefined ? {} : { label }
    const reads = [...(saw?.keys() ?? [])].map((name) => ['shelf', name])
    model.batch(run, saw ? { reads, ...named } : { atomic: true, ...named })
    this.#stage.trace(`${this.#author.name} gives as one ${marks.join()} at ${names.join()}`)
    this.#checkWhole(marks, receipts, { before, after: model.read() })
    if (!receipts.every(({ ok }) => ok)) return
    receipts.forEach((receipt, index) => this.#author.note(key, marks[index]!, 'update', receipt))
    if (label !== undefined) for (const mark of marks) deeds.labels.set(mark, label)
    const isShared = page.profile !== undefined
    deeds.groups.push({ key, marks, receipts, saw, since, isShared })
  }

  #checkWhole(
    marks: readonly string[],
    receipts: readonly Receipt[],
    { before, after }: { readonly before: unknown; readonly after: unknown },
  ): void {
    const accepted = receipts.filter(({ ok }) => ok).length
    if (accepted === receipts.length) return
    if (accepted === 0 && isDeepStrictEqual(before, after)) return
    throw new Violation('whole', `${marks.join()} was refused, and something of it is here`, {
      expected: before,
      found: after,
    })
  }

  /** Several edits, which need not stay together, by one name. */
  #label(key: string, model: Model): void {
    const { deeds } = this.#stage
    const label = `Tidy ${this.#dice.between(1, 99)}`
    model.batch(
      () => {
        for (const name of this.#draw(REGISTERS, this.#dice.between(1, 3))) {
          const mark = this.#author.nextMark()
          const props = { mark, value: mark }
          deeds.labels.set(mark, label)
          const path = ['shelf', name]
          this.#give(key, model, mark, { action: 'update', path, props, unset: ['owner'] })
        }
      },
      { label },
    )
  }

  /** Write what somebody may have erased. */
  #keepSecret(key: string, model: Model): void {
    const name = this.#dice.pick(SECRETS)
    const path = ['secrets', name]
    const mark = this.#author.nextMark()
    const words = `hush ${name} ${mark};`
    const found = model.read([...path, 'words']) as JsonValue | undefined
    const label = this.#dice.chance(0.3) ? { label: `About ${words}` } : {}
    if (label.label) this.#stage.deeds.labels.set(mark, label.label)
    if (found === undefined || this.#dice.chance(0.4)) {
      const props = { mark, [name]: { words } }
      return this.#give(key, model, mark, { action: 'update', path: ['secrets'], props }, label)
    }
    const expects = { props: { words: found } }
    const props = { mark, words }
    this.#give(key, model, mark, { action: 'update', path, props, expects }, label)
  }

  #give(key: string, model: Model, mark: string, command: Update, label = {}): void {
    const { path = [], expects } = command
    if (expects) this.#stage.deeds.claims.set(mark, { key, path, expects })
    const receipt = model.apply(command, label)
    this.#stage.trace(
      `${this.#author.name} update ${mark} at ${path.join('/')} for ${JSON.stringify(expects)}` +
        (receipt.ok ? '' : ` refused: ${receipt.rejection?.code}`),
    )
    if (!receipt.ok) return
    this.#author.note(key, mark, 'update', receipt)
    const found = (model.read(path) as { mark?: unknown } | undefined)?.mark
    if (found === mark) return
    throw new Violation('at once', `${mark} does not show at ${path.join('/')}`, {
      expected: mark,
      found,
    })
  }

  /** Try something out, and publish it later, or not. */
  async #draft(key: string, model: Model, page: Screen): Promise<void> {
    const { scheduler } = this.#stage
    const delayMs = this.#dice.between(20, 900)
    const isPublished = this.#dice.chance(0.7)
    const options = this.#dice.pick([{}, { atomic: true }, { label: 'Out of a draft' }])
    const series = `d${this.#left}`
    const names = this.#draw(REGISTERS, this.#dice.between(1, 2))
    // The module of drafts is loaded, which is real.
    const draft = await scheduler.stopFor(model.fork())
    page.run(() => {
      const marks = names.map((name) => this.#edit(draft, name, series))
      const end = () => {
        const mayPublish = isPublished && !this.#stage.isCalm
        if (mayPublish) this.#publish(key, model, page, { draft, marks, options })
        else draft.discard()
      }
      scheduler.after(delayMs, () => page.run(end))
    })
  }

  #edit(draft: Draft, name: string, series: string): string {
    const mark = this.#author.nextMark(series)
    const props = { mark, value: mark }
    this.#stage.deeds.drafted.add(mark)
    this.#stage.trace(`${this.#author.name} drafts ${mark} at ${name}`)
    draft.apply({ action: 'update', path: ['shelf', name], props })
    const found = draft.read(['shelf', name, 'mark'] as never) as unknown
    if (found !== mark) {
      throw new Violation('at once', `${mark} does not show in its draft`, { found })
    }
    return mark
  }

  #publish(
    key: string,
    model: Model,
    page: Screen,
    {
      draft,
      marks,
      options,
    }: {
      readonly draft: Draft
      readonly marks: readonly string[]
      readonly options: { readonly atomic?: boolean; readonly label?: string }
    },
  ): void {
    const { deeds } = this.#stage
    const since = model.status.confirmed
    this.#stage.trace(`${this.#author.name} publishes ${marks.join()}`)
    const receipts = draft.publish(options)
    marks.forEach((mark, index) => {
      deeds.drafted.delete(mark)
      const receipt = receipts[index]
      if (!receipt?.ok) return
      this.#author.note(key, mark, 'update', receipt)
      if (options.label !== undefined) deeds.labels.set(mark, options.label)
    })
    if (!options.atomic || !receipts.every(({ ok }) => ok)) return
    const isShared = page.profile !== undefined
    deeds.groups.push({ key, marks, receipts, saw: undefined, since, isShared })
  }

  /** So many of a list, each once. */
  #draw<T>(list: readonly T[], count: number): readonly T[] {
    const left = [...list]
    return Array.from({ length: count }, () => {
      const [drawn] = left.splice(this.#dice.between(0, left.length - 1), 1)
      return drawn!
    })
  }
}

function valueOf(model: Model, name: string): JsonValue | undefined {
  return model.read(['shelf', name, 'value'] as never) as JsonValue | undefined
}
