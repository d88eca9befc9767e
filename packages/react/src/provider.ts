import type { Client } from '@flushout/client'
import { FlushoutError } from '@flushout/core'
import { createContext, createElement, use, type ReactElement, type ReactNode } from 'react'

const ClientContext = createContext<Client | undefined>(undefined)

export interface FlushoutProviderProps {
  /** What `createClient` gave. Make it once, outside of components. */
  readonly client: Client
  readonly children?: ReactNode
}

/** Gives the hooks below it the client whose models they show. */
export function FlushoutProvider({ client, children }: FlushoutProviderProps): ReactElement {
  return createElement(ClientContext, { value: client }, children)
}

/** The client of the nearest `FlushoutProvider`. Throws NO_PROVIDER where there is none. */
export function useClient(): Client {
  const client = use(ClientContext)
  if (client) return client
  throw new FlushoutError(
    'NO_PROVIDER',
    'No client was found; wrap the app in <FlushoutProvider client={createClient({ url })}>.',
  )
}
