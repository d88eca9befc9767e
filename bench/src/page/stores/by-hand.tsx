import { openDB } from 'idb'
import { useEffect, useState } from 'react'
import { toTodoList, type Todo, type TodoList } from '../todos.ts'
import { showTodos, type Store } from './store.tsx'

const openTexts = () =>
  openDB('bench-texts', 1, { upgrade: (created) => void created.createObjectStore('texts') })

async function read(): Promise<TodoList> {
  const database = await openTexts()
  return JSON.parse((await database.get('texts', 'todos')) as string) as TodoList
}

function Todos() {
  const [list, setList] = useState<TodoList>()
  useEffect(() => void read().then(setList), [])
  return list && showTodos(Object.values(list.todos))
}

/** The whole list as one text, the edits in it: the least that a start can take. */
export const storeByHand: Store = {
  async fill(todos, edit) {
    const rows = new Map(todos.map((todo) => [todo.id, todo]))
    edit({
      create: (todo: Todo) => void rows.set(todo.id, todo),
      update: (id, props) => void rows.set(id, { ...rows.get(id)!, ...props }),
      delete: (id) => void rows.delete(id),
    })
    const database = await openTexts()
    await database.put('texts', JSON.stringify(toTodoList([...rows.values()])), 'todos')
  },
  open: () => <Todos />,
}
