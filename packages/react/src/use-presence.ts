import type { Presence } from '@flushout/client'
import { useEffect } from 'react'

/**
 * Tell the others who look at the model something about this page, as long as
 * the component is on screen: `usePresence(model, { name, editing: id })`. What
 * several components tell is merged; fields that are undefined are left out. The
 * object may be written inline: it is told again only when its content changes.
 */
export function usePresence(model: { readonly presence: Presence }, part: object): void {
  const { presence } = model
  const text = JSON.stringify(part)
  useEffect(() => presence.share(JSON.parse(text) as object), [presence, text])
}
