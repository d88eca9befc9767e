/** One of a list; about 100 bytes with its id. */
export interface Todo {
  readonly id: string
  readonly text: string
  readonly done: boolean
}

/** A list as most libraries hold it: by id. */
export interface TodoList {
  readonly todos: { readonly [id: string]: Omit<Todo, 'id'> }
}

export function makeTodos(count: number): Todo[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`,
    text: `Thing number ${String(index).padStart(6, '0')} of a longer list`,
    done: false,
  }))
}

export function toTodoList(todos: readonly Todo[]): TodoList {
  return { todos: Object.fromEntries(todos.map(({ id, ...todo }) => [id, todo])) }
}
