// What a proxy holds: what the master vouched for, with the pending commands
// applied on top of it. When the master sends something new, the pending ones
// are taken back, the new ones applied, the pending ones applied again: a
// rebase. It costs O(pending + new), whatever the size of the document.
import {
  checkRecord,
  type CheckedAnswer,
  type CheckedPull,
  type CheckedUpdateEntry,
} from './answer.ts'
import type { CheckedCommand } from './check.ts'
import type { Rejection } from './command.ts'
import type { ConfirmedLog, LogRecord } from './confirmed-log.ts'
import { DocumentTree, type Change } from './document.ts'
import { intercept } from './intercept.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type { Interceptor, InterceptorContext, User } from './interceptor.ts'
import { checkParents } from './orphan.ts'
import type { Path } from './path.ts'
import type { Flush, Remap, Snapshot } from './protocol.ts'
import { PendingCommand } from './receipt.ts'
import { remapCommand, withFreeId } from './remap.ts'

/** Why a command that was accepted cannot stay in the document. */
export interface Loss {
  readonly kind: 'rejected' | 'dropped'
  readonly rejection: Rejection
}

export interface ReplicaOptions<U extends User> {
  readonly createId: () => string
  readonly interceptors: readonly Interceptor<U>[]
  readonly createContext: (pending: PendingCommand) => InterceptorContext<U>
  /** Hears of each pending command that a rebase could not put back. */
  readonly onLost: (pending: PendingCommand, loss: Loss) => void
  /** Collects what is confirmed, if somebody wants it. */
  readonly log?: ConfirmedLog | undefined
}

/** Pending commands of an earlier replica. */
interface Restored {
  readonly pending: PendingCommand[]
  readonly inFlight: number
  readonly hasLanded: boolean
  readonly serial: number
}

/** A confirmed document with the commands that nobody confirmed yet on top. */
export class Replica<U extends User> {
  readonly tree: DocumentTree
  readonly #options: ReplicaOptions<U>
  /** How far the master vouched. */
  confirmed: number
  /**
   * The hash of the master's history there; '' after anything that shook the
   * trust in it, so that the next exchange asks for a snapshot.
   */
  hash: string
  /** In the order in which they were given; the first `inFlight` of them are in flight. */
  pending: PendingCommand[] = []
  inFlight = 0
  /** The flush in flight is part of what is confirmed, though its answer is still to come. */
  hasLanded = false
  /** Nodes whose create was lost since the last rebase: what was given for them is lost with them. */
  readonly refused: Path[] = []
  #serial = 0
  // Pending commands that do not show: they wait for the answer in flight, or
  // have landed.
  #unapplied = 0

  constructor(snapshot: Snapshot, options: ReplicaOptions<U>) {
    this.tree = new DocumentTree(snapshot.document)
    this.confirmed = snapshot.commandCount
    this.hash = snapshot.hash
    this.#options = options
  }

