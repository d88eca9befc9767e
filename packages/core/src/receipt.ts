import type { CheckedCommand, CheckedGiven } from './check.ts'
import type { Command, GivenCommand, Rejection } from './command.ts'
import type { Change } from './document.ts'
import type { PendingGroup } from './group.ts'
import type { Loss } from './loss.ts'
import type { PendingMemory } from './memory.ts'
import { ROOT, type Path } from './path.ts'
import { nodeOf } from './remap.ts'

/** What became of a command in the end. */
export type Outcome =
  /**
   * In the master's history as given. `followUps`: what a rule had follow it there, or
   * what a named command made.
   */
  | { readonly kind: 'applied'; readonly followUps?: readonly Command[] }
  /** In the master's history, but as `command`. */
  | {
      readonly kind: 'amended'
      readonly command: Command
      readonly followUps?: readonly Command[]
    }
  | Loss

/** What `apply` and its kin give back: the answer of now, and the one to come. */
export interface Receipt {
  /** False when the command was refused on the spot; nothing has changed then. */
  readonly ok: boolean
  /**
   * The key of the node that the command concerns: the new one of a create, the
   * last segment of the path otherwise, '' for the document. Follows a rename.
   */
  readonly id: string
  /** Why the command was refused on the spot. */
  readonly rejection: Rejection | undefined
  /** What became of the command; undefined as long as nobody knows. */
  readonly outcome: Outcome | undefined
  /** Resolves with the outcome. Never rejects; stays open as long as nobody knows. */
  readonly verdict: Promise<Outcome>
  /**
   * Resolves with true when the command outlives the page, as it is on disk or was
   * confirmed; with false where nothing is kept, or when the command was refused or
   * lost. Never rejects.
   */
  readonly durable: Promise<boolean>
}

/** A command and what became of it. */
export interface SettledCommand {
  /** As the application gave it, renames followed. */
  readonly command: GivenCommand
  /** The node that it concerns: that which it creates, updates or deletes. */
  readonly path: Path
  readonly outcome: Outcome
}

/** What follows most commands. */
export const NO_FOLLOW_UPS: readonly CheckedCommand[] = Object.freeze([])

const APPLIED: Outcome = Object.freeze({ kind: 'applied' })

/** A command between the moment it is given and its outcome. */
export class PendingCommand implements Receipt {
  /** As the application gave it, renames followed: what a rebase starts from. */
  given: CheckedGiven
  /** As it is sent. */
  command: CheckedGiven
  /** As it applied here: what a resolver made of it, if it met a conflict. */
  shown: CheckedGiven
  /** What followed it here, by a rule; of a named command what it made. Not sent: the master has its own rules. */
  followUps: readonly CheckedCommand[] = NO_FOLLOW_UPS
  /** What it and its follow-ups did to the document; empty while it does not apply. */
  readonly changes: Change[] = []
  /** Which command of its proxy it is, 1 for the first: what its random numbers come from. */
  serial = 0
  /** About how many characters of JSON it takes in a flush. */
  size: number
  outcome: Outcome | undefined
  rejection: Rejection | undefined
  /** Whether it outlives the page; undefined as long as nobody knows. */
  isDurable: boolean | undefined
  /** Hears of the outcome, while everything else may still be under way. */
  onSettled: ((settled: SettledCommand) => void) | undefined
  /** Does not show before the master has confirmed it. */
  readonly waits: boolean
  /** What it has in common with those that it belongs to. */
  readonly group: PendingGroup | undefined
  #memory: PendingMemory | undefined
  #promise: Promise<Outcome> | undefined
  #resolve: ((outcome: Outcome) => void) | undefined
  #durable: Promise<boolean> | undefined
  #resolveDurable: ((isDurable: boolean) => void) | undefined

  constructor(given: CheckedGiven, size: number, waits = false, group?: PendingGroup) {
    this.waits = waits
    this.group = group
    this.given = given
    this.command = given
    this.shown = given
    this.size = size
  }

  get label(): string | undefined {
    return this.group?.label
  }

  /** Its place among those of other sessions. An atomic group is in one place. */
  get order(): number {
    return this.group?.atomic ? this.group.id : this.serial
  }

  get ok(): boolean {
    return this.rejection === undefined
  }

  get id(): string {
    return this.given.action === 'create' ? this.given.id : (this.given.path.at(-1) ?? '')
  }

  get verdict(): Promise<Outcome> {
    // Made when somebody asks: most applications never do, and a promise for
    // each keystroke would cost more than the command itself.
    this.#promise ??= this.outcome
      ? Promise.resolve(this.outcome)
      : new Promise((resolve) => {
          this.#resolve = resolve
        })
    return this.#promise
  }

  get durable(): Promise<boolean> {
    this.#durable ??=
      this.isDurable === undefined
        ? new Promise((resolve) => {
            this.#resolveDurable = resolve
          })
        : Promise.resolve(this.isDurable)
    return this.#durable
  }

  /** Say whether the command outlives the page. The first word counts. */
  keep(isDurable: boolean): void {
    if (this.isDurable !== undefined) return
    this.isDurable = isDurable
    this.#resolveDurable?.(isDurable)
  }

  /** What is to be remembered of it; the same object until `given` is another. */
  get memory(): PendingMemory {
    if (this.#memory?.command !== this.given) {
      this.#memory = Object.freeze({
        serial: this.serial,
        command: this.given,
        ...(this.waits && { wait: true }),
        ...(this.group && { group: this.group }),
      })
    }
    return this.#memory
  }

  /** Say what became of the command. The first word counts. */
  settle(outcome: Outcome = APPLIED): void {
    if (this.outcome) return
    this.outcome = outcome
    this.#resolve?.(outcome)
    this.keep(outcome.kind === 'applied' || outcome.kind === 'amended')
    const { given: command } = this
    this.onSettled?.({ command, path: nodeOf(command), outcome })
  }

  /** Refuse the command on the spot. */
  refuse(loss: Loss): void {
    this.rejection = loss.rejection
    // What is not there yet was no part of this model: to the author it is a wrong command.
    this.settle(loss.kind === 'dropped' ? { ...loss, kind: 'rejected' } : loss)
  }
}

const NO_COMMAND: CheckedCommand = Object.freeze({ action: 'update', path: ROOT })

/** The receipt for a command that was refused before it came into a proxy. */
export function refusedReceipt(rejection: Rejection): Receipt {
  const receipt = new PendingCommand(NO_COMMAND, 0)
  receipt.refuse({ kind: 'rejected', rejection })
  return receipt
}
