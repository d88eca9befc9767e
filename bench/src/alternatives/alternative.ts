/** What all lists hold. */
export interface Todo {
  readonly text: string
  readonly done: boolean
}

/** Todos by their ids, as plain objects. */
export type Todos = Readonly<Record<string, Todo>>

/** A list of todos as one library keeps it. Some can only be asked and told by promises. */
export interface TodoList {
  setDone(id: string, done: boolean): void | Promise<unknown>
  /** The same for several, as one step of the library. */
  setAllDone(ids: readonly string[], done: boolean): void | Promise<unknown>
  /** One todo, as a value that later changes leave as it is; plain, where the library has plain values. */
  readTodo(id: string): unknown
  /** All of it, as a value that later changes leave as it is. */
  readAll(): unknown
  /** For comparing what came out. */
  toPlain(): Todos | Promise<Todos>
  /** Forget what waits to be sent, as after a flush. */
  settle?(): void
}

/** A library that people would use. */
export interface Alternative {
  readonly name: string
  open(todos: Todos): TodoList | Promise<TodoList>
}
