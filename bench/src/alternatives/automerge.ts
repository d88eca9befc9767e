import { change, from, type Doc } from '@automerge/automerge'
import type { Alternative, TodoList, Todos } from './alternative.ts'

interface AutomergeTodos extends Record<string, unknown> {
  todos: Record<string, { text: string; done: boolean }>
}

function createAutomergeDoc(todos: Todos): Doc<AutomergeTodos> {
  return from<AutomergeTodos>({ todos: structuredClone(todos) })
}

class AutomergeList implements TodoList {
  #doc: Doc<AutomergeTodos>

  constructor(todos: Todos) {
    this.#doc = createAutomergeDoc(todos)
  }

  setDone(id: string, done: boolean): void {
    this.#doc = change(this.#doc, (draft) => {
      draft.todos[id]!.done = done
    })
  }

  setAllDone(ids: readonly string[], done: boolean): void {
    this.#doc = change(this.#doc, (draft) => {
      for (const id of ids) draft.todos[id]!.done = done
    })
  }

  readTodo(id: string): unknown {
    return this.#doc.todos[id]
  }

  readAll(): unknown {
    return this.#doc
  }

  toPlain(): Todos {
    return this.#doc.todos
  }
}

export const automerge: Alternative = {
  name: 'Automerge',
  open: (todos) => new AutomergeList(todos),
}
