import type { User } from '@flushout/core'

/**
 * What somebody wants to do with a document. Who may write may read: every answer
 * brings the document up to date. Following and listing models, and being shown
 * in them, need `read`. A first `read` or `write` makes a model of a kind that has
 * an `initial` document.
 */
export type Action = 'read' | 'write'

/**
 * What somebody wants to do with a model as a whole; `create` is with a document or config of
 * one's own, `erase` takes a value out of its history, too.
 */
export type Administration = 'create' | 'configure' | 'delete' | 'erase'

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

/** The same for models as a whole: who may read and write a document may not delete it, unless this says so. */
export type Administer<U extends User = User> = {
  administer(user: U | undefined, action: Administration, key: string): boolean | Promise<boolean>
}['administer']

/** Lets everybody do everything that it is asked for. Has to be written out to be had. */
export const allowAnyone: () => true = () => true
