// What a proxy holds: what the master vouched for, with its own pending commands and
// those of other sessions applied on top of it. When the master sends
// something new, the pending ones that meet it are taken back, the new ones applied, and
// those applied again: a rebase. It costs O(new + those that it meets), and O(pending)
// where much is met or something waits that cannot be told by paths, whatever the size of
// the document.
import { checkRecord, type CheckedPull, type CheckedUpdateEntry } from './answer.ts'
import type { CheckedCommand } from './check.ts'
import type { CheckedMemory } from './check-memory.ts'
import type { ConfirmedLog, LogRecord } from './confirmed-log.ts'
import { DocumentTree, type Change } from './document.ts'
import { startOfUnit } from './group.ts'
import type { User } from './interceptor.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { applyShown, Others, type PendingSession } from './others.ts'
import type { Path } from './path.ts'
import { PendingQueue, type PendingQueueOptions } from './pending-queue.ts'
import type { Flush, Remap, Snapshot } from './protocol.ts'
import type { PendingCommand } from './receipt.ts'
import { FIRST_VERSION } from './versions.ts'
import { Writings } from './writings.ts'

export interface ReplicaOptions<U extends User> extends Omit<PendingQueueOptions<U>, 'askWritten'> {
  /** Under what id the commands of this proxy are sent. */
  readonly clientId: () => string
}

interface CheckedRecord extends LogRecord {
  readonly commands: readonly CheckedCommand[]
}

/** What is known from before beside the memory. */
interface Restored {
  readonly records?: readonly unknown[]
  readonly others?: readonly PendingSession[]
}

// Of so many flushes it is known who wrote where.
const MAX_KNOWN = 50

/** How a document came from one confirmed state to another, with what is pending on top. */
export interface Rebase {
  /** How far the master had vouched. */
  readonly from: number
  readonly to: number
  /** How many commands are pending after it. */
  readonly pending: number
  /** Where the document is different then. */
  readonly changed: readonly Path[]
}

/** A confirmed document with the commands that nobody confirmed yet on top. */
export class Replica<U extends User> {
  readonly tree: DocumentTree
  /** The commands of this proxy. */
  readonly queue: PendingQueue<U>
  /** The commands of other sessions, among those of this proxy. */
  readonly others: Others
  /** Hears of each rebase, while everything else may still be under way. */
  onRebase: ((rebase: Rebase) => void) | undefined
  /** Collect what is confirmed, for whoever wants it. */
  readonly logs: Set<ConfirmedLog> = new Set()
  // The latest that came flush by flush, in order, perhaps not all.
  #known: readonly CheckedRecord[] = []
  /** How far the master vouched. */
  confirmed: number
  /**
   * The hash of the master's history there; '' after anything that shook the
   * trust in it, so that the next exchange asks for a snapshot.
   */
  hash: string
  // While a rebase is under way: those that were taken off; all where it is undefined.
  #off: ReadonlySet<PendingCommand> | undefined
  /** The schema version of the confirmed document. */
  schema: number

