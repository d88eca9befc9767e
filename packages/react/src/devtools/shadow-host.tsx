import { useState, useSyncExternalStore, type ReactNode } from 'react'
import { createPortal } from 'react-dom'
import { STYLE } from './style.ts'

/** Shows its children at the end of the page, where no style of the page reaches them. */
export function ShadowHost({ children }: { readonly children: ReactNode }): ReactNode {
  const [host] = useState(() => new Host())
  const root = useSyncExternalStore(host.subscribe, host.getRoot, nothing)
  return root && createPortal(children, root)
}

/**
 * An element with a tree of its own, in the page as long as somebody subscribes. Needs no
 * permission of a Content-Security-Policy, since a style sheet that is made by a script is
 * no inline style.
 */
class Host {
  #root: ShadowRoot | undefined

  getRoot = (): ShadowRoot | undefined => this.#root

  subscribe = (listener: () => void): (() => void) => {
    const { host } = (this.#root ??= createRoot())
    document.body.append(host)
    listener()
    return () => host.remove()
  }
}

function createRoot(): ShadowRoot {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(STYLE)
  const root = document.createElement('flushout-devtools').attachShadow({ mode: 'open' })
  root.adoptedStyleSheets = [sheet]
  return root
}

// On a server there is no page.
function nothing(): undefined {
  return undefined
}
