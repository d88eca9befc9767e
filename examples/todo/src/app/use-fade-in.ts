import type { Model } from '@flushout/client'
import { useFeed } from '@flushout/react'
import type { RefObject } from 'react'
import type { TodoList } from '../todo-list.ts'

const FADE_MS = 1_500

/** Lets what others add and change fade in, unless somebody wants things to stand still. */
export function useFadeIn(model: Model<TodoList>, list: RefObject<HTMLElement | null>): void {
  useFeed(model, { path: ['todos'] }, (event) => {
    if (event.kind !== 'publish' && event.kind !== 'edit') return
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
    // By then React has drawn the new row.
    requestAnimationFrame(() => {
      const row = list.current?.querySelector(`[data-id="${CSS.escape(event.id)}"]`)
      const from = {
        backgroundColor: 'var(--fresh)',
        ...(event.kind === 'publish' && { opacity: 0 }),
      }
      row?.animate([from, {}], FADE_MS)
    })
  })
}
