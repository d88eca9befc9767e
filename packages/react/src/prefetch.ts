import { dehydrate, hydrate } from '@flushout/client/hydration'
import {
  createElement,
  Fragment,
  use,
  useId,
  useSyncExternalStore,
  type ReactElement,
  type ReactNode,
} from 'react'
import { useClient } from './provider.ts'
import { loadOf } from './use-model.ts'

export interface PrefetchProps {
  /** The models that the children show. */
  readonly keys: readonly string[]
  readonly children?: ReactNode
}

/**
 * Loads models, all at once, before its children show them; the nearest `Suspense` waits. On a
 * server what was loaded goes into the page beside the children, so that the browser shows
 * them by it and asks for nothing. Make a client for each request there.
 */
export function Prefetch({ keys, children }: PrefetchProps): ReactElement {
  const client = useClient()
  const id = useId()
  // On the server, and where its markup is taken over.
  const isRendered = useSyncExternalStore(subscribeToNothing, toFalse, toTrue)
  const sent = isRendered ? findText(id) : undefined
  if (sent !== undefined) hydrate(client, sent)
  const loads = keys.map((key) => loadOf(client, client.model<object>(key)))
  for (const load of loads) use(load)
  // The markup has to be the same once more; then it is not needed any longer.
  const state = isRendered ? (sent ?? dehydrate(client, keys)) : undefined
  return createElement(Fragment, null, state !== undefined && toScript(id, state), children)
}

function toScript(id: string, __html: string): ReactElement {
  // Data, which no content security policy forbids.
  return createElement('script', {
    id,
    type: 'application/json',
    dangerouslySetInnerHTML: { __html },
  })
}

function findText(id: string): string | undefined {
  return typeof document === 'undefined'
    ? undefined
    : (document.getElementById(id)?.textContent ?? undefined)
}

function subscribeToNothing(): () => void {
  return () => {}
}

function toFalse(): boolean {
  return false
}

function toTrue(): boolean {
  return true
}