  constructor(snapshot: Snapshot, options: ReplicaOptions<U>) {
    this.tree = new DocumentTree(snapshot.document)
    this.queue = new PendingQueue(this.tree, {
      ...options,
      askWritten: (path, since) => this.#hasWritten(path, since, options.clientId()),
    })
    this.others = new Others(this.tree, (...what) => this.#hasWritten(...what))
    this.confirmed = snapshot.commandCount
    this.hash = snapshot.hash
    this.schema = snapshot.schema ?? FIRST_VERSION
  }

  /** What waits to be answered, in order. */
  get pending(): readonly PendingCommand[] {
    return this.queue.commands
  }

  /** How many commands of the master and of this proxy built the document as it shows. */
  get commandCount(): number {
    const { commands, hidden, added } = this.queue
    return this.confirmed + commands.length - hidden + added
  }

  /**
   * Whether all that is pending shows, once, with nothing of others and nothing that a
   * rule of this side had follow it: then the document does not change when the master has applied it as sent.
   */
  get isPlain(): boolean {
    const { hidden, added, hasLanded, isMerged } = this.queue
    return hidden === 0 && added === 0 && !hasLanded && !isMerged && this.others.isEmpty
  }

  /**
   * How many of the pending commands may be sent: up to the first that waits for another
   * session's, or is of a group that is not whole.
   */
  get sendable(): number {
    const { queue, others } = this
    const { commands, inFlight, open } = queue
    if (others.isEmpty && !open) return commands.length
    const held = commands.findIndex(
      (pending, index) =>
        index >= inFlight && ((open && pending.group === open) || others.precede(pending)),
    )
    return held < 0 ? commands.length : startOfUnit(commands, held)
  }

  /**
   * Go on where another replica was. False where what is held then is not to be
   * trusted. Only to be called at first.
   */
  restore(
    memory: CheckedMemory | undefined,
    { records = [], others }: Restored,
    ownId: string,
  ): boolean {
    const flight = memory?.flight
    const isUsable = this.#replay(records, flight)
    const { confirmed, hash } = this
    // The answer to the flight says what is new since the past that it claims.
    const isAnotherPast =
      flight && (flight.from > confirmed || (flight.from === confirmed && flight.hash !== hash))
    const isTrusted = isUsable && !isAnotherPast && !memory?.isDistrusted
    if (!isTrusted) this.hash = ''
    if (!memory && !others) return isTrusted
    this.rebase(
      () => {
        if (memory) this.queue.restore(memory)
        if (others) this.others.replace(others, ownId)
        return true
      },
      // The snapshot that is asked for then may bring what they need.
      { keepsAll: !isTrusted },
    )
    return isTrusted
  }

  /** Show these commands of others, and give the paths of what is different then. */
  showOthers(others: readonly PendingSession[], ownId: string): Path[] {
    const paths = this.rebase(() => {
      this.others.replace(others, ownId)
      return true
    })
    return paths ?? []
  }

  /** Confirm `records`, up to the first that does not continue what is here. */
  #replay(records: readonly unknown[], flight: Flush | undefined): boolean {
    return records.every((record) => {
      const update = checkRecord(record)
      if (!update?.commands) return false
      const sync = { kind: 'updates', updates: [update] } as const
      return this.advance({ sync, commandCount: 0, hash: '' }, [], flight)
    })
  }

  /** The confirmed document, without anything pending. Cost: O(document + pending). */
  confirmedDocument(): JsonObject {
    const shown = this.others.mergeWith(this.pending).filter(({ changes }) => changes.length > 0)
    if (shown.length === 0) return this.tree.read() as JsonObject
    let document: JsonValue | undefined
    this.tree.settle(() => {
      for (let index = shown.length - 1; index >= 0; index -= 1) {
        this.tree.undo(shown[index]!.changes)
      }
      document = this.tree.read()
      for (const one of shown) applyShown(this.tree, one)
    })
    return document as JsonObject
  }

