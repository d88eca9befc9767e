import { isFlushoutError, type Flush, type FlushAnswer } from '@flushout/core'
import { createService, type FlushoutService } from '@flushout/server'
import { Connection, type Life } from './connection.ts'
import type { Dice } from './dice.ts'
import { refusal, type Message, type Reply } from './message.ts'
import { masterRules } from './rules.ts'
import type { Stage } from './stage.ts'
import { Violation } from './violation.ts'

/** One server process, which may die and be started again. */
export class Server {
  readonly name: string
  /** How far its clock is off, in milliseconds. */
  skewMs = 0
  readonly #stage: Stage
  readonly #dice: Dice
  #life: ServerLife | undefined
  #frozenUntil = 0

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

  start(): void {
    this.#stage.trace(`${this.name} starts`)
    this.#life = new ServerLife(this, this.#stage, this.#dice)
  }

  /** Nothing of what it did in memory goes on; it is started again after a while. */
  die(why: string): void {
    if (!this.isUp) return
    this.#stage.trace(`${this.name} dies ${why}`)
    this.#life!.isOver = true
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
    life.isOver = true
    if (this.#life === life) this.#stage.scheduler.after(100, () => this.start())
  }

  /** It does nothing for a while, and then goes on as if no time had passed. */
  standStill(ms: number): void {
    this.#stage.trace(`${this.name} stands still for ${ms} ms`)
    this.#frozenUntil = this.#stage.scheduler.now + ms
  }

  /** How long until it does anything. */
  get frozenMs(): number {
    return this.#frozenUntil - this.#stage.scheduler.now
  }

  serve(message: Message, answer: (reply: Reply) => void): void {
    const life = this.#life!
    life.run(() => {
      void life.serve(message).then((reply) => this.#answer(life, reply, answer))
    })
  }

  #answer(life: ServerLife, reply: Reply, answer: (reply: Reply) => void): void {
    if (this.#stage.weather.strikes('server dies before its answer')) this.die('before its answer')
    life.run(() => answer(reply))
  }
}

class ServerLife implements Life {
  isOver = false
  /** It answers who waits, and then ends. */
  isEnding = false
  readonly service: FlushoutService
  readonly #server: Server
  readonly #stage: Stage

  constructor(server: Server, stage: Stage, dice: Dice) {
    this.#server = server
    this.#stage = stage
    const { plan, scheduler, database, chronicle, weather } = stage
    this.service = createService({
      store: new Connection({
        database,
        chronicle,
        scheduler,
        weather,
        dice,
        life: this,
        isDatabaseDown: () => stage.isDatabaseDown,
        strays: (wayMs) => stage.strays(wayMs),
        trace: (line) => stage.trace(`${server.name} ${line}`),
      }),
      authorize: (user, action, key) => stage.permissions.authorize(user, action, key),
      models: [
        {
          pattern: `${plan.keys[0]!.replace(/:[^:]*$/, '')}:*`,
          initial: plan.initial,
          interceptors: plan.hasRules ? masterRules : [],
        },
      ],
      limits: {
        cacheBytes: plan.cacheBytes,
        historyBytes: plan.historyBytes,
        documentBytes: plan.documentBytes,
        attempts: 4,
      },
      checkpoint: plan.checkpoint,
      ...(plan.keepHistory !== undefined && { keepHistory: plan.keepHistory }),
      environment: {
        now: () => Math.floor(scheduler.now) + server.skewMs,
        random: dice.roll,
        fillRandom: dice.fill,
        setTimer: (callback, delayMs) => void scheduler.after(delayMs, () => this.run(callback)),
        defer: (callback) => void scheduler.after(0, () => this.run(callback)),
      },
    })
  }

  run(callback: () => void): void {
    const { frozenMs } = this.#server
    if (this.isOver) return
    if (frozenMs > 0) this.#stage.scheduler.after(frozenMs, () => this.run(callback))
    else callback()
  }

  die(why: string): void {
    if (!this.isOver) this.#server.die(why)
  }

  async serve({ key, flush, user }: Message): Promise<Reply> {
    const { permissions, plan, chronicle } = this.#stage
    // What the edge of a server does with a body that is too large.
    if (flush && flush.length > plan.flushBytes) return refusal('FLUSH_TOO_LARGE', 'never')
    const isForbidden = permissions.isForbidden(user, key)
    const rewrites = chronicle.rewrites(key)
    try {
      const answer = flush
        ? await this.service.flush(key, JSON.parse(flush) as Flush, user)
        : await this.service.snapshot(key, user)
      if (isForbidden && permissions.isForbidden(user, key)) {
        throw new Violation('permitted', `${user?.id} was served ${key}`, { found: answer })
      }
      if (!this.isOver && !chronicle.hasBeenAt(key, answer.commandCount, answer.hash)) {
        throw new Violation(
          'no phantom',
          `${this.#server.name} vouches for what was never committed`,
          {
            found: { commandCount: answer.commandCount, hash: answer.hash },
          },
        )
      }
      if (chronicle.rewrites(key) === rewrites && !chronicle.isCurrent(key, answer.hash)) {
        throw new Violation('no phantom', `${this.#server.name} vouches for a past that is gone`, {
          found: { commandCount: answer.commandCount, hash: answer.hash },
        })
      }
      const { verdicts, remaps } = answer as Partial<FlushAnswer>
      return {
        ok: true,
        text: JSON.stringify(answer),
        hash: answer.hash,
        rewrites,
        verdicts: JSON.stringify({ verdicts, remaps }),
      }
    } catch (error) {
      if (error instanceof Violation) return this.#stage.fail(error)
      if (!isFlushoutError(error)) {
        return this.#stage.fail(new Violation('quiet', `a server threw ${String(error)}`))
      }
      const { code, message, retry, retryAfterMs } = error
      return { ok: false, error: { code, message, retry, ...(retryAfterMs && { retryAfterMs }) } }
    }
  }
}
