import type { Transport } from '@flushout/client'
import {
  FlushoutError,
  type ErrorCode,
  type Flush,
  type FlushAnswer,
  type Retry,
  type Snapshot,
} from '@flushout/core'
import { idOf, type Outgoing } from './ledger.ts'
import { createLiveTransport } from './live-transport.ts'
import { refusal, type Answer, type Reply } from './message.ts'
import type { Sender } from './sender.ts'
import type { Stage } from './stage.ts'
import { Violation } from './violation.ts'

/** Refusals that mean: your past is not ours. */
const ALARMS = new Set([
  'HISTORY_CHANGED',
  'SEQUENCE_GAP',
  'SEQUENCE_REUSED',
  'SEQUENCE_PAST',
  'CLIENT_EXPIRED',
])

/** The way from a page to the servers and back, through a balancer that knows none of them. */
export function createTransport(sender: Sender, stage: Stage): Transport {
  return {
    load: (key, signal) =>
      new Exchange(sender, stage, key, undefined, signal).begin() as Promise<Snapshot>,
    flush: (key, flush, signal) => new Exchange(sender, stage, key, flush, signal).begin(),
    ...(stage.plan.hasLive && { live: createLiveTransport(sender, stage) }),
  }
}

/** One message and its answer, or whatever becomes of them. */
class Exchange {
  readonly #sender: Sender
  readonly #stage: Stage
  readonly #key: string
  readonly #flush: Flush | undefined
  readonly #text: string | undefined
  readonly #signal: AbortSignal
  #sentAt = 0
  #resolve: (answer: unknown) => void = () => {}
  #reject: (error: Error) => void = () => {}

  constructor(
    sender: Sender,
    stage: Stage,
    key: string,
    flush: Flush | undefined,
    signal: AbortSignal,
  ) {
    this.#sender = sender
    this.#stage = stage
    this.#key = key
    this.#flush = flush
    this.#text = flush && JSON.stringify(flush)
    this.#signal = signal
  }

