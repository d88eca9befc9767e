import type { LiveRequest, PresenceRequest, User } from '@flushout/core'
import type { Environment, FlushoutService } from '@flushout/server'
import type { Frame } from '../../packages/server/src/live/frame.ts'
import { createPollSink } from '../../packages/server/src/live/poll-sink.ts'
import type { Sink } from '../../packages/server/src/live/stream.ts'
import type { Life } from './connection.ts'
import { toRefusal, type LinkRequest, type Outlet, type Reply } from './message.ts'
import type { Stage } from './stage.ts'
import type { Violation } from './violation.ts'
import { Witness } from './witness.ts'

/** As the plugin does it: who is shown others has to hear sooner what a poll in between would miss. */
const PRESENCE_WAIT_MS = 5_000

/** Whose permissions are others, and for which model; for all of them without one. */
export interface AccessChange {
  readonly userId: string
  readonly key?: string
}

/** What a service needs to let pages hear of what happens: the part of the plugin. */
export class LiveDesk {
  readonly #stage: Stage
  readonly #name: string
  readonly #life: Life
  readonly #service: FlushoutService
  readonly #environment: Environment
  readonly #outlets = new Set<Outlet>()
  readonly #told: (AccessChange & { readonly at: number })[] = []

  constructor(
    stage: Stage,
    name: string,
    life: Life & { readonly service: FlushoutService; readonly environment: Environment },
  ) {
    this.#stage = stage
    this.#name = name
    this.#life = life
    this.#service = life.service
    this.#environment = life.environment
  }

  #fail = (violation: Violation): never => this.#stage.fail(violation)

  /** How long it may go on with what it knew of permissions. */
  get graceMs(): number {
    const { plan, weather } = this.#stage
    const stoodStillMs = weather.counts.has('server stands still') ? 3_000 : 0
    return plan.heartbeatMs + 1_000 + stoodStillMs
  }

  /** The process is gone: nobody is told anything any more. */
  abandon(): void {
    for (const outlet of this.#outlets) outlet.abandon()
    this.#outlets.clear()
  }

  /** A request has come, and is perhaps looked at later. */
  receive(outlet: Outlet): void {
    this.#outlets.add(outlet)
  }

  /** Let somebody hear of what happens. */
  async open({ kind, text, identify, forbiddenSince }: LinkRequest, outlet: Outlet): Promise<void> {
    const request = JSON.parse(text) as LiveRequest
    const witness = new Witness({
      stage: this.#stage,
      server: this.#name,
      request,
      user: identify(),
      forbiddenSince,
      toldAt: (key) => this.#toldAt(identify()?.id, key),
      graceMs: () => this.graceMs,
    })
    let close = () => {}
    const waitMs = request.presence ? PRESENCE_WAIT_MS : undefined
    const inner =
      kind === 'stream' ? this.#streamTo(outlet) : this.#answerTo(outlet, waitMs, () => close())
    const sink: Sink = {
      write: (frame) => {
        if (this.#life.isOver) return false
        this.#stage.guard(() => witness.hear(frame.event, frame.json.length))
        return witness.taken(inner.write(frame))
      },
      end: () => inner.end(),
    }
    try {
      const connection = this.#service.live(
        request,
        () => sink,
        async () => identify(),
      )
      outlet.accept()
      close = () => connection.close()
      outlet.onDrain = () => this.#life.run(() => connection.drained())
      outlet.onClose = () => this.#life.run(close)
      await connection.started
    } catch (error) {
      this.#outlets.delete(outlet)
      outlet.refuse(toRefusal(this.#fail, error).error)
    }
  }

  async announce(presence: string, user: User | undefined): Promise<Reply> {
    try {
      await this.#service.announce(JSON.parse(presence) as PresenceRequest, user)
      return { ok: true, text: '', hash: '', rewrites: 0, verdicts: '' }
    } catch (error) {
      return toRefusal(this.#fail, error)
    }
  }

  /** The application says that permissions are others. */
  tellOfAccess(change: AccessChange): void {
    this.#told.push({ ...change, at: this.#stage.scheduler.now })
    this.#service.permissionsChanged(change)
  }

  #streamTo(outlet: Outlet): Sink {
    return {
      write: ({ json }: Frame) => outlet.write(json),
      end: () => this.#end(outlet),
    }
  }

  #answerTo(outlet: Outlet, waitMs: number | undefined, close: () => void): Sink {
    return createPollSink(
      this.#environment,
      waitMs,
      (events) => {
        for (const event of events) outlet.write(JSON.stringify(event))
        this.#end(outlet)
        close()
      },
      (error) => {
        this.#outlets.delete(outlet)
        if (!this.#life.isOver) outlet.refuse(toRefusal(this.#fail, error).error)
        close()
      },
    )
  }

  #end(outlet: Outlet): void {
    this.#outlets.delete(outlet)
    if (!this.#life.isOver) outlet.end()
  }

  #toldAt(userId: string | undefined, key: string): number | undefined {
    return this.#told.findLast((one) => one.userId === userId && (one.key ?? key) === key)?.at
  }
}
