import type { JsonObject } from './json.ts'
import type { Path } from './path.ts'

/** Put a new object under the node at `path`. */
export interface Create {
  readonly action: 'create'
  /** The node that receives the new one; the document itself when left out. */
  readonly path?: Path
  /**
   * The key of the new node. Made here when left out, so that it can be used at
   * once. A taken id is replaced by a free one, never overwritten.
   */
  readonly id?: string
  readonly props?: JsonObject
  /** What to create at `path` first, if nothing is there. Never replaces anything. */
  readonly parentDefault?: JsonObject
}

/** Set `props` on the node at `path`, remove the keys of `unset`, leave the others. */
export interface Update {
  readonly action: 'update'
  readonly path?: Path
  readonly props?: JsonObject
  readonly unset?: readonly string[]
  /** Where it is not so any more, the update is a conflict and overwrites nothing. */
  readonly expects?: Expects
}

/** What the author of an update counts on: the node as they saw it. */
export interface Expects {
  /** These props hold equal JSON, in whatever order its keys are. */
  readonly props?: JsonObject
  /** There are no props of these names. */
  readonly unset?: readonly string[]
  /**
   * Nobody else has written to the node, or below it, or replaced it, since the
   * master had confirmed so many commands. Where the history does not reach back that
   * far any more, nobody can vouch for it, and it is taken for not so.
   */
  readonly since?: number
}

/** Remove the last key of `path`. Removing what is not there succeeds. */
export interface Delete {
  readonly action: 'delete'
  readonly path: Path
}

/** One intended change of a document, plain JSON. */
export type Command = Create | Update | Delete

/** Run a command that the definition of the model names: each side makes plain ones of it. */
export interface Run {
  readonly action: 'run'
  readonly name: string
  /** What it is run with; an empty object when left out. */
  readonly args?: JsonObject
  /** The document itself, and nothing else. */
  readonly path?: Path
}

/** What an application gives and a flush carries: a command, or the name of one. */
export type GivenCommand = Command | Run

/**
 * Why a command was refused or no longer applies. `code` is of the catalogue,
 * or the application's own when an interceptor refused.
 */
export interface Rejection {
  readonly code: string
  readonly message: string
  /** The path up to and including the segment or key that is at fault. */
  readonly at?: Path
}
