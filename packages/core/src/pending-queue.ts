import type { CheckedAnswer } from './answer.ts'
import { applyRuled } from './apply-ruled.ts'
import { applyRun, isRun } from './apply-run.ts'
import type { CheckedCommand, CheckedGiven, CheckedRun } from './check.ts'
import type { Change, DocumentTree } from './document.ts'
import { findStale, toLoss, type AskWritten } from './expects.ts'
import { endOfUnit, groupRejected, overlap, readsOutdated, type PendingGroup } from './group.ts'
import type { Rules } from './intercept.ts'
import type { User } from './interceptor.ts'
import type { Loss } from './loss.ts'
import { checkParents } from './orphan.ts'
import type { Path } from './path.ts'
import { PendingIndex } from './pending-index.ts'
import type { Flush, Remap } from './protocol.ts'
import { NO_FOLLOW_UPS, type PendingCommand } from './receipt.ts'
import { renamedFollowUps, remapCommand, withFreeId } from './remap.ts'
import { meet, type Resolver } from './resolve.ts'
import type { CommandTracker } from './tracker.ts'
import type { Translate } from './versions.ts'

export interface PendingQueueOptions<U extends User> {
  readonly createId: () => string
  /** Gives the rules for a command, the same each time. */
  readonly createRules: (pending: PendingCommand) => Rules<U>
  /** Whether there are rules for plain commands, or a resolver. */
  readonly isRuled: boolean
  readonly resolver: Resolver<U> | undefined
  /** How commands show that were written for an older schema version. */
  readonly translate?: Translate | undefined
  /** Whether others are known to have written somewhere. */
  readonly askWritten: AskWritten
  /** Hears of each command that could not be put back on. */
  readonly onLost: (pending: PendingCommand, loss: Loss) => void
}

/** What came of a pending command and the rules. */
type Ruled =
  | {
      readonly ok: true
      readonly command: CheckedGiven
      readonly shown: CheckedGiven
      readonly followUps: readonly CheckedCommand[]
    }
  | { readonly ok: false; readonly refusal: Loss }

/** The commands of an earlier queue, in order. */
interface Restored {
  readonly pending: PendingCommand[]
  readonly flight: Flush | undefined
  readonly hasLanded: boolean
  readonly serial: number
}

/** A command that could not be put on again. */
interface Fault {
  readonly pending: PendingCommand
  readonly loss: Loss
  /** What it builds on is lost for good. */
  readonly isSure: boolean
}

/** The commands that nobody confirmed yet, applied to a document on top of all else. */
export class PendingQueue<U extends User> {
  readonly #tree: DocumentTree
  readonly #options: PendingQueueOptions<U>
  /** In the order in which they were given; the first `inFlight` of them are in flight. */
  commands: PendingCommand[] = []
  inFlight = 0
  /** The flush in flight is part of what is confirmed, though its answer is still to come. */
  hasLanded = false
  /** As they were confirmed, if that was seen here, follow-ups included. */
  landed: readonly CheckedCommand[] = []
  /** Nodes whose create was lost since the last rebase: what was given for them is lost with them. */
  readonly refused: Path[] = []
  /** The atomic group that is being given: nothing of it is sent before it is whole. */
  open: PendingGroup | undefined
  /** Where own commands wrote that were lost or amended: who has read it there was misled. */
  readonly altered: Path[] = []
  /** Hears of each command before it applies. */
  tracker: CommandTracker | undefined
  readonly #index: PendingIndex
  #serial = 0
  #hidden = 0
  #added = 0
  #isMerged = false

  constructor(tree: DocumentTree, options: PendingQueueOptions<U>) {
    this.#tree = tree
    this.#options = options
    this.#index = new PendingIndex(tree)
  }

  /** The highest serial that is known: the last command given here has it, or one of another session. */
  get serial(): number {
    return this.#serial
  }

  /**
   * How many commands do not show: they wait for the answer in flight, have landed,
   * or were given to wait. Named ones never do, only what they made.
   */
  get hidden(): number {
    return this.#hidden
  }

  /** How many commands show that nobody gave: they follow others by a rule, or were made by a named one. */
  get added(): number {
    return this.#added
  }

