import type { Command } from './command.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type { Path } from './path.ts'

/** A document as interceptors see it: read what is needed, at the price of just that. */
export interface DocumentView {
  /** The value at `path`, frozen; undefined where there is none. */
  read(path?: Path): JsonValue | undefined
  /** The keys of the node at `path`, frozen, in order; empty where there is no node. */
  keys(path?: Path): readonly string[]
  /** How many keys the node at `path` has, without listing them. */
  size(path?: Path): number
}

/** Who sent a flush. Set from the session by the server, never from a message. */
export interface User {
  readonly id: string
}

/** What an interceptor may know besides the document: equal each time a flush is redone. */
export interface InterceptorContext<U extends User = User> {
  /** `proxy` in the browser, before anybody confirmed the command; `master` on the server. */
  readonly side: 'proxy' | 'master'
  /** Who gave the command; undefined where nobody is logged in. */
  readonly user: U | undefined
  /** Milliseconds since 1970, the same for all commands of a flush. */
  readonly now: number
  /** From 0 up to 1; the same row of numbers when the flush is redone. Not for secrets. */
  readonly random: () => number
  /** The command that this one follows; none where somebody gave it. */
  readonly cause?: Command
}

/**
 * Sees every command before it applies, on the proxy and on the master. Return
 * nothing to let it pass, `{ props }` to put other props into a create or
 * update, `{ reject }` to refuse it, `{ follow }` to have other commands apply right
 * after it, or not at all with it. They go through all interceptors, too. Must be synchronous,
 * and must decide by its arguments alone: the master runs it again when two servers meet.
 */
export type Interceptor<U extends User = User> = (
  document: DocumentView,
  command: Command,
  context: InterceptorContext<U>,
) =>
  | void
  | { readonly props: JsonObject; readonly follow?: readonly Command[] }
  | { readonly follow: readonly Command[] }
  | {
      readonly reject: {
        readonly code?: string
        readonly message: string
        /** Where the fault is; where the command is given if left out. */
        readonly at?: Path
      }
    }
