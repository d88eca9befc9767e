import type { Client, KeyFor, Model, ModelAt, RegisteredKey } from '@flushout/client'
import { use, useCallback, useSyncExternalStore } from 'react'
import { useClient } from './provider.ts'

/**
 * The model `key`, kept in memory and current as long as the component is on
 * screen. Suspends until the first load is done; throws what makes loading
 * impossible, as MODEL_NOT_FOUND. No edit renders the component: that is for
 * the hooks which read from the model.
 */
export function useModel<const Key extends string>(key: RegisteredKey<Key>): ModelAt<Key>
/** The same for a model that `Register` does not know: `useModel<TodoList>(key)`. */
export function useModel<Doc extends object = never>(key: KeyFor<Doc>): Model<Doc>
export function useModel<Doc extends object>(key: string): Model<Doc> {
  const client = useClient()
  const model = useRetainedModel<Doc>(client, key)
  useLoaded(client, model)
  return model
}

/** The model `key`, loaded or not. */
export function useRetainedModel<Doc extends object>(client: Client, key: string): Model<Doc> {
  const retain = useCallback(() => client.model<Doc>(key).watch(), [client, key])
  // The model itself is the snapshot: a component that was hidden for longer
  // than the client keeps a model finds out when it is shown again.
  const getModel = () => client.model<Doc>(key)
  return useSyncExternalStore(retain, getModel, getModel)
}

/**
 * Suspend until `model` has a document, and never after that: to suspend for a
 * later change would hide the page. Throws what makes loading impossible.
 */
export function useLoaded<Doc extends object>(client: Client, model: Model<Doc> | undefined): void {
  if (model) use(loadOf(client, model))
}

/** What to wait for until there is a document. All that are asked for are loaded at a time. */
export function loadOf<Doc extends object>(client: Client, model: Model<Doc>): Promise<void> {
  if (model.isLoaded || typeof location !== 'undefined') return readyOf(model)
  // On a server: a page cannot wait until the network is back, but can load in the browser.
  let load = loads.get(model)
  if (!load) {
    load = client.prefetch([model.key])
    loads.set(model, load)
  }
  return load
}

const loads = new WeakMap<object, Promise<void>>()

/**
 * `ready`, with the mark that React leaves on a promise when it has seen it
 * resolve. Without it, React would suspend for a moment to find out, and a
 * server would send the fallback.
 */
function readyOf<Doc extends object>(model: Model<Doc>): Promise<void> {
  const ready: Promise<void> & { status?: string; value?: void } = model.ready
  if (model.isLoaded) ready.status = 'fulfilled'
  return ready
}
