import { checkApplied, checkSent } from './answer.ts'
import { isRun } from './apply-run.ts'
import { reachOf } from './changed-paths.ts'
import type { CheckedCommand, CheckedGiven } from './check.ts'
import type { Command, GivenCommand } from './command.ts'
import type { Change, DocumentTree } from './document.ts'
import { findStale, type AskWritten } from './expects.ts'
import type { PendingGroup } from './group.ts'
import { startsWith, type Path } from './path.ts'

/** What a session has given and nobody confirmed yet, for other sessions of the same person. */
export interface PendingSession {
  /** Under what id its flushes are sent. */
  readonly clientId: string
  /** In order, as they applied there. */
  readonly commands: readonly PendingOfSession[]
  /** Nothing is heard of it any more: what builds on it is sent nevertheless. */
  readonly isSilent?: boolean
}

/** One command of a `PendingSession`. */
export interface PendingOfSession {
  /** As in `ProxyMemory`: higher for what was given later, whichever session gave it. */
  readonly serial: number
  /** The serial of the atomic group that it is of: by that the group is before others, or after them. */
  readonly unit?: number
  /** The number of the flush that it is in; none while it is queued. */
  readonly sequence?: number
  readonly command: GivenCommand
  /** What followed it there, by a rule; of a named command what it made. */
  readonly followUps?: readonly Command[]
  /** It does not show before the master has confirmed it. */
  readonly wait?: boolean
}

interface OtherCommand {
  readonly clientId: string
  readonly serial: number
  readonly unit: number
  readonly sequence: number | undefined
  /** As it applied there. */
  readonly shown: CheckedGiven
  readonly followUps: readonly CheckedCommand[]
  /** Where it and its follow-ups may change something. */
  readonly paths: readonly Path[]
  readonly waits: boolean
  readonly isSilent: boolean
  /** What they did to the document; empty if it does not show. */
  readonly changes: Change[]
}

/** A command of this session among those of others. */
interface OwnCommand {
  /** Its place among those of others: a serial. */
  readonly order: number
  readonly changes: Change[]
}

// Of so many clients it is known how far they are confirmed.
const MAX_CLIENTS = 1_000

/**
 * The commands of other sessions, shown in a document until they are confirmed. Never
 * sent. All sessions agree on one order of what is pending: by serial, which is higher
 * than any that its session knew of (the clock of Lamport, 1978), then by client id.
 */
export class Others {
  readonly #tree: DocumentTree
  readonly #hasWritten: (path: Path, since: number, clientId: string) => boolean
  // In that order.
  #commands: readonly OtherCommand[] = []
  // How many of them are put on.
  #height = 0
  #ownId = ''
  #isUsed = false
  // The last flush of each client that was confirmed: it may be heard of before
  // the session itself says that nothing of it is pending any more.
  readonly #confirmed = new Map<string, number>()

  /** `hasWritten` tells whether others than a client are known to have written somewhere. */
  constructor(
    tree: DocumentTree,
    hasWritten: (path: Path, since: number, clientId: string) => boolean,
  ) {
    this.#tree = tree
    this.#hasWritten = hasWritten
  }

  get isEmpty(): boolean {
    return this.#commands.length === 0
  }

  /** Whether there ever were any: then a command that does not apply here may do so at the master. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /** The highest serial among them; 0 if there are none. */
  get serial(): number {
    return this.#commands.at(-1)?.serial ?? 0
  }

