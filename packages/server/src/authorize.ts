import type { User } from '@flushout/core'

/**
 * What somebody wants to do with a model. Who may write may read: every answer
 * brings the document up to date. Following and listing models, and being shown
 * in them, need `read`. `create` is to make one with a document or config of one's
 * own; a first `read` or `write` makes one of a kind that has an `initial` document.
 */
export type Action = 'read' | 'write' | 'create' | 'configure' | 'delete'

/**
 * Decides who may do what. Asked for every request, before anything is looked
 * up; `user` is undefined where nobody is logged in. Throwing counts as "cannot
 * tell now": the client tries again later.
 */
export type Authorize<U extends User = User> = {
  // Taken from a method, so that a function over the application's own kind of
  // user fits where just a user is known of.
  authorize(user: U | undefined, action: Action, key: string): boolean | Promise<boolean>
}['authorize']

/** Lets everybody read and write every model. Has to be written out to be had. */
export const allowAnyone: Authorize = () => true
