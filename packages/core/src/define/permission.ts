import type { Command, Rejection } from '../command.ts'
import type { DocumentView, Interceptor, User } from '../interceptor.ts'
import { isObject, type JsonObject, type JsonValue } from '../json.ts'
import { ROOT, type Path } from '../path.ts'
import { hasNode } from './is-there.ts'

/** What somebody wants to do with a node: put another under it, change its fields, or remove it. */
export type NodeAction = 'create' | 'update' | 'delete'

/** The node that somebody wants to work on, as it is before that. */
export interface NodeView {
  /** Of a `create`, that of the node which gets the new one. */
  readonly path: Path
  /** The field at `below`, `read('owner')`, or the node; undefined where there is none. */
  readonly read: (...below: string[]) => JsonValue | undefined
  /** All around it: who belongs to a team may be written elsewhere. */
  readonly document: DocumentView
  /** What is to be set, or the new node. Not there when it is only asked whether they may. */
  readonly props?: JsonObject
  /** Which fields an update takes away. */
  readonly unset?: readonly string[]
}

/**
 * Says what a user may do: `true`, or nothing and everything else for no. A text is a no in
 * these words, which go to whoever tried. `user` is undefined where nobody is logged in; on
 * the server it is what the session says, in the browser what the client was made with.
 */
export type Can = {
  // Taken from a method, so that a function over the application's own kind of user fits.
  can(user: User | undefined, action: NodeAction, node: NodeView): boolean | string | undefined
}['can']

/** Tells why a user may not do something with the node at a path; undefined if they may. */
export type FindRefusal = (
  user: User | undefined,
  action: NodeAction,
  document: DocumentView,
  path: Path,
) => Rejection | undefined

/** What `can` has to be asked. */
interface Question extends Pick<NodeView, 'props' | 'unset'> {
  readonly action: NodeAction
  readonly path: Path
}

/** Make the rule that asks `can` for everything that a command does. */
export function permit(can: Can): Interceptor {
  return (document, command, { user }) => {
    for (const question of questionsOf(document, command)) {
      const refusal = ask(can, user, document, question)
      if (refusal) return { reject: refusal }
    }
  }
}

/** Make the function that asks `can` before anything is done. */
export function refusalBy(can: Can): FindRefusal {
  return (user, action, document, path) => {
    try {
      return ask(can, user, document, { action, path })
    } catch {
      // As for a command: it says so in its receipt, and the server in its log.
      return { code: 'INTERCEPTOR_FAILED', message: 'A rule for this command failed.', at: path }
    }
  }
}

function ask(
  can: Can,
  user: User | undefined,
  document: DocumentView,
  { action, path, ...change }: Question,
): Rejection | undefined {
  const read = (...below: string[]) => document.read([...path, ...below])
  const answer: unknown = can(user, action, { path, read, document, ...change })
  if (answer === true) return undefined
  // A no, but what it rejects with must not go unhandled.
  if (answer instanceof Promise) answer.catch(() => {})
  const message = typeof answer === 'string' ? answer : `You may not ${action} this.`
  return { code: 'FORBIDDEN', message, at: path }
}

/**
 * A command can do more than its name says: an update that replaces a node deletes it and
 * creates another, and to delete a field is to update its node.
 */
function questionsOf(document: DocumentView, command: Command): readonly Question[] {
  const { path = ROOT } = command
  switch (command.action) {
    case 'create': {
      const { props = {}, parentDefault } = command
      const create: Question = { action: 'create', path, props }
      if (!parentDefault || hasNode(document, path)) return [create]
      return [{ action: 'create', path: path.slice(0, -1), props: parentDefault }, create]
    }
    case 'update': {
      const { props = {}, unset = [] } = command
      const questions: Question[] = [{ action: 'update', path, props, unset }]
      for (const key of [...Object.keys(props), ...unset]) {
        const at = [...path, key]
        if (hasNode(document, at)) questions.push({ action: 'delete', path: at })
      }
      for (const value of Object.values(props)) {
        if (isObject(value)) questions.push({ action: 'create', path, props: value })
      }
      return questions
    }
    case 'delete': {
      const value = hasNode(document, path) ? undefined : document.read(path)
      if (value === undefined) return [{ action: 'delete', path }]
      return [{ action: 'update', path: path.slice(0, -1), props: {}, unset: path.slice(-1) }]
    }
  }
}
