import type { ReactElement } from 'react'
import type { Todo } from '../todos.ts'

/** A library that keeps a list on the device. */
export interface Store {
  /** Keep `todos` as if a server had sent them, and then edits that no server has seen. */
  fill(todos: readonly Todo[], edit: (list: EditableList) => void): Promise<void>
  /** Show what is kept. */
  open(): ReactElement
}

/** What the edits are made by. */
export interface EditableList {
  create(todo: Todo): void
  update(id: string, props: Partial<Omit<Todo, 'id'>>): void
  delete(id: string): void
}

// More than a screen of them.
const SHOWN = 100

/** Count all, and show those that fit on the screen. */
export function showTodos(todos: readonly Omit<Todo, 'id'>[]): ReactElement {
  const done = todos.filter((todo) => todo.done).length
  return (
    <main>
      <h1>
        {done} of {todos.length} done
      </h1>
      <ul>
        {todos.slice(0, SHOWN).map(({ text }) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </main>
  )
}

export async function untilWritten(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 3_000))
}