  /** Whether something shows that is not as it is sent, but what a resolver made of it. */
  get isMerged(): boolean {
    return this.#isMerged
  }

  /** Give a serial that no command will have: what is given now comes after it. */
  takeSerial(): number {
    return (this.#serial += 1)
  }

  /** The next command gets a serial above this one, too. */
  raise(serial: number): void {
    this.#serial = Math.max(this.#serial, serial)
  }

  /** Take over the commands of an earlier queue. They show after the next `putOn`. */
  restore({ pending, flight, hasLanded, serial }: Restored): void {
    this.commands = pending
    this.inFlight = flight?.commands.length ?? 0
    this.hasLanded ||= hasLanded
    this.#serial = serial
    this.#index.forget()
  }

  /** Apply a new command on top of all others, or say why not, with nothing done. */
  push(pending: PendingCommand): Loss | undefined {
    pending.serial = this.#serial += 1
    const loss = this.#apply(pending)
    if (!loss) {
      this.commands.push(pending)
      if (pending.waits || isRun(pending.given)) this.#hidden += 1
      this.#added += pending.followUps.length
    }
    return loss
  }

  /** Take the latest commands back, down to the first `length` of them, and give them. */
  truncate(length: number): PendingCommand[] {
    const taken = this.commands.splice(length)
    this.#index.forget()
    for (let index = taken.length - 1; index >= 0; index -= 1) {
      this.#tree.undo(taken[index]!.changes)
      if (taken[index]!.waits || isRun(taken[index]!.given)) this.#hidden -= 1
      this.#added -= taken[index]!.followUps.length
    }
    return taken
  }

  /** The commands in flight as the master applied them, follow-ups included; none if they are confirmed already. */
  vouched(verdicts: CheckedAnswer['verdicts']): CheckedCommand[] {
    const commands: CheckedCommand[] = []
    if (this.hasLanded) return commands
    for (let index = 0; index < this.inFlight; index += 1) {
      const verdict = verdicts.get(index)
      if (verdict && verdict.kind !== 'applied' && verdict.kind !== 'amended') continue
      const { command } = verdict?.kind === 'amended' ? verdict : this.commands[index]!
      if (!isRun(command)) commands.push(command)
      commands.push(...(verdict?.followUps ?? []))
    }
    return commands
  }

  /** What a follow-up of the flight created under another id here than on the master. */
  renamed(verdicts: CheckedAnswer['verdicts']): Remap[] {
    return [...verdicts.values()].flatMap((verdict) => {
      if (verdict.kind !== 'applied' && verdict.kind !== 'amended') return []
      return renamedFollowUps(this.commands[verdict.index]!.followUps, verdict.followUps ?? [])
    })
  }

  /** End the flight, and give its commands, which are pending no more. */
  takeFlight(): PendingCommand[] {
    const taken = this.commands.splice(0, this.inFlight)
    this.#index.forget()
    this.inFlight = 0
    this.hasLanded = false
    this.landed = []
    return taken
  }

  /** Whether what is in flight outlives the page, and may have been sent from a copy of it. */
  get isFlightStored(): boolean {
    return this.commands.slice(0, this.inFlight).some(({ isDurable }) => isDurable)
  }

  /** Take out the commands that outlive the page, and give them. Nothing is in flight any more. */
  takeStored(): PendingCommand[] {
    const taken = this.commands.filter(({ isDurable }) => isDurable)
    this.commands = this.commands.filter(({ isDurable }) => !isDurable)
    this.#index.forget()
    this.inFlight = 0
    this.hasLanded = false
    this.landed = []
    return taken
  }

  /**
   * Those that have to be taken off, in order, for these commands of others to come below
   * them: all that these meet. Undefined for all there are.
   */
  findMet(incoming: readonly CheckedCommand[]): ReadonlySet<PendingCommand> | undefined {
    const { isRuled, translate } = this.#options
    const isPlain = !isRuled && !translate && this.#hidden === 0 && !this.open
    if (!isPlain || this.refused.length + this.altered.length > 0) return undefined
    return this.#index.findMet(incoming, this.commands)
  }

  /**
   * Put the commands on again, each after `putOnBelow` was called with its place among those
   * of others, and an atomic group as one, following `remaps`, which grows by the renames that this needs. One that does not
   * apply is lost; unless `keepsAll`, or while something is in flight: what it builds on
   * may be on its way. With `off` only these were taken off.
   */
  putOn(
    remaps: Remap[],
    keepsAll: boolean,
    putOnBelow: (order: number) => void,
    off?: ReadonlySet<PendingCommand>,
  ): void {
    if (off?.size === 0) return
    const { commands, inFlight } = this
    const kept: PendingCommand[] = []
    this.#hidden = 0
    this.#added = 0
    this.#isMerged = false
    const renew = (pending: PendingCommand) => this.#renew(pending, remaps)
    for (let at = 0, end = 0; at < commands.length; at = end) {
      end = endOfUnit(commands, at)
      if (off && !off.has(commands[at]!)) {
        for (; at < end; at += 1) kept.push(commands[at]!)
        continue
      }
      putOnBelow(commands[at]!.order)
      const isSent = at < inFlight
      const fault =
        (isSent ? undefined : this.#checkReads(commands[at]!)) ??
        this.#putUnit(at, end, isSent ? this.#putSent : renew)
      // A conflict is for the master to tell, and for its resolver.
      const isSure = fault && (fault.isSure || !(keepsAll || fault.loss.kind === 'conflict'))
      const isLost = isSure && inFlight === 0
      for (; at < end; at += 1) {
        const pending = commands[at]!
        if (isLost) {
          this.#options.onLost(pending, pending === fault.pending ? fault.loss : groupRejected())
          continue
        }
        kept.push(pending)
        const isShown = !fault && !pending.waits && !(isSent && this.hasLanded)
        if (!isShown || isRun(pending.given)) this.#hidden += 1
        if (isShown) this.#added += pending.followUps.length
      }
    }
    // They may do something else by now.
    this.#index.forget()
    this.commands = kept
    this.refused.length = 0
    if (inFlight === 0) this.altered.length = 0
  }

  /** Whether what the group of `pending`, its first, has read of own commands is so. */
  #checkReads(pending: PendingCommand): Fault | undefined {
    const { command, group } = pending
    const at = group?.reads?.paths.find((path) =>
      this.altered.some((other) => overlap(path, other)),
    )
    if (!at) return undefined
    const refusal = { kind: 'conflict', rejection: readsOutdated(at) } as const
    return { pending, loss: toLoss(this.#tree, command, refusal), isSure: true }
  }

  /** Put the commands from `at` to `end` on by `put`, all or none. */
  #putUnit(
    at: number,
    end: number,
    put: (pending: PendingCommand) => Fault | undefined,
  ): Fault | undefined {
    for (let index = at; index < end; index += 1) {
      const fault = put(this.commands[index]!)
      if (!fault) continue
      while (index > at) {
        const earlier = this.commands[(index -= 1)]!
        this.#tree.undo(earlier.changes)
        earlier.followUps = NO_FOLLOW_UPS
      }
      return fault
    }
    return undefined
  }

  /** Put on what is in flight. */
  readonly #putSent = (pending: PendingCommand): Fault | undefined => {
    if (this.hasLanded || pending.waits) return undefined
    const loss = this.#applySent(pending)
    return loss && { pending, loss, isSure: false }
  }

  /** Put on what is queued, as it would be given now. */
  #renew(pending: PendingCommand, remaps: Remap[]): Fault | undefined {
    this.#rename(pending, remaps)
    const orphaned = checkParents(pending.given.path, this.refused)
    const loss: Loss | undefined = orphaned
      ? { kind: 'dropped', rejection: orphaned }
      : this.#apply(pending)
    return loss && { pending, loss, isSure: orphaned !== undefined }
  }

