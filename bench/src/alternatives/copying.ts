// Libraries and habits that make a new object for each that is different.
import { produce } from 'immer'
import { create } from 'mutative'
import type { Alternative, Todo, TodoList, Todos } from './alternative.ts'

interface Document {
  readonly todos: Todos
}
type Draft = { todos: Record<string, { done: boolean }> }

/** Makes the next document by a recipe that changes a draft of this one. */
type Produce = (document: Document, recipe: (draft: Draft) => void) => Document

abstract class CopyingList implements TodoList {
  protected document: Document

  constructor(todos: Todos) {
    this.document = { todos: structuredClone(todos) }
  }

  abstract setDone(id: string, done: boolean): void
  abstract setAllDone(ids: readonly string[], done: boolean): void

  readTodo(id: string): Todo {
    return this.document.todos[id]!
  }

  readAll(): unknown {
    return this.document
  }

  toPlain(): Todos {
    return this.document.todos
  }
}

class RecipeList extends CopyingList {
  readonly #produce: Produce

  constructor(todos: Todos, run: Produce) {
    super(todos)
    this.#produce = run
  }

  override setDone(id: string, done: boolean): void {
    this.document = this.#produce(this.document, (draft) => {
      draft.todos[id]!.done = done
    })
  }

  override setAllDone(ids: readonly string[], done: boolean): void {
    this.document = this.#produce(this.document, (draft) => {
      for (const id of ids) draft.todos[id]!.done = done
    })
  }
}

class SpreadList extends CopyingList {
  override setDone(id: string, done: boolean): void {
    const { todos } = this.document
    this.document = { ...this.document, todos: { ...todos, [id]: { ...todos[id]!, done } } }
  }

  override setAllDone(ids: readonly string[], done: boolean): void {
    const { todos } = this.document
    const changed: Record<string, Todo> = { ...todos }
    for (const id of ids) changed[id] = { ...todos[id]!, done }
    this.document = { ...this.document, todos: changed }
  }
}

export const immer: Alternative = {
  name: 'Immer',
  open: (todos) => new RecipeList(todos, produce as Produce),
}

export const mutative: Alternative = {
  name: 'Mutative',
  open: (todos) => new RecipeList(todos, create),
}

export const spread: Alternative = { name: 'spread', open: (todos) => new SpreadList(todos) }
