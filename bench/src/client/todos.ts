import type { Todo } from '../alternatives/alternative.ts'
import { createId } from '../alternatives/flushout.ts'

/** So many todos with ids as they are made in a browser. */
export function makeTodos(size: number, text = 'Todo number'): Record<string, Todo> {
  const entries = Array.from({ length: size }, (_, n): [string, Todo] => [
    createId(),
    { text: `${text} ${n}`, done: false },
  ])
  return Object.fromEntries(entries)
}
