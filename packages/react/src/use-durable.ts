import { useSyncExternalStore } from 'react'
import { useClient } from './provider.ts'

/**
 * Whether this device keeps edits: false where the client has no `storage`, in some private
 * windows, and when the quota is used up. Then they live only in this page until the server
 * has them, which is worth a word to the user. For what is pending now see `status.durable`.
 */
export function useDurable(): boolean {
  const client = useClient()
  return useSyncExternalStore(client.subscribeDurable, () => client.isDurable, toTrue)
}

// On a server nobody knows yet.
function toTrue(): boolean {
  return true
}