  /**
   * Show these, and none that were shown before, from the next `putOnBelow` on. What is
   * no command is left out, and what is confirmed already or of `ownId`. Only to be
   * called while all are taken off.
   */
  replace(others: readonly PendingSession[], ownId: string): void {
    this.#isUsed = true
    this.#ownId = ownId
    this.#commands = others
      .flatMap((session) => (session.clientId === ownId ? [] : this.#check(session)))
      .sort((a, b) => a.serial - b.serial || (a.clientId < b.clientId ? -1 : 1))
  }

  /** A flush was confirmed: what is in it or was before it is no more pending. Only to be called while all are taken off. */
  confirm(clientId: string, sequence: number): void {
    const last = this.#confirmed.get(clientId) ?? 0
    // Put to the end, so that those are forgotten first of whom nothing was heard longest.
    this.#confirmed.delete(clientId)
    this.#confirmed.set(clientId, Math.max(last, sequence))
    if (this.#confirmed.size > MAX_CLIENTS) {
      this.#confirmed.delete(this.#confirmed.keys().next().value!)
    }
    if (this.isEmpty) return
    this.#commands = this.#commands.filter(
      (other) => !this.#isConfirmed(other.clientId, other.sequence),
    )
  }

  /** What is on the confirmed document, from the bottom to the top, where `own` is of this session. */
  mergeWith<C extends OwnCommand>(own: readonly C[]): readonly (C | OtherCommand)[] {
    if (this.isEmpty) return own
    const merged: (C | OtherCommand)[] = []
    let next = 0
    for (const command of own) {
      for (; this.#isBelow(next, command.order); next += 1) merged.push(this.#commands[next]!)
      merged.push(command)
    }
    return [...merged, ...this.#commands.slice(next)]
  }

  /** All were taken out of the document, together with the own ones. */
  tookOff(): void {
    this.#height = 0
  }

  /** Put those on that belong below the own command with this place; those that do not apply do not show. */
  putOnBelow(serial: number): void {
    for (; this.#isBelow(this.#height, serial); this.#height += 1) {
      const other = this.#commands[this.#height]!
      const { clientId, shown, waits } = other
      const askWritten: AskWritten = (path, since) => this.#hasWritten(path, since, clientId)
      if (!waits && !findStale(this.#tree, shown, askWritten)) applyShown(this.#tree, other)
    }
  }

  /**
   * Whether an own command has to wait for one of these, since it was given later and
   * changes the same, or something above or below it. An atomic group was given as a whole,
   * or two of them could wait for each other for ever. Cost: O(commands).
   */
  precede({
    serial,
    group,
    command,
    followUps,
  }: {
    readonly serial: number
    readonly group: PendingGroup | undefined
    readonly command: CheckedGiven
    readonly followUps: readonly CheckedCommand[]
  }): boolean {
    const paths = [command, ...followUps].flatMap(reachOf)
    const unit = group?.atomic ? group.id : serial
    return this.#commands.some(
      (other) =>
        !other.isSilent &&
        this.#isBefore(other.unit, other.clientId, unit) &&
        isRelated(other.paths, paths),
    )
  }

  #check({ clientId, commands, isSilent = false }: PendingSession): OtherCommand[] {
    return commands.flatMap((one) => {
      const { serial, unit = serial, sequence, command, followUps = [], wait = false } = one
      const checked = checkSent(command)
      if (!checked || this.#isConfirmed(clientId, sequence)) return []
      const led = followUps.flatMap((followUp) => checkApplied(followUp) ?? [])
      return {
        clientId,
        serial,
        unit,
        sequence,
        shown: checked,
        followUps: led,
        paths: [checked, ...led].flatMap(reachOf),
        waits: wait,
        isSilent,
        changes: [],
      }
    })
  }

  #isBelow(index: number, serial: number): boolean {
    const other = this.#commands[index]
    return other !== undefined && this.#isBefore(other.serial, other.clientId, serial)
  }

  /** Whether what others gave comes before what was given here. */
  #isBefore(theirs: number, clientId: string, ours: number): boolean {
    return theirs < ours || (theirs === ours && clientId < this.#ownId)
  }

  #isConfirmed(clientId: string, sequence: number | undefined): boolean {
    return sequence !== undefined && sequence <= (this.#confirmed.get(clientId) ?? 0)
  }
}

/** Apply a command of another session, or again one that applied before: no rule is asked. */
export function applyShown(
  tree: DocumentTree,
  {
    shown,
    followUps,
    changes,
  }: {
    readonly shown: CheckedGiven
    readonly followUps: readonly CheckedCommand[]
    readonly changes: Change[]
  },
): void {
  if (!isRun(shown) && tree.apply(shown, changes)) return
  for (const followUp of followUps) tree.apply(followUp, changes)
}

function isRelated(some: readonly Path[], others: readonly Path[]): boolean {
  return some.some((a) => others.some((b) => startsWith(a, b) || startsWith(b, a)))
}
