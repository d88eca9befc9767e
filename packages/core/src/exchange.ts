// What passes between a proxy and its master: one flush at a time and its answer,
// and news that come by themselves. Whatever the network brings, the commands are
// kept until the master has said what became of them.
import {
  checkFlushAnswer,
  checkPullAnswer,
  type CheckedAnswer,
  type CheckedPull,
} from './answer.ts'
import { isRun } from './apply-run.ts'
import type { Audience } from './audience.ts'
import type { ErrorCode, Retry } from './catalogue.ts'
import type { CheckedCommand } from './check.ts'
import type { GivenCommand } from './command.ts'
import { toLoss } from './expects.ts'
import { commandsOfOthers } from './incoming.ts'
import type { User } from './interceptor.ts'
import type { PendingSession } from './others.ts'
import { isSameJson, type JsonValue } from './json.ts'
import type { Outbox } from './outbox.ts'
import type { Loss } from './loss.ts'
import { writtenPaths } from './past.ts'
import type { Path } from './path.ts'
import type { Flush, Remap } from './protocol.ts'
import type { EndResult, StatusBoard } from './proxy-status.ts'
import type { PendingCommand } from './receipt.ts'
import { nodeOf } from './remap.ts'
import type { Replica } from './replica.ts'
import { FIRST_VERSION } from './versions.ts'
import { withdraw } from './withdraw.ts'

/** Why a master refused a flush as a whole, and what is to be done about it. */
export interface Refusal {
  readonly code: ErrorCode
  readonly message: string
  readonly retry: Retry
}

/** What of a proxy takes part. */
export interface ExchangeParts<U extends User> {
  readonly replica: Replica<U>
  readonly outbox: Outbox
  readonly board: StatusBoard
  readonly audience: Audience
  readonly now: () => number
  /** The schema version that is known here. */
  readonly version: number
}

const NO_REMAPS: readonly Remap[] = Object.freeze([])

/** Its methods are those of `CommandProxy` that are named after them. */
export class Exchange<U extends User> {
  readonly #replica: Replica<U>
  readonly #outbox: Outbox
  readonly #board: StatusBoard
  readonly #audience: Audience
  readonly #now: () => number
  readonly #version: number
  // Collects, while some are withdrawn, what falls with them.
  #withdrawn: PendingCommand[] | undefined
  // The last history change was counted, and what comes of it is still to come.
  #isSetback = false

  constructor({ replica, outbox, board, audience, now, version }: ExchangeParts<U>) {
    this.#replica = replica
    this.#outbox = outbox
    this.#board = board
    this.#audience = audience
    this.#now = now
    this.#version = version
  }

  begin(isPull: boolean): Flush | undefined {
    const flush = this.#outbox.begin(this.#replica, isPull)
    if (flush) this.#replica.queue.inFlight = flush.commands.length
    this.#audience.publish([])
    return flush
  }

  end(answer: unknown): EndResult {
    const { flush } = this.#outbox
    const checked = flush && checkFlushAnswer(answer, flush.commands.length)
    const isAnother =
      checked && (checked.sequence !== flush.sequence || checked.clientId !== flush.clientId)
    if (!flush || isAnother) {
      return { ok: false, code: 'NO_FLUSH' }
    }
    const remaps = checked && this.#follow(checked, flush)
    if (remaps) return { ok: true, remaps }
    this.#distrust()
    return { ok: false, code: 'ANSWER_INVALID' }
  }

  fail({ code, message, retry }: Refusal): void {
    const { flush } = this.#outbox
    if (!flush) return
    const isFormAtFault = code === 'FLUSH_TOO_LARGE' || code === 'FLUSH_INVALID'
    if (isFormAtFault && this.#outbox.halve()) return this.#queueAgain()
    if (retry === 'never') {
      // Sent before, it may have taken effect then; this refusal does not say.
      const isUnknown = this.#outbox.isRepeated && !isFormAtFault
      const kind = isUnknown ? 'dropped' : 'rejected'
      this.#loseFlight({ kind, rejection: { code, message } })
      // The whole document will show it.
      if (isUnknown) this.#distrust()
    }
    if (retry !== 'after-resync') return this.#outbox.cancel()
    if (code === 'HISTORY_CHANGED' || code === 'SEQUENCE_GAP') {
      this.#board.historyChanges += 1
      this.#isSetback = true
    }
    const { queue } = this.#replica
    // Only a flush that was sent just once, from here and nowhere else, is known not to
    // have been applied by a master that has forgotten its client.
    const mayBeOld = this.#outbox.isRepeated || queue.isFlightStored
    // The master knows this flush to be of the past, but not what became of it:
    // sending it anew might double it.
    const isUnknown = code === 'SEQUENCE_PAST' || (code === 'CLIENT_EXPIRED' && mayBeOld)
    // Somebody else sends under our id, perhaps from a copy of what is stored: all of
    // that may have been sent from there, in this flush or in another.
    const isTaken = code === 'SEQUENCE_REUSED' || code === 'SEQUENCE_PAST'
    if (code !== 'CLIENT_EXPIRED' && !isTaken) return this.#distrust()
    this.#lose(
      () => [...(isUnknown ? queue.takeFlight() : []), ...(isTaken ? queue.takeStored() : [])],
      { kind: 'dropped', rejection: { code, message } },
    )
    this.#distrust()
    this.#outbox.restart(code === 'CLIENT_EXPIRED')
    this.#queueAgain()
  }