  #rename(pending: PendingCommand, remaps: Remap[]): void {
    const given = remapCommand(pending.given, remaps)
    const free = withFreeId(this.#tree, given, this.#options.createId)
    pending.given = free
    if (given.action !== 'create' || free === given) return
    remaps.push({
      from: Object.freeze([...given.path, given.id]),
      to: Object.freeze([...given.path, pending.id]),
    })
  }

  /** Apply a pending command as the interceptors leave it; one that waits only to see whether it could. */
  #apply(pending: PendingCommand): Loss | undefined {
    const result = this.#rule(pending)
    pending.followUps = result.ok && !pending.waits ? result.followUps : NO_FOLLOW_UPS
    if (!result.ok) return result.refusal
    const { command, shown } = result
    if (command !== pending.given) pending.size = JSON.stringify(command).length
    if (pending.waits) this.#tree.undo(pending.changes)
    pending.command = command
    pending.shown = shown
    return undefined
  }

  /** Frozen: sent as it is, so applied as it is. But what follows it may be something else by now. */
  #applySent(pending: PendingCommand): Loss | undefined {
    const result = this.#rule(pending, pending.command)
    pending.followUps = result.ok ? result.followUps : NO_FOLLOW_UPS
    const { command } = pending
    const sent = isRun(command) ? ({ ok: false } as const) : this.#translate(command)
    pending.shown = result.ok ? result.shown : sent.ok ? sent.command : command
    if (result.ok || !sent.ok) return result.ok ? undefined : result.refusal
    return this.#put(sent.command, pending.changes)
  }

  #rule(pending: PendingCommand, sent?: CheckedGiven): Ruled {
    if (isRun(pending.given)) return this.#run(pending, pending.given)
    const given = this.#translate(pending.given)
    const now = sent && this.#translate(sent as CheckedCommand)
    if (!given.ok) return { ok: false, refusal: given }
    if (now?.ok === false) return { ok: false, refusal: now }
    const result = this.#ruleNow(pending, given.command, now?.command)
    // It goes as it was written: the master reads it as this side does.
    const isOld = result.ok && this.#options.translate
    return isOld ? { ...result, command: sent ?? pending.given } : result
  }

  #translate(command: CheckedCommand): ReturnType<Translate> {
    return this.#options.translate?.(command) ?? { ok: true, command }
  }

  /** What a name stands for is of this version, whoever gave it. */
  #run(pending: PendingCommand, run: CheckedRun): Ruled {
    const { changes } = pending
    const result = applyRun<U, Loss>(run, {
      ...this.#options.createRules(pending),
      tree: this.#tree,
      changes,
      apply: (command) => this.#put(command, changes),
    })
    if (!result.ok) return result
    const followUps = result.followUps.map(({ command }) => command)
    return { ok: true, command: run, shown: run, followUps }
  }

  /** The same for a command of the version that is known here. */
  #ruleNow(pending: PendingCommand, given: CheckedCommand, sent?: CheckedCommand): Ruled {
    const { changes } = pending
    const { createRules, isRuled, resolver, askWritten } = this.#options
    const first = sent ?? given
    if (!isRuled) {
      const refusal = this.#put(first, changes)
      if (refusal) return { ok: false, refusal }
      return { ok: true, command: first, shown: first, followUps: NO_FOLLOW_UPS }
    }
    const rules = createRules(pending)
    const met = meet(this.#tree, first, { ...rules, resolver, askWritten })
    if (!met.ok) return { ok: false, refusal: toLoss(this.#tree, first, met.refusal) }
    const { merged } = met
    const result = applyRuled<U, Loss>(merged ? met.command : given, {
      ...rules,
      tree: this.#tree,
      changes,
      apply: (command) => this.#put(command, changes),
      ...(sent && !merged && { sent }),
    })
    if (!result.ok) return result
    this.#isMerged ||= merged !== undefined
    const { command: shown } = result
    const followUps = result.followUps.map(({ command }) => command)
    // What is made of a conflict is for the master to say, so it gets what was given.
    return { ok: true, command: merged ? first : shown, shown, followUps }
  }

  #put(command: CheckedCommand, changes: Change[]): Loss | undefined {
    const stale = findStale(this.#tree, command, this.#options.askWritten)
    if (stale) return toLoss(this.#tree, command, { kind: 'conflict', rejection: stale })
    this.tracker?.before(command)
    const rejection = this.#tree.apply(command, changes)
    return rejection && { kind: 'dropped', rejection }
  }
}
