import type { Flush, FlushAnswer } from '@flushout/core'
import { createService, type Environment, type FlushoutService } from '@flushout/server'
import { checkErased } from './audit-past.ts'
import { Connection, type Life } from './connection.ts'
import type { Dice } from './dice.ts'
import { Listener } from './listener.ts'
import { LiveDesk } from './live-desk.ts'
import { refusal, toRefusal, type Message, type Reply } from './message.ts'
import { masterRules } from './rules.ts'
import type { Stage } from './stage.ts'
import { Violation } from './violation.ts'

/** So the sweep comes about once a second. */
const IDLE_PACE = 3_600

/** The machine that a process runs on. */
interface Machine {
  readonly name: string
  /** How far its clock is off, in milliseconds. */
  readonly skewMs: number
  /** Until when it does nothing. */
  readonly frozenUntil: number
  die(why: string): void
}

/** One process of a server, from its start to its end. */
export class ServerLife implements Life {
  isOver = false
  readonly name: string
  /** It answers who waits, and then ends. */
  isEnding = false
  readonly service: FlushoutService
  readonly #server: Machine
  readonly #stage: Stage
  readonly environment: Environment
  /** What the application hears in this process. */
  readonly listener: Listener
  unfollow: () => void = () => {}
  readonly desk: LiveDesk

  constructor(server: Machine, stage: Stage, dice: Dice) {
    this.#server = server
    this.name = server.name
    this.#stage = stage
    const { plan, scheduler, database, chronicle, weather } = stage
    this.listener = new Listener(server.name, plan.feed, chronicle)
    this.environment = {
      now: () => Math.floor(scheduler.now) + server.skewMs,
      random: dice.roll,
      fillRandom: dice.fill,
      setTimer: (callback, delayMs, isIdle = false) => {
        // What is done now and then would go on for ever; and would hardly begin in a
        // run as short as this.
        if (isIdle && stage.isCalm) return () => {}
        const pauseMs = isIdle ? delayMs / IDLE_PACE : delayMs
        return scheduler.after(pauseMs, () => this.run(callback))
      },
      defer: (callback) => void scheduler.after(0, () => this.run(callback)),
    }
    this.service = createService({
      store: new Connection({
        database,
        chronicle,
        scheduler,
        weather,
        dice,
        life: this,
        hints: () => stage.bus.join(this),
        isDatabaseDown: () => stage.isDatabaseDown,
        strays: (wayMs) => stage.strays(wayMs),
        trace: (line) => stage.trace(`${server.name} ${line}`),
      }),
      authorize: (user, action, key) => stage.permissions.authorize(user, action, key),
      administer: () => true,
      models: [
        {
          pattern: plan.pattern,
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
      live: { heartbeatMs: plan.heartbeatMs, pollMs: plan.lookMs },
      history: plan.history,
      clients: plan.clients,
      environment: this.environment,
    })
    this.desk = new LiveDesk(stage, server.name, this)
    if (plan.hasServerFollowers) this.#follow()
  }

  run(callback: () => void): void {
    const { scheduler } = this.#stage
    const { frozenUntil } = this.#server
    if (this.isOver) return
    if (frozenUntil > scheduler.now) scheduler.at(frozenUntil, () => this.run(callback))
    else callback()
  }

  die(why: string): void {
    if (!this.isOver) this.#server.die(why)
  }

  end(): void {
    this.isOver = true
    this.#stage.bus.leave(this)
    this.desk.abandon()
  }

  async serve({ key, flush, user }: Message): Promise<Reply> {
    const { permissions, plan, chronicle, deeds } = this.#stage
    // What the edge of a server does with a body that is too large.
    if (flush && flush.length > plan.flushBytes) return refusal('FLUSH_TOO_LARGE', 'never')
    const isForbidden = permissions.isForbidden(user, key)
    const rewrites = chronicle.rewrites(key)
    const erased = deeds.erasings.filter(({ isDone }) => isDone)
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
      if (erased.length > 0) {
        checkErased(this.name, key, JSON.stringify(answer), { chronicle, erased })
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
      return toRefusal((violation) => this.#stage.fail(violation), error)
    }
  }

  /** The application in this process wants to know what happens to items. */
  #follow(): void {
    const { plan } = this.#stage
    this.unfollow = this.service.follow({ models: plan.pattern, ...plan.feed }, (event) => {
      if (this.isOver) return
      this.#stage.trace(`${this.name} itself hears of ${JSON.stringify(event)}`)
      this.#stage.guard(() => this.listener.hear(event))
    })
  }
}
