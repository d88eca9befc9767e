import { CommandAction, Proxy as OriginalProxy } from 'flushout'
import type { Alternative, Todo, TodoList, Todos } from './alternative.ts'

function createOriginalProxy(todos: Todos): OriginalProxy<{ todos: Todos }> {
  return new OriginalProxy({ commandCount: 0, document: { todos: structuredClone(todos) } })
}

/** Hands out the document that it changes, so whoever wants a value that stays takes a copy. */
class OriginalList implements TodoList {
  readonly #proxy: OriginalProxy<{ todos: Todos }>

  constructor(todos: Todos) {
    this.#proxy = createOriginalProxy(todos)
  }

  setDone(id: string, done: boolean): void {
    this.#proxy.apply({ action: CommandAction.Update, path: ['todos', id], props: { done } })
  }

  setAllDone(ids: readonly string[], done: boolean): void {
    for (const id of ids) this.setDone(id, done)
  }

  readTodo(id: string): Todo {
    return { ...this.#proxy.getDocument().todos[id]! }
  }

  readAll(): unknown {
    return structuredClone(this.#proxy.getDocument())
  }

  toPlain(): Todos {
    return this.#proxy.getDocument().todos
  }

  settle(): void {
    this.#proxy.beginFlush()
    this.#proxy.endFlush()
  }
}

export const originalFlushout: Alternative = {
  name: 'flushout 1.1, the original',
  open: (todos) => new OriginalList(todos),
}
