import type { ModelVerdict } from '@flushout/client'
import { useEffect, useRef } from 'react'
import { useClient } from './provider.ts'

/**
 * Call `listener` once for each command whose outcome becomes known, in all models: applied,
 * amended, rejected or dropped, for a toast or a log. It is the listener of the latest
 * render that is called, so it may be written inline. Renders nothing. What has to stay on
 * screen until somebody has seen it is for `useRejections`.
 */
export function useVerdicts(listener: (verdict: ModelVerdict) => void): void {
  const client = useClient()
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  }, [listener])
  useEffect(() => client.subscribeVerdicts((verdict) => latest.current(verdict)), [client])
}
