import { fromJS, type Map } from 'immutable'
import type { Alternative, TodoList, Todos } from './alternative.ts'

/** Values that stay as they are, but maps of its own and not plain objects. */
class ImmutableList implements TodoList {
  #document: Map<string, unknown>

  constructor(todos: Todos) {
    this.#document = fromJS({ todos })
  }

  setDone(id: string, done: boolean): void {
    this.#document = this.#document.setIn(['todos', id, 'done'], done)
  }

  setAllDone(ids: readonly string[], done: boolean): void {
    this.#document = this.#document.withMutations((map) => {
      for (const id of ids) map.setIn(['todos', id, 'done'], done)
    })
  }

  readTodo(id: string): unknown {
    return this.#document.getIn(['todos', id])
  }

  readAll(): unknown {
    return this.#document
  }

  toPlain(): Todos {
    return (this.#document.toJS() as { todos: Todos }).todos
  }
}

export const immutable: Alternative = {
  name: 'Immutable.js',
  open: (todos) => new ImmutableList(todos),
}
