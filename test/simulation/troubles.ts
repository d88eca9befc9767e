import { strike } from './device-troubles.ts'
import { countOf, ALL_FAULTS, isDeviceFault, type Fault } from './faults.ts'
import type { Content } from './database.ts'
import type { Device } from './device.ts'
import type { Person } from './person.ts'
import type { Profile } from './profile.ts'
import type { Server } from './server.ts'
import type { Stage } from './stage.ts'

const YEAR_MS = 365 * 24 * 3_600_000

/** A stage with whoever may have troubles. */
interface Scene extends Stage {
  readonly people: readonly Person[]
  readonly profiles: Profile[]
  readonly servers: readonly Server[]
  readonly devices: readonly Device[]
}

/** The faults that come at a moment of their own, and not to a message or a call. */
export class Troubles {
  readonly #stage: Scene

  constructor(stage: Scene) {
    this.#stage = stage
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
    const { weather, dice, scheduler, plan, devices } = this.#stage
    if (!weather.has(fault)) return
    if (isDeviceFault(fault)) return strike(fault, this.#stage)
    const person = dice.pick(this.#stage.people)
    const server = dice.pick(this.#stage.servers)
    const key = dice.pick(plan.keys)
    const ms = dice.between(200, 3_000)
    const { page } = person
    const device = dice.pick(devices)
    switch (fault) {
      case 'client cut off':
        if (!device) return
        device.cutOffUntil = scheduler.now + ms
        device.answersCutOffUntil = scheduler.now + ms
        break
      case 'answers cut off':
        if (!device) return
        device.answersCutOffUntil = scheduler.now + ms
        break
      case 'stream cut':
      case 'stream cut silently':
        if (!device?.links.size) return
        dice.pick([...device.links]).cut(fault === 'stream cut silently')
        break
      case 'streams blocked':
        this.#stage.blockedUntil = scheduler.now + ms
        break
      case 'notices stop':
        this.#stage.bus.goDown(ms)
        break
      case 'client dies':
        if (!page) return
        weather.note(fault)
        return person.die()
      case 'client sleeps':
        if (!device) return
        device.sleep(ms)
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
        this.#tellOfAccess({ userId: person.user.id, key })
        scheduler.after(ms, () => this.#stage.admitAll())
        break
      case 'user logged out':
        person.account.loggedOutAt ??= scheduler.now
        this.#tellOfAccess({ userId: person.user.id })
        scheduler.after(ms, () => this.#stage.admitAll())
        break
      default:
        throw new Error(`${fault} does not come by itself.`)
    }
    weather.note(fault)
  }

  /** Perhaps the application tells one of the servers. */
  #tellOfAccess(change: { userId: string; key?: string }): void {
    const server = this.#stage.dice.pick(this.#stage.servers)
    if (this.#stage.dice.chance(0.6)) server.tellOfAccess(change)
  }

  /** Another page that draws the very numbers of the first, as after a copy of a machine. */
  #clone(person: Person): void {
    const other = this.#stage.people.find((one) => one !== person && one.page && !one.profile)
    if (!person.page || person.profile || !other) return
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
    for (const { page } of this.#stage.people) {
      const model = page?.models.get(key)
      const { confirmed = 0, historyChanges = 0, inFlight = 0 } = model?.status ?? {}
      // A flush under way names what was known when it was made, and not what was
      // heard since. What was lost before may be back.
      if (confirmed > head && inFlight === 0) page!.setbacks.set(key, historyChanges)
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
