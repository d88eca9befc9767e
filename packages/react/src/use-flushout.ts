import type {
  DocumentAt,
  KeyFor,
  Model,
  ModelAt,
  ModelStatus,
  RegisteredKey,
} from '@flushout/client'
import { useSyncExternalStore } from 'react'
import { useClient } from './provider.ts'
import { useLoaded, useRetainedModel } from './use-model.ts'
import { useSelection } from './use-selection.ts'

/** How `useFlushout` waits for the first load. */
export interface UseFlushoutOptions {
  /** Do not suspend: the document is undefined until it is there, and the status tells why. */
  readonly suspense: false
}

/**
 * The document of the model `key` and the model, to change it with. The
 * component renders again after every change in the document; for long lists
 * take `useModel`, `useKeys` and `useNode`.
 *
 * Suspends until the first load is done and never again, except for another
 * key: change that in a transition to keep the old document on screen. What
 * makes loading impossible, as MODEL_NOT_FOUND, goes to the error boundary.
 */
export function useFlushout<const Key extends string>(
  key: RegisteredKey<Key>,
): [DocumentAt<Key>, ModelAt<Key>]
/**
 * What `selector` makes of the document, and the model. The component renders
 * again only when that is another. The selector may be written inline; parts of
 * its result that are equal to those of before keep their identity.
 */
export function useFlushout<const Key extends string, Selected>(
  key: RegisteredKey<Key>,
  selector: (document: DocumentAt<Key>) => Selected,
): [Selected, ModelAt<Key>]
/** The same without suspending: undefined until there is a document, and the status. */
export function useFlushout<const Key extends string>(
  key: RegisteredKey<Key>,
  options: UseFlushoutOptions,
): [DocumentAt<Key> | undefined, ModelAt<Key>, ModelStatus]
/** For a model that `Register` does not know: `useFlushout<TodoList>(key)`. */
export function useFlushout<Doc extends object = never>(key: KeyFor<Doc>): [Doc, Model<Doc>]
/** What `selector` makes of the document of a model that `Register` does not know. */
export function useFlushout<Doc extends object = never, Selected = unknown>(
  key: KeyFor<Doc>,
  selector: (document: Doc) => Selected,
): [Selected, Model<Doc>]
/** A model that `Register` does not know, without suspending. */
export function useFlushout<Doc extends object = never>(
  key: KeyFor<Doc>,
  options: UseFlushoutOptions,
): [Doc | undefined, Model<Doc>, ModelStatus]
export function useFlushout<Doc extends object>(
  key: string,
  option?: ((document: Doc) => unknown) | UseFlushoutOptions,
): [unknown, Model<Doc>, ModelStatus?] {
  const client = useClient()
  const model = useRetainedModel<Doc>(client, key)
  const suspends = typeof option !== 'object'
  useLoaded(client, suspends ? model : undefined)
  const value = useSelection(model, typeof option === 'function' ? option : whole)
  const getStatus = () => (suspends ? undefined : model.status)
  const status = useSyncExternalStore(
    suspends ? subscribeToNothing : model.subscribeStatus,
    getStatus,
    getStatus,
  )
  return status ? [value, model, status] : [value, model]
}

function whole<T>(document: T): T {
  return document
}

function subscribeToNothing(): () => void {
  return () => {}
}
