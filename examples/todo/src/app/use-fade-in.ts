import type { Model } from '@flushout/client'
import { useFeed } from '@flushout/react'
import type { RefObject } from 'react'
import type { TodoList } from '../todo-list.ts'

/** How long a change stands out. */
const FRESH_MS = 1_500
/** How long a new todo takes to be there; it should be read soon. */
const COME_MS = 250

/** Lets what others add and change fade in, unless somebody wants things to stand still. */
export function useFadeIn(model: Model<TodoList>, list: RefObject<HTMLElement | null>): void {
  useFeed(model, { path: ['todos'] }, (event) => {
    if (event.kind !== 'publish' && event.kind !== 'edit') return
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
    // By then React has drawn the new row.
    requestAnimationFrame(() => {
      const row = list.current?.querySelector(`[data-id="${CSS.escape(event.id)}"]`)
      row?.animate([{ backgroundColor: 'var(--fresh)' }, {}], FRESH_MS)
      if (event.kind === 'publish') row?.animate([{ opacity: 0 }, {}], COME_MS)
    })
  })
}
