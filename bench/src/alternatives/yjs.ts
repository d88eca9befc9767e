import { Doc, Map } from 'yjs'
import type { Alternative, TodoList, Todos } from './alternative.ts'

/** A document with a map `todos` of a map for each todo. */
function createYDoc(todos: Todos): Doc {
  const doc = new Doc()
  const map = doc.getMap('todos')
  doc.transact(() => {
    for (const [id, todo] of Object.entries(todos)) map.set(id, new Map(Object.entries(todo)))
  })
  return doc
}

class YList implements TodoList {
  readonly #doc: Doc
  readonly #todos: Map<Map<unknown>>

  constructor(todos: Todos) {
    this.#doc = createYDoc(todos)
    this.#todos = this.#doc.getMap('todos')
  }

  setDone(id: string, done: boolean): void {
    this.#todos.get(id)!.set('done', done)
  }

  setAllDone(ids: readonly string[], done: boolean): void {
    this.#doc.transact(() => {
      for (const id of ids) this.#todos.get(id)!.set('done', done)
    })
  }

  readTodo(id: string): unknown {
    return this.#todos.get(id)!.toJSON()
  }

  readAll(): unknown {
    return this.#todos.toJSON()
  }

  toPlain(): Todos {
    return this.#todos.toJSON()
  }
}

export const yjs: Alternative = { name: 'Yjs', open: (todos) => new YList(todos) }
