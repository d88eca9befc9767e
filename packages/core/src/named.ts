import type { Command } from './command.ts'
import type { InterceptorContext } from './interceptor.ts'
import type { JsonObject } from './json.ts'
import type { Path } from './path.ts'

/** Why a named command is refused, in the words of the application. */
export interface RunRefusal {
  readonly reject: {
    readonly code?: string
    readonly message: string
    /** Where the fault is; the document if left out. */
    readonly at?: Path
  }
}

/** A command that a definition names. Made by `withCommands`. */
export interface NamedCommand {
  /** What a person calls it, for the history and for undo. */
  readonly label?: string
  /**
   * The plain commands that it is on `document`, or why it is refused. Must decide by its
   * arguments alone: it is asked again on the master, and wherever the document is another.
   */
  readonly make: (
    document: JsonObject,
    args: JsonObject,
    context: InterceptorContext,
  ) => readonly Command[] | RunRefusal
}

/** The named commands of a kind of models. */
export interface NamedCommands {
  readonly [name: string]: NamedCommand
}