  begin(): Promise<unknown> {
    const { scheduler, weather, dice } = this.#stage
    this.#sentAt = scheduler.now
    this.#sender.asking.set(this.#key, { at: this.#sentAt, signal: this.#signal })
    if (this.#flush) {
      this.#sender.held.set(this.#key, this.#flush.hash)
      this.#stage.guard(() => this.#outgoing.depart(this.#flush!))
      this.#trace(`sends ${this.#name} of ${this.#flush.commands.length} from ${this.#flush.from}`)
      if (this.#flush.commands.length > 0) this.#sender.sent()
    } else this.#trace(`loads ${this.#key}`)
    let wayMs = 1 + dice.roll() * 10
    if (weather.strikes('message slow')) wayMs += dice.between(100, 1_500)
    if (weather.strikes('request arrives after its time-out')) wayMs += dice.between(2_000, 4_000)
    if (!this.#isLost('request lost', this.#sender.cutOffUntil)) {
      if (wayMs > 1_000) this.#stage.strays(wayMs)
      scheduler.after(wayMs, () => this.#arrive((reply) => this.#return(reply)))
      if (weather.strikes('request repeated')) this.#repeat(wayMs)
    }
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** The network makes a copy, which arrives later and is answered to nobody. */
  #repeat(wayMs: number): void {
    const { scheduler, dice } = this.#stage
    if (this.#flush) this.#outgoing.copied.add(idOf(this.#flush))
    const copyMs = wayMs + dice.roll() * dice.pick([2, 50, 3_000])
    this.#stage.strays(copyMs)
    scheduler.after(copyMs, () => this.#arrive(() => {}, true))
  }

  #arrive(answer: (reply: Reply) => void, isCopy = false): void {
    const { weather } = this.#stage
    if (weather.strikes('gateway refuses')) return answer(refusal('UNAVAILABLE', 'same-flush'))
    const server = this.#stage.balance()
    if (!server) return this.#break(isCopy)
    this.#stage.trace(`${server.name} gets ${this.#name} of ${this.#sender.person.name}`)
    const { account } = this.#sender
    const user = account.isLoggedIn ? this.#sender.user : undefined
    server.serve({ key: this.#key, flush: this.#text, user }, (reply) => {
      if (this.#stage.isTold) {
        this.#stage.trace(`${server.name} says ${describe(reply)} to ${this.#name}`)
      }
      if (this.#flush && reply.ok) this.#stage.guard(() => this.#checkVerdicts(reply))
      answer(reply)
    })
  }

  #return(reply: Reply): void {
    const { scheduler, weather, dice } = this.#stage
    if (this.#isLost('answer lost', this.#sender.answersCutOffUntil)) return
    let wayMs = 1 + dice.roll() * 10
    if (weather.strikes('message slow')) wayMs += dice.between(100, 1_500)
    scheduler.after(wayMs, () => this.#sender.run(() => this.#hear(reply)))
  }

  /** The answer is there, if anybody still waits for it. */
  #hear(reply: Reply): void {
    const { weather, dice } = this.#stage
    if (this.#signal.aborted) return
    this.#sender.asking.delete(this.#key)
    if (!reply.ok) {
      const { code, message, retry, retryAfterMs } = reply.error
      this.#checkAlarm(code)
      if (this.#flush && retry === 'never') this.#outgoing.refused(this.#flush, code)
      if (this.#flush && code === 'CLIENT_EXPIRED') this.#outgoing.expired.add(idOf(this.#flush))
      return this.#reject(
        new FlushoutError(code as ErrorCode, message, {
          retry: retry as Retry,
          ...(retryAfterMs !== undefined && { retryAfterMs }),
        }),
      )
    }
    if (weather.strikes('answer garbled'))
      return this.#resolve(garble(reply.text, dice.between(0, 5)))
    const other = this.#stage.answers.get(this.#mailbox)
    if (other && weather.strikes('answer of another exchange')) {
      return this.#resolve(JSON.parse(other))
    }
    this.#stage.answers.set(this.#mailbox, reply.text)
    this.#sender.syncedAt.set(this.#key, this.#sentAt)
    this.#sender.held.set(this.#key, reply.hash)
    this.#resolve(JSON.parse(reply.text))
  }

  /** The same flush always gets the same verdicts, however often it is sent. */
  #checkVerdicts({ hash, rewrites, verdicts: found }: Answer): void {
    if (this.#flush!.commands.length === 0) return
    // Of a history that is gone meanwhile, where all was another story.
    if (!this.#stage.chronicle.isCurrent(this.#key, hash)) return
    if (rewrites !== this.#stage.chronicle.rewrites(this.#key)) return
    // Flushes of clones have the same name.
    if (this.#stage.mayShareIds) return
    const id = `${this.#key} ${this.#stage.chronicle.rewrites(this.#key)} ${this.#name}`
    const expected = this.#stage.verdicts.get(id) ?? found
    this.#stage.verdicts.set(id, expected)
    if (expected === found) return
    throw new Violation('one answer', `${this.#name} got other verdicts than before`, {
      expected,
      found,
    })
  }

  #checkAlarm(code: string): void {
    if (!ALARMS.has(code) || this.#stage.hasReasonForAlarm(this.#key)) return
    if (code === 'CLIENT_EXPIRED' && this.#stage.plan.clients !== 'all') return
    const { mayBeReused, isShared, copied } = this.#outgoing
    if (code === 'SEQUENCE_REUSED' && mayBeReused) return
    // Of a copy that another tab sent, and that nobody waits for.
    if (code === 'SEQUENCE_PAST' && isShared && copied.has(idOf(this.#flush!))) return
    throw new Violation('no false alarm', `${this.#name} was refused with ${code}`)
  }

  /** Whether a message goes nowhere; then its sender hears so, or nothing at all. */
  #isLost(fault: 'request lost' | 'answer lost', cutOffUntil: number): boolean {
    const isCutOff = cutOffUntil > this.#stage.scheduler.now
    if (!isCutOff && !this.#stage.weather.strikes(fault)) return false
    this.#break()
    return true
  }

  /** Nobody hears of the end of a copy. */
  #break(isCopy = false): void {
    const { scheduler, dice } = this.#stage
    if (dice.chance(0.3)) return
    scheduler.after(dice.between(1, 100), () =>
      this.#sender.run(() => {
        if (isCopy) return
        this.#sender.asking.delete(this.#key)
        this.#reject(new Error('The connection broke.'))
      }),
    )
  }

  get #outgoing(): Outgoing {
    return this.#sender.outgoing.get(this.#key)!
  }

  get #mailbox(): string {
    return `${this.#sender.person.name} ${this.#key} ${this.#flush ? 'flush' : 'load'}`
  }

  get #name(): string {
    if (!this.#flush) return `load of ${this.#key}`
    return this.#flush.commands.length === 0 ? 'question for news' : idOf(this.#flush)
  }

  #trace(what: string): void {
    this.#stage.trace(`${this.#sender.person.name} ${what}`)
  }
}

function describe(reply: Reply): string {
  if (!reply.ok) return reply.error.code
  const { commandCount, outcome, sync, verdicts } = JSON.parse(reply.text) as FlushAnswer
  const kinds = verdicts?.map(({ index, kind }) => `${index} ${kind}`).join(', ')
  return `${commandCount}${outcome ? ` ${outcome} ${sync.kind}` : ''}${kinds ? ` (${kinds})` : ''}`
}

/** What arrives instead of an answer when something between has a fault. */
function garble(text: string, how: number): unknown {
  const answer = JSON.parse(text) as Record<string, unknown>
  const fields = Object.keys(answer)
  switch (how) {
    case 0:
      return null
    case 1:
      return '<html>502 Bad Gateway</html>'
    case 2:
      return {}
    case 3:
      return Object.fromEntries(Object.entries(answer).slice(0, -1))
    case 4:
      return { ...answer, [fields[text.length % fields.length]!]: null }
    default:
      return [answer]
  }
}