  receive(
    answer: unknown,
    base?: string,
    others?: readonly PendingSession[],
  ): 'applied' | 'gap' | 'ignored' {
    const checked = checkPullAnswer(answer)
    if (!checked) return 'ignored'
    const { sync, commandCount, hash } = checked
    const replica = this.#replica
    if (sync.kind === 'none') {
      const isOther = replica.hash !== '' && hash !== replica.hash
      if (commandCount === replica.confirmed && isOther) this.#distrust()
      return commandCount > replica.confirmed ? 'gap' : 'ignored'
    }
    // Only the master can say whether this side can go on with that.
    if (newestOf(sync) > this.#version) return 'gap'
    if (sync.kind === 'snapshot') {
      // It may or may not hold what is in flight; the answer to that will tell.
      if (replica.queue.inFlight > 0) return 'ignored'
      if (commandCount < replica.confirmed && replica.hash !== '') return 'ignored'
    } else if (commandCount <= replica.confirmed) return 'ignored'
    // What is distrusted is no ground to build on.
    else if (replica.hash === '') return 'gap'
    const before = replica.confirmed
    const { flush } = this.#outbox
    const paths = replica.rebase(
      () => {
        const isDone = replica.advance(checked, [], flush, base)
        if (isDone && others) replica.others.replace(others, this.#outbox.clientId)
        return isDone
      },
      { incoming: others ? undefined : commandsOfOthers(checked, before, flush, false) },
    )
    if (!paths) return 'gap'
    this.#audience.news.note(checked, before, this.#outbox.clientId)
    this.#audience.publish(paths)
    return 'applied'
  }

  /** Take queued commands back, with those that build on them, as if they had never been given. */
  withdraw(serials: ReadonlySet<number>): readonly GivenCommand[] {
    const withdrawn: PendingCommand[] = []
    this.#withdrawn = withdrawn
    const paths = this.#replica.rebase(() => {
      withdrawn.push(...withdraw(this.#replica.queue, serials))
      return true
    })
    this.#withdrawn = undefined
    const rejection = { code: 'WITHDRAWN', message: 'It was taken back before it was sent.' }
    for (const pending of withdrawn) pending.settle({ kind: 'dropped', rejection })
    this.#audience.publish(paths ?? [])
    return withdrawn.map(({ given }) => given)
  }

  /** A command that was accepted could not stay in the document. */
  lose(pending: PendingCommand, loss: Loss): void {
    const { given, group } = pending
    const id = `${this.#outbox.clientId}:${group?.id}`
    const { refused, altered } = this.#replica.queue
    if (given.action === 'create') refused.push(nodeOf(given))
    // What was kept on a device and has no right form any more never applied.
    if (pending.size > 0) altered.push(...writtenBy(pending))
    if (this.#withdrawn) return void this.#withdrawn.push(pending)
    this.#board.lose(
      Object.freeze({
        command: given,
        path: nodeOf(given),
        ...loss,
        at: this.#now(),
        ...(pending.waits && { wait: true }),
        ...(group?.atomic && {
          group: group.label === undefined ? { id } : { id, label: group.label },
        }),
      }),
    )
    pending.settle(loss)
  }

  /** Distrust what is held: the next flush, or the same again, asks for a snapshot. */
  #distrust(): void {
    this.#replica.hash = ''
    this.#outbox.distrust()
  }

  /** What was in flight is queued again: the master is known not to have applied it. */
  #queueAgain(): void {
    const { queue } = this.#replica
    queue.inFlight = 0
    queue.hasLanded = false
    queue.landed = []
    this.#audience.publish([])
  }

