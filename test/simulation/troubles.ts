import { countOf, ALL_FAULTS, type Fault } from './faults.ts'
import type { Content } from './database.ts'
import type { Person } from './person.ts'
import type { Server } from './server.ts'
import type { Stage } from './stage.ts'

const YEAR_MS = 365 * 24 * 3_600_000

/** The faults that come at a moment of their own, and not to a message or a call. */
export class Troubles {
  readonly #stage: Stage
  readonly #people: readonly Person[]
  readonly #servers: readonly Server[]

  constructor(stage: Stage, people: readonly Person[], servers: readonly Server[]) {
    this.#stage = stage
    this.#people = people
    this.#servers = servers
  }

  /** Spread them over the storm. */
  plan(): void {
    const { scheduler, weather, plan, dice } = this.#stage
    for (const fault of ALL_FAULTS) {
      if (!weather.has(fault)) continue
      for (let left = countOf(fault); left > 0; left -= 1) {
        if (left > 1 && dice.chance(0.5)) continue
        scheduler.after(200 + dice.roll() * (plan.stormMs - 200), () => this.#happen(fault))
      }
    }
  }

  #happen(fault: Fault): void {
    const { weather, dice, scheduler, plan } = this.#stage
    if (!weather.has(fault)) return
    const person = dice.pick(this.#people)
    const server = dice.pick(this.#servers)
    const key = dice.pick(plan.keys)
    const ms = dice.between(200, 3_000)
    const { page } = person
    switch (fault) {
      case 'client cut off':
        if (!page) return
        page.cutOffUntil = scheduler.now + ms
        page.answersCutOffUntil = scheduler.now + ms
        break
      case 'answers cut off':
        if (!page) return
        page.answersCutOffUntil = scheduler.now + ms
        break
      case 'client dies':
        if (!page) return
        weather.note(fault)
        return person.die()
      case 'client sleeps':
        if (!page) return
        page.sleep(ms)
        break
      case 'client is cloned':
        return this.#clone(person)
      case 'client clock jumps':
        person.skewMs = dice.pick([-YEAR_MS, -60_000, 60_000, YEAR_MS])
        break
      case 'server dies':
        if (!server.isUp) return
        weather.note(fault)
        return server.die('at a random moment')
      case 'server stands still':
        if (!server.isUp) return
        weather.note(fault)
        return server.standStill(ms)
      case 'server shuts down':
        if (!server.isUp) return
        weather.note(fault)
        return server.shutDown()
      case 'server clock jumps':
        server.skewMs = dice.pick([-YEAR_MS, -60_000, 60_000, YEAR_MS])
        break
      case 'database down':
        this.#stage.isDatabaseDown = true
        scheduler.after(ms, () => {
          this.#stage.isDatabaseDown = false
        })
        break
      case 'database put back':
        return this.#putBackAfter(ms, fault)
      case 'database loses its tail':
        return this.#putBackAfter(dice.between(20, 400), fault)
      case 'model made anew':
        return this.#rewrite(fault, new Map([[key, undefined]]))
      case 'permission revoked':
        this.#stage.permissions.revoke(person.user, key)
        scheduler.after(ms, () => this.#stage.admitAll())
        break
      case 'user logged out':
        person.isLoggedIn = false
        scheduler.after(ms, () => this.#stage.admitAll())
        break
      default:
        throw new Error(`${fault} does not come by itself.`)
    }
    weather.note(fault)
  }

  /** Another page that draws the very numbers of the first, as after a copy of a machine. */
  #clone(person: Person): void {
    const other = this.#people.find((one) => one !== person && one.page)
    if (!person.page || !other) return
    other.page!.end()
    this.#stage.weather.note('client is cloned')
    other.user = person.user
    other.open(person.page.seed)
  }

  /** Remember what the database holds now, and put that back later. */
  #putBackAfter(ms: number, fault: Fault): void {
    const { scheduler, database, plan } = this.#stage
    const saved = new Map<string, Content | undefined>()
    void scheduler.stopFor(
      (async () => {
        for (const key of plan.keys) saved.set(key, await database.look(key))
      })(),
    )
    scheduler.after(ms, () => {
      if (this.#stage.weather.has(fault)) this.#rewrite(fault, saved)
    })
  }

  /** Who held more than there is now has to be told. */
  #noteSetbacks(key: string): void {
    const head = this.#stage.chronicle.head(key)
    for (const { page } of this.#people) {
      const model = page?.models.get(key)
      const { confirmed = 0, historyChanges = 0 } = model?.status ?? {}
      // What was lost before may be back.
      if (confirmed > head) page!.setbacks.set(key, historyChanges)
      else page?.setbacks.delete(key)
    }
  }

  #rewrite(fault: Fault, contents: ReadonlyMap<string, Content | undefined>): void {
    const { scheduler, database, chronicle, weather } = this.#stage
    weather.note(fault)
    void scheduler.stopFor(
      (async () => {
        for (const [key, content] of contents) {
          await database.put(key, content)
          await chronicle.rewritten(key)
          this.#noteSetbacks(key)
          this.#stage.trace(`${key} is at ${content?.head.commandCount ?? 'nothing'} again`)
        }
      })(),
    )
  }
}
