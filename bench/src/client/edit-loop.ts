// Each contender has a copy of this module (`edit.ts` imports it under another name for each),
// so that its loops are compiled for it alone, as in an application that has just one of them.
import type { TodoList } from '../alternatives/alternative.ts'
import type { Walk } from './walk.ts'

/** What was read, so that no compiler can leave the reading out. */
export let seen: unknown

/** Update one todo and read it, so many times. */
export async function editTodos(list: TodoList, walk: Walk, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const id = walk.next()
    const set = list.setDone(id, walk.done)
    if (set) await set
    seen = list.readTodo(id)
    if (seen instanceof Promise) await seen
  }
}

/** Update `count` todos in one step, then read all, so many times. */
export async function editTogether(
  list: TodoList,
  walk: Walk,
  { count, times }: { count: number; times: number },
): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const ids: string[] = []
    for (let index = 0; index < count; index += 1) ids.push(walk.next())
    const set = list.setAllDone(ids, walk.done)
    if (set) await set
    seen = list.readAll()
    if (seen instanceof Promise) await seen
  }
}
