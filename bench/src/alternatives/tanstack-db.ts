import { createCollection, localOnlyCollectionOptions } from '@tanstack/db'
import type { Alternative, Todo, TodoList, Todos } from './alternative.ts'

type Row = { id: string; text: string; done: boolean }

function createTodos(todos: Todos) {
  return createCollection(
    localOnlyCollectionOptions({
      getKey: ({ id }: Row) => id,
      initialData: Object.entries(todos).map(([id, { text, done }]) => ({ id, text, done })),
    }),
  )
}

/** A collection of rows that stays in the page, its fastest kind: nothing waits to be sent. */
class TanStackList implements TodoList {
  readonly #todos: ReturnType<typeof createTodos>

  constructor(todos: Todos) {
    this.#todos = createTodos(todos)
  }

  setDone(id: string, done: boolean): void {
    this.#todos.update(id, (draft) => {
      draft.done = done
    })
  }

  setAllDone(ids: readonly string[], done: boolean): void {
    this.#todos.update([...ids], (drafts) => {
      for (const draft of drafts) draft.done = done
    })
  }

  readTodo(id: string): unknown {
    return this.#todos.get(id)
  }

  readAll(): unknown {
    return this.#todos.toArray
  }

  toPlain(): Todos {
    const rows = this.#todos.toArray.map(({ id, text, done }): [string, Todo] => [
      id,
      { text, done },
    ])
    return Object.fromEntries(rows)
  }
}

export const tanStackDb: Alternative = {
  name: 'TanStack DB',
  open: (todos) => new TanStackList(todos),
}