  /** Bring everything in line with an answer; undefined, with nothing changed, if that cannot be. */
  #follow(answer: CheckedAnswer, flush: Flush): readonly Remap[] | undefined {
    const replica = this.#replica
    const { sync, verdicts, commandCount, hash } = answer
    let own = replica.queue.vouched(verdicts)
    if (commandCount <= replica.confirmed && isAlone(answer, own, flush)) {
      // The document is from after the flush, as it may be where one went on from memory.
      if (commandCount === replica.confirmed && replica.hash !== hash) return undefined
      replica.queue.hasLanded = true
      own = []
    }
    // It landed already, and the answer vouches for another past than it landed in.
    const isElsewhere = own.length === 0 && commandCount === replica.confirmed
    if (isElsewhere && sync.kind === 'none' && replica.hash !== '' && hash !== replica.hash) {
      return undefined
    }
    // News came in between and went further than this answer.
    const isOvertaken = own.length === 0 && commandCount < replica.confirmed && replica.hash !== ''
    if (sync.kind === 'none' && verdicts.size === 0 && replica.isPlain && !isOvertaken) {
      // The usual case: applied as sent, and nobody else did anything. The
      // document is right already.
      if (commandCount !== replica.confirmed + own.length) return undefined
      replica.noteOwn(own, replica.confirmed, hash, flush)
      replica.confirmed = commandCount
      replica.hash = hash
      this.#settleFlight(answer)
      this.#audience.publish([])
      return NO_REMAPS
    }
    const remaps = [...answer.remaps, ...replica.queue.renamed(verdicts)]
    const before = replica.confirmed
    const isAsSent = remaps.length === 0 && verdicts.size === 0 && !isOvertaken
    const isWhole = isAsSent && own.length === flush.commands.length
    const incoming = isWhole ? commandsOfOthers(answer, before, flush, own.length > 0) : undefined
    const paths = replica.rebase(
      () => {
        if (!isOvertaken && !replica.advance(answer, own, flush)) return false
        if (commandCount === replica.confirmed) replica.hash = hash
        this.#settleFlight(answer)
        return true
      },
      { remaps, incoming },
    )
    if (!paths) return undefined
    if (!isOvertaken) this.#audience.news.note(answer, before, flush.clientId)
    // Nobody could say that the past is another to a flush that claimed none.
    if (replica.confirmed < before && !this.#isSetback) this.#board.historyChanges += 1
    this.#isSetback = false
    this.#audience.publish(paths)
    return remaps
  }

  /** The flush was answered: say so to its commands, and make room for the next. */
  #settleFlight({ verdicts }: CheckedAnswer): void {
    const { landed } = this.#replica.queue
    const settled = this.#replica.queue.takeFlight()
    this.#outbox.end()
    let end = 0
    settled.forEach((pending, index) => {
      const verdict = verdicts.get(index)
      // A named one takes no place beside what it made.
      const own = isRun(pending.command) ? 0 : 1
      if (!verdict) {
        end += own
        this.#noteMade(pending, [])
        return pending.settle()
      }
      if (verdict.kind === 'applied' || verdict.kind === 'amended') {
        const { index: _, followUps = [], ...outcome } = verdict
        const start = end + own
        end = start + followUps.length
        // The very objects that were confirmed, if they were before this answer.
        const seen = landed.length > 0 ? landed.slice(start, end) : followUps
        pending.settle(seen.length > 0 ? { ...outcome, followUps: seen } : outcome)
        this.#noteMade(pending, followUps)
        if (verdict.kind !== 'amended') return
        const { altered } = this.#replica.queue
        altered.push(...writtenBy(pending), ...writtenPaths(verdict.command))
        pending.given = verdict.command
        return
      }
      this.lose(pending, toLoss(this.#replica.tree, pending.given, verdict))
    })
  }

  /** A named command made these on the master: who has read what it made here may have been misled. */
  #noteMade({ command, followUps }: PendingCommand, made: readonly CheckedCommand[]): void {
    if (!isRun(command) || isSameJson(toJson(followUps), toJson(made))) return
    this.#replica.queue.altered.push(...[...followUps, ...made].flatMap(writtenPaths))
  }

  /** Take the commands in flight out of the document, with the same outcome for all. */
  #loseFlight(loss: Loss): void {
    this.#lose(() => {
      this.#outbox.release()
      return this.#replica.queue.takeFlight()
    }, loss)
  }

  /** Lose what `take` takes out of the queue. */
  #lose(take: () => PendingCommand[], loss: Loss): void {
    const paths = this.#replica.rebase(() => {
      for (const pending of take()) this.lose(pending, loss)
      return true
    })
    this.#audience.publish(paths ?? [])
  }
}

/** Where it wrote here, a named command by what it made. */
function writtenBy({ command, followUps }: PendingCommand): Path[] {
  return isRun(command) ? followUps.flatMap(writtenPaths) : writtenPaths(command)
}

/** Whether nothing but the flush itself, of which `own` took effect, happened since it was made. */
function isAlone(
  { sync, commandCount }: CheckedAnswer,
  own: readonly unknown[],
  { from, hash }: Flush,
): boolean {
  if (sync.kind !== 'none' || own.length === 0 || hash === '') return false
  return commandCount === from + own.length
}

/** The latest schema version that a sync tells of. */
function newestOf(sync: CheckedPull['sync']): number {
  if (sync.kind === 'none') return FIRST_VERSION
  const told = sync.kind === 'snapshot' ? [sync.snapshot] : sync.updates
  return Math.max(...told.map(({ schema = FIRST_VERSION }) => schema))
}

function toJson(commands: readonly CheckedCommand[]): JsonValue {
  return commands as unknown as JsonValue
}