  /**
   * Confirm what was confirmed before in another replica. False, with the rest left
   * out, where it does not continue what is here. Only to be called at first.
   */
  replay(records: readonly unknown[], flight: Flush | undefined): boolean {
    return records.every((record) => {
      const checked = checkRecord(record)
      const changes: Change[] = []
      if (checked?.commands && this.#follow(checked, [], flight, changes, [])) return true
      this.tree.undo(changes)
      return false
    })
  }

  /** Put the pending commands of an earlier replica on, as after a rebase. Only to be called at first. */
  restore({ pending, inFlight, hasLanded, serial }: Restored): void {
    this.pending = pending
    this.inFlight = inFlight
    this.hasLanded ||= hasLanded
    this.#serial = serial
    this.rebase(() => true)
  }

  /** The serial of the last command that was given. */
  get serial(): number {
    return this.#serial
  }

  /** The confirmed document, without the pending commands. Cost: O(document + pending). */
  confirmedDocument(): JsonObject {
    const shown = this.pending.filter(({ changes }) => changes.length > 0)
    if (shown.length === 0) return this.tree.read() as JsonObject
    let document: JsonValue | undefined
    this.tree.settle(() => {
      for (let index = shown.length - 1; index >= 0; index -= 1) {
        this.tree.undo(shown[index]!.changes)
      }
      document = this.tree.read()
      // As they applied before: no rule is asked again.
      for (const { command, changes } of shown) this.tree.apply(command, changes)
    })
    return document as JsonObject
  }

  /** How many commands built the document as it shows. */
  get commandCount(): number {
    return this.confirmed + this.pending.length - this.#unapplied
  }

  /** Apply a new command on top of all others, or say why not, with nothing done. */
  push(pending: PendingCommand): Loss | undefined {
    pending.serial = this.#serial += 1
    const loss = this.#apply(pending)
    if (!loss) this.pending.push(pending)
    return loss
  }

  /** Take the latest commands back, down to the first `length` of them, and give them. */
  truncate(length: number): PendingCommand[] {
    const taken = this.pending.splice(length)
    for (let index = taken.length - 1; index >= 0; index -= 1) this.tree.undo(taken[index]!.changes)
    return taken
  }

  /** The commands in flight as the master applied them; none if they are confirmed already. */
  vouched(verdicts: CheckedAnswer['verdicts']): CheckedCommand[] {
    const commands: CheckedCommand[] = []
    if (this.hasLanded) return commands
    for (let index = 0; index < this.inFlight; index += 1) {
      const verdict = verdicts.get(index)
      if (!verdict) commands.push(this.pending[index]!.command)
      else if (verdict.kind === 'amended') commands.push(verdict.command)
    }
    return commands
  }

  /** End the flight, and give its commands, which are pending no more. */
  takeFlight(): PendingCommand[] {
    const taken = this.pending.splice(0, this.inFlight)
    this.inFlight = 0
    this.hasLanded = false
    return taken
  }

  /**
   * Take the pending commands back, run `advance` on the confirmed document, and
   * put them back on, following `remaps`, which grows by the renames that this
   * needs. Gives the paths of what is different afterwards; undefined, with
   * everything as it was, if `advance` gives false.
   */
  rebase(advance: () => boolean, remaps: Remap[] = []): Path[] | undefined {
    let hasAdvanced = false
    const paths = this.tree.settle(() => {
      for (let index = this.pending.length - 1; index >= 0; index -= 1) {
        this.tree.undo(this.pending[index]!.changes)
      }
      hasAdvanced = advance()
      this.#reapply(hasAdvanced ? remaps : [])
    })
    return hasAdvanced ? paths : undefined
  }

  /**
   * Apply a sync to the confirmed document. `own` are the commands of `flight`
   * as the master applied them. False, with nothing done, if the sync does not
   * fit or ends before the count that comes with it. Only to be called inside
   * `rebase`.
   */
  advance(
    { sync, commandCount, hash: newHash }: CheckedPull,
    own: readonly CheckedCommand[],
    flight: Flush | undefined,
  ): boolean {
    if (sync.kind === 'snapshot') {
      if (sync.snapshot.commandCount < commandCount) return false
      this.tree.replace(sync.snapshot.document)
      this.confirmed = sync.snapshot.commandCount
      this.hash = sync.snapshot.hash
      this.#options.log?.replace()
      return true
    }
    const { confirmed, hash, hasLanded } = this
    const changes: Change[] = []
    const records: LogRecord[] = []
    const fits =
      sync.kind === 'none'
        ? this.#confirm(own, changes)
        : sync.updates.every((update) => this.#follow(update, own, flight, changes, records))
    if (fits && this.confirmed >= commandCount) {
      if (sync.kind === 'none') this.noteOwn(own, confirmed, newHash, flight)
      else this.#options.log?.add(records)
      return true
    }
    this.tree.undo(changes)
    this.confirmed = confirmed
    this.hash = hash
    this.hasLanded = hasLanded
    return false
  }

  /** Note that the commands of `flight` were confirmed at `from`, if somebody wants to know. */
  noteOwn(
    commands: readonly CheckedCommand[],
    from: number,
    hash: string,
    flight: Flush | undefined,
  ): void {
    const { log } = this.#options
    if (!log || !flight || commands.length === 0) return
    const { clientId, sequence } = flight
    log.add([{ from, hash, clientId, sequence, commands }])
  }

  #follow(
    update: CheckedUpdateEntry,
    own: readonly CheckedCommand[],
    flight: Flush | undefined,
    changes: Change[],
    records: LogRecord[],
  ): boolean {
    const { from, hash, clientId, sequence } = update
    const isOwn = flight?.clientId === clientId && flight.sequence === sequence
    const commands = update.commands ?? (isOwn ? own : undefined)
    if (!commands) return false
    const end = from + commands.length
    if (end <= this.confirmed) {
      // Repeated news are no news; but where they are others, so is the past.
      if (end === this.confirmed && commands.length > 0 && this.hash !== '' && hash !== this.hash) {
        return false
      }
    } else {
      if (from !== this.confirmed || !this.#confirm(commands, changes)) return false
      this.hash = hash
      records.push({ from, hash, clientId, sequence, commands })
    }
    if (isOwn) this.hasLanded = true
    return true
  }

  #confirm(commands: readonly CheckedCommand[], changes: Change[]): boolean {
    for (const command of commands) {
      if (this.tree.apply(command, changes)) return false
      this.confirmed += 1
    }
    return true
  }

  #reapply(remaps: Remap[]): void {
    const kept: PendingCommand[] = []
    this.#unapplied = 0
    this.pending.forEach((pending, index) => {
      if (index < this.inFlight) {
        kept.push(pending)
        // Frozen: sent as it is, so applied as it is.
        const shows = !this.hasLanded && !this.tree.apply(pending.command, pending.changes)
        if (!shows) this.#unapplied += 1
        return
      }
      this.#rename(pending, remaps)
      const orphaned = checkParents(pending.given.path, this.refused)
      const loss: Loss | undefined = orphaned
        ? { kind: 'dropped', rejection: orphaned }
        : this.#apply(pending)
      if (loss && this.inFlight === 0) {
        this.#options.onLost(pending, loss)
        return
      }
      kept.push(pending)
      // What it builds on may come back with the answer that is on its way.
      if (loss) this.#unapplied += 1
    })
    this.pending = kept
    this.refused.length = 0
  }

  #rename(pending: PendingCommand, remaps: Remap[]): void {
    const given = remapCommand(pending.given, remaps)
    const free = withFreeId(this.tree, given, this.#options.createId)
    pending.given = free
    if (given.action !== 'create' || free === given) return
    remaps.push({
      from: Object.freeze([...given.path, given.id]),
      to: Object.freeze([...given.path, pending.id]),
    })
  }

  /** Apply a pending command as the interceptors leave it. */
  #apply(pending: PendingCommand): Loss | undefined {
    const { interceptors, createContext } = this.#options
    let command = pending.given
    if (interceptors.length > 0) {
      const context = createContext(pending)
      const result = intercept(interceptors, this.tree, command, context, () => {})
      if (!result.ok) return { kind: 'rejected', rejection: result.rejection }
      if (result.command !== command) pending.size = JSON.stringify(result.command).length
      command = result.command
    }
    const rejection = this.tree.apply(command, pending.changes)
    if (rejection) return { kind: 'dropped', rejection }
    pending.command = command
    return undefined
  }
}
