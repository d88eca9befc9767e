import type { User } from '@flushout/core'
import type { FlushoutService } from '@flushout/server'
import type { Dice } from './dice.ts'
import type { Listener } from './listener.ts'
import type { AccessChange } from './live-desk.ts'
import type { LinkRequest, Message, Outlet, Reply } from './message.ts'
import { ServerLife } from './server-life.ts'
import type { Stage } from './stage.ts'

/** One server process, which may die and be started again. */
export class Server {
  readonly name: string
  /** How far its clock is off, in milliseconds. */
  skewMs = 0
  readonly #stage: Stage
  readonly #dice: Dice
  #life: ServerLife | undefined
  /** Until when it does nothing. */
  frozenUntil = 0

  constructor(name: string, stage: Stage) {
    this.name = name
    this.#stage = stage
    this.#dice = stage.dice.fork()
  }

  get isUp(): boolean {
    return this.#life !== undefined && !this.#life.isOver
  }

  /** Whether it takes part, and is not about to end. */
  get isServing(): boolean {
    return this.isUp && !this.#life!.isEnding
  }

  get service(): FlushoutService | undefined {
    return this.#life?.service
  }

  /** What the application hears in this process. */
  get listener(): Listener | undefined {
    return this.#life?.listener
  }

  /** How long it may go on with what it knew of permissions. */
  get graceMs(): number {
    return this.#life?.desk.graceMs ?? 0
  }

  /** The application wants to hear no more. */
  unfollow(): void {
    this.#life?.unfollow()
  }

  start(): void {
    // It may have died while it was shutting down.
    if (this.isUp) return
    this.#stage.trace(`${this.name} starts`)
    this.#life = new ServerLife(this, this.#stage, this.#dice)
  }

  /** Nothing of what it did in memory goes on; it is started again after a while. */
  die(why: string): void {
    if (!this.isUp) return
    this.#stage.trace(`${this.name} dies ${why}`)
    this.#life!.end()
    this.#stage.scheduler.after(this.#dice.between(50, 2_000), () => this.start())
  }

  /** The end as it should be: who waits is answered, others are sent away. */
  shutDown(): void {
    const life = this.#life
    if (!life || life.isOver) return
    this.#stage.trace(`${this.name} shuts down`)
    life.isEnding = true
    life.service.drain()
    void life.service.close().then(() => this.#ended(life))
  }

  #ended(life: ServerLife): void {
    life.end()
    if (this.#life === life) this.#stage.scheduler.after(100, () => this.start())
  }

  /** It does nothing for a while, and then goes on as if no time had passed. */
  standStill(ms: number): void {
    this.#stage.trace(`${this.name} stands still for ${ms} ms`)
    this.frozenUntil = this.#stage.scheduler.now + ms
  }

  serve(message: Message, answer: (reply: Reply) => void): void {
    const life = this.#life!
    life.run(() => {
      void life.serve(message).then((reply) => this.#answer(life, reply, answer))
    })
  }

  open(request: LinkRequest, outlet: Outlet): void {
    const life = this.#life!
    life.desk.receive(outlet)
    life.run(() => void life.desk.open(request, outlet))
  }

  announce(presence: string, user: User | undefined, answer: (reply: Reply) => void): void {
    const life = this.#life!
    life.run(() => {
      void life.desk.announce(presence, user).then((reply) => life.run(() => answer(reply)))
    })
  }

  /** Let the application in this process do something; gives the process that does it, if there is one. */
  ask(work: (service: FlushoutService) => Promise<void>): { readonly isOver: boolean } | undefined {
    const life = this.#life
    if (!life || life.isOver) return undefined
    life.run(() => void work(life.service))
    return life
  }

  /** The application says that permissions are others. */
  tellOfAccess(change: AccessChange): void {
    const life = this.#life
    life?.run(() => life.desk.tellOfAccess(change))
  }

  #answer(life: ServerLife, reply: Reply, answer: (reply: Reply) => void): void {
    if (this.#stage.weather.strikes('server dies before its answer')) this.die('before its answer')
    life.run(() => answer(reply))
  }
}
