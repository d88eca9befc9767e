import type { Command, GivenCommand } from './command.ts'
import type { JsonObject } from './json.ts'
import type { Path } from './path.ts'
import type { Receipt } from './receipt.ts'
import type { ChildProps, PathIn, PropsAt } from './typed.ts'

const NO_OPTIONS = Object.freeze({})

/** How a command is given. */
export interface ApplyOptions {
  /**
   * Queue and send the command like any other, but do not show it before the master
   * has confirmed it. What builds on it cannot apply until then.
   */
  readonly wait?: boolean
  /** What a person would call it, for the history; see `BatchOptions`. */
  readonly label?: string
}

/** What an update may say besides the props that it sets, those being of type `Props`. */
export interface UpdateOptions<Props> {
  /** Keys to remove. */
  readonly unset?: readonly (keyof Props & string)[]
  /** The node as its author saw it; see `Expects`. */
  readonly expects?: {
    readonly props?: Props
    readonly unset?: readonly (keyof Props & string)[]
    readonly since?: number
  }
}

/** Named commands of which is not known what they are run with. */
export interface AnyRuns {
  readonly [name: string]: object | undefined
}

/** What comes after the name: what the command is run with, if it wants anything. */
export type RunRest<Args> = undefined extends Args
  ? readonly [args?: Args, options?: ApplyOptions]
  : readonly [args: Args, options?: ApplyOptions]

/**
 * The three commands and the named ones as methods, typed by the document and by what each
 * name is run with, for whatever can `apply` them.
 */
export abstract class Commander<Doc extends object = JsonObject, Runs extends object = AnyRuns> {
  /**
   * Apply `command` now and queue it for the next flush. A refused command
   * changes nothing and is not queued; the receipt says why.
   */
  abstract apply(command: GivenCommand, options?: ApplyOptions): Receipt

  /**
   * Put a new node under the one at `path`. Its id, in the receipt, can be used
   * at once. `parentDefault` is what to create at `path` if nothing is there.
   */
  create<const P extends Path>(
    path: P & PathIn<Doc, P>,
    props?: ChildProps<Doc, P>,
    options: ApplyOptions & {
      readonly id?: string
      readonly parentDefault?: PropsAt<Doc, P>
    } = NO_OPTIONS,
  ): Receipt {
    const { id, parentDefault } = options
    return this.apply({ action: 'create', path, id, props, parentDefault } as Command, options)
  }

  /**
   * Set `props` on the node at `path`, remove the keys of `unset`, leave the others. With
   * `expects`, only where the node is as it says.
   */
  update<const P extends Path>(
    path: P & PathIn<Doc, P>,
    props: PropsAt<Doc, P>,
    options?: ApplyOptions & UpdateOptions<PropsAt<Doc, P>>,
  ): Receipt {
    // The commonest command of all, spelled out because a spread costs as much
    // as the rest of the call.
    const command =
      options?.unset || options?.expects
        ? { action: 'update', path, props, unset: options.unset, expects: options.expects }
        : { action: 'update', path, props }
    return this.apply(command as Command, options)
  }

  /**
   * Run a command that the definition of the model names: `run('finish', { id })`. It shows at
   * once, and the master runs its own on what it has then. What `args` hold goes there as
   * JSON; ids in them do not follow a rename.
   */
  run<const Name extends keyof Runs & string>(
    name: Name,
    ...[args, options]: RunRest<Runs[Name]>
  ): Receipt {
    return this.apply({ action: 'run', name, ...(args && { args }) }, options)
  }

  /** Remove the last key of `path` with all that is below it. */
  delete<const P extends Path>(path: P & PathIn<Doc, P>, options?: ApplyOptions): Receipt {
    return this.apply({ action: 'delete', path }, options)
  }
}