  /**
   * Take everything pending back, run `advance` on the confirmed document, and
   * put it back on, following `remaps`, which grows by the renames that this
   * needs. Gives the paths of what is different afterwards; undefined, with
   * everything as it was, if `advance` gives false. With `keepsAll`, a command that
   * does not apply is left to the master's verdict. Where `advance` does nothing but
   * `incoming` commands of others, what these do not meet stays on.
   */
  rebase(
    advance: () => boolean,
    {
      remaps = [],
      keepsAll = false,
      incoming,
    }: {
      remaps?: Remap[]
      keepsAll?: boolean
      incoming?: readonly CheckedCommand[] | undefined
    } = {},
  ): Path[] | undefined {
    let hasAdvanced = false
    const from = this.confirmed
    const paths = this.tree.settle(() => {
      const { queue, others } = this
      const off = incoming && others.isEmpty ? queue.findMet(incoming) : undefined
      const stack = off ? [...off] : others.mergeWith(queue.commands)
      for (let index = stack.length - 1; index >= 0; index -= 1) {
        this.tree.undo(stack[index]!.changes)
      }
      others.tookOff()
      this.#off = off
      hasAdvanced = advance()
      this.#off = undefined
      queue.raise(others.serial)
      // What it builds on may be another session's, and still on its way to the master.
      const keeps = keepsAll || others.isUsed
      queue.putOn(hasAdvanced ? remaps : [], keeps, (order) => others.putOnBelow(order), off)
      others.putOnBelow(Infinity)
    })
    if (!hasAdvanced) return undefined
    const pending = this.pending.length
    if (from !== this.confirmed || pending > 0) {
      this.onRebase?.({ from, to: this.confirmed, pending, changed: paths })
    }
    return paths
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
    base?: string,
  ): boolean {
    if (sync.kind === 'snapshot') {
      if (sync.snapshot.commandCount < commandCount) return false
      this.tree.replace(sync.snapshot.document)
      this.confirmed = sync.snapshot.commandCount
      this.hash = sync.snapshot.hash
      this.schema = sync.snapshot.schema ?? FIRST_VERSION
      for (const log of this.logs) log.replace()
      // It may be of another past.
      this.#known = []
      return true
    }
    const { confirmed, hash, queue } = this
    const { hasLanded } = queue
    const changes: Change[] = []
    const records: CheckedRecord[] = []
    const fits =
      sync.kind === 'none'
        ? this.#confirm(own, changes, true)
        : sync.updates.every((update, index) => {
            const before = sync.updates[index - 1]?.hash ?? base
            return this.#follow(update, before, own, flight, changes, records)
          })
    // Where nothing else happened there is nothing beyond the own commands, unless they were in it.
    const isThere =
      sync.kind === 'none' ? this.confirmed === commandCount : this.confirmed >= commandCount
    if (fits && isThere) {
      if (sync.kind === 'none') this.noteOwn(own, confirmed, newHash, flight)
      else this.#note(sync.updates, records)
      return true
    }
    this.tree.undo(changes)
    this.confirmed = confirmed
    this.hash = hash
    queue.hasLanded = hasLanded
    return false
  }

  /** Note that the commands of `flight` were confirmed at `from`, if somebody wants to know. */
  noteOwn(
    commands: readonly CheckedCommand[],
    from: number,
    hash: string,
    flight: Flush | undefined,
  ): void {
    if (this.logs.size === 0 || !flight || commands.length === 0) return
    const { clientId, sequence } = flight
    this.#log([{ from, hash, clientId, sequence, commands }])
  }

  #note(updates: readonly CheckedUpdateEntry[], records: readonly CheckedRecord[]): void {
    for (const { clientId, sequence } of updates) this.others.confirm(clientId, sequence)
    this.#log(records)
    const { schema } = updates.findLast((update) => update.schema !== undefined) ?? {}
    if (schema !== undefined && schema > this.schema) {
      this.schema = schema
      // A record does not say so, but a snapshot does.
      for (const log of this.logs) log.replace()
    }
    this.#known = [...this.#known, ...records].slice(-MAX_KNOWN)
  }

  /** Whether others than `clientId` are known to have written somewhere; else the master finds out. */
  #hasWritten(path: Path, since: number, clientId: string): boolean {
    if (since > this.confirmed) return true
    return new Writings(clientId, () => this.#known).has(path, since) === true
  }

  #log(records: readonly LogRecord[]): void {
    for (const log of this.logs) log.add(records)
  }

  #follow(
    update: CheckedUpdateEntry,
    before: string | undefined,
    own: readonly CheckedCommand[],
    flight: Flush | undefined,
    changes: Change[],
    records: CheckedRecord[],
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
      if (from !== this.confirmed || (before ?? this.hash) !== this.hash) return false
      if (!this.#confirm(commands, changes, isOwn)) return false
      this.hash = hash
      records.push({ from, hash, clientId, sequence, commands })
    }
    if (isOwn) {
      this.queue.hasLanded = true
      this.queue.landed = commands
    }
    return true
  }

  #confirm(commands: readonly CheckedCommand[], changes: Change[], isOwn: boolean): boolean {
    for (const [index, command] of commands.entries()) {
      // Where some stay on, all that is in flight was applied as it was sent.
      const stays = isOwn && this.#off && !this.#off.has(this.queue.commands[index]!)
      if (!stays) {
        if (isOwn) this.queue.tracker?.before(command)
        if (this.tree.apply(command, changes)) return false
      }
      this.confirmed += 1
    }
    return true
  }
}
