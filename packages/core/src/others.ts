import { checkApplied } from './answer.ts'
import type { CheckedCommand } from './check.ts'
import type { Command } from './command.ts'
import type { Change, DocumentTree } from './document.ts'

/** What another session has given and nobody confirmed yet, as far as it is known here. */
export interface PendingOfOther {
  /** Under what id its flushes are sent. */
  readonly clientId: string
  /** In order, as they applied there. */
  readonly commands: readonly {
    /** The number of the flush that it is in; none while it is queued. */
    readonly sequence?: number
    readonly command: Command
  }[]
}

interface OtherCommand {
  readonly clientId: string
  readonly sequence: number | undefined
  readonly command: CheckedCommand
  /** What it did to the document; empty if it does not apply. */
  readonly changes: Change[]
}

// Of so many clients it is known how far they are confirmed.
const MAX_CLIENTS = 1_000

/** The commands of other sessions, shown in a document until they are confirmed. Never sent. */
export class Others {
  readonly #tree: DocumentTree
  #commands: readonly OtherCommand[] = []
  #isUsed = false
  // The last flush of each client that was confirmed: it may be heard of before
  // the session itself says that nothing of it is pending any more.
  readonly #confirmed = new Map<string, number>()

  constructor(tree: DocumentTree) {
    this.#tree = tree
  }

  get isEmpty(): boolean {
    return this.#commands.length === 0
  }

  /** Whether there ever were any: then a command that does not apply here may do so at the master. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /** In the order in which they are shown. */
  get commands(): readonly OtherCommand[] {
    return this.#commands
  }

  /**
   * Show these, and none that were shown before, from the next `putOn` on. What is no
   * command is left out, and what is confirmed already or of `ownId`. Only to be called
   * after `takeOff`.
   */
  replace(others: readonly PendingOfOther[], ownId: string): void {
    this.#isUsed = true
    const foreign = others.filter(({ clientId }) => clientId !== ownId)
    this.#commands = foreign.flatMap(({ clientId, commands }) =>
      commands.flatMap(({ sequence, command }) => {
        const checked = checkApplied(command)
        if (!checked || this.#isConfirmed(clientId, sequence)) return []
        return { clientId, sequence, command: checked, changes: [] }
      }),
    )
  }

  /** A flush was confirmed: what is in it or was before it is no more pending. */
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

  /** Take all commands out of the document. */
  takeOff(): void {
    for (const { changes } of this.#commands.toReversed()) this.#tree.undo(changes)
  }

  /** Put the commands on again; those that do not apply do not show. */
  putOn(): void {
    for (const { command, changes } of this.#commands) this.#tree.apply(command, changes)
  }

  #isConfirmed(clientId: string, sequence: number | undefined): boolean {
    return sequence !== undefined && sequence <= (this.#confirmed.get(clientId) ?? 0)
  }
}
