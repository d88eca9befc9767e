import type { Alternative, Todo, TodoList, Todos } from './alternative.ts'

type Mutable = Record<string, { text: string; done: boolean }>

/** What nothing can beat: an assignment, which gives nobody a value that stays as it is. */
class PlainList implements TodoList {
  readonly #document: { readonly todos: Mutable }

  constructor(todos: Todos) {
    this.#document = { todos: structuredClone(todos) as Mutable }
  }

  setDone(id: string, done: boolean): void {
    this.#document.todos[id]!.done = done
  }

  setAllDone(ids: readonly string[], done: boolean): void {
    for (const id of ids) this.#document.todos[id]!.done = done
  }

  readTodo(id: string): Todo {
    return this.#document.todos[id]!
  }

  readAll(): unknown {
    return this.#document
  }

  toPlain(): Todos {
    return this.#document.todos
  }
}

/** The same, and the command as text, as whoever sends it later must keep it. */
class KeptList extends PlainList {
  #queue: string[] = []

  override setDone(id: string, done: boolean): void {
    this.#queue.push(JSON.stringify({ action: 'update', path: ['todos', id], props: { done } }))
    super.setDone(id, done)
  }

  override setAllDone(ids: readonly string[], done: boolean): void {
    for (const id of ids) this.setDone(id, done)
  }

  settle(): void {
    this.#queue = []
  }
}

export const inPlace: Alternative = { name: 'in place', open: (todos) => new PlainList(todos) }

export const inPlaceKept: Alternative = {
  name: 'in place, and kept',
  open: (todos) => new KeptList(todos),
}
