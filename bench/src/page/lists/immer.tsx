import { produce, type Draft } from 'immer'
import { memo, useCallback, useState, useSyncExternalStore } from 'react'
import { toTodoList, type Todo, type TodoList } from '../todos.ts'
import { showList, showRow, type List } from './list.tsx'

type Edit = (id: string, text: string) => void

const GivenRow = memo(function Row(props: { id: string; todo: { text: string }; edit: Edit }) {
  const { id, todo, edit } = props
  return showRow(todo.text, (text) => edit(id, text))
})

const editIn = (id: string, text: string) =>
  produce((list: Draft<TodoList>) => {
    list.todos[id]!.text = text
  })

function Todos({ initial }: { initial: TodoList }) {
  const [{ todos }, setList] = useState(initial)
  const edit = useCallback<Edit>((id, text) => setList(editIn(id, text)), [])
  return showList(
    Object.entries(todos).map(([id, todo]) => (
      <GivenRow key={id} id={id} todo={todo} edit={edit} />
    )),
  )
}

/** The list is one state, and rows are rendered that get another todo. */
export function immerInState(todos: readonly Todo[]): List {
  return { element: <Todos initial={toTodoList(todos)} /> }
}

/** The list is in a store, and each row asks it for its todo after every change. */
export function immerInStore(todos: readonly Todo[]): List {
  let list = toTodoList(todos)
  const listeners = new Set<() => void>()
  const subscribe = (listener: () => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  const edit: Edit = (id, text) => {
    list = editIn(id, text)(list)
    for (const listener of listeners) listener()
  }
  const Row = memo(function Row({ id }: { id: string }) {
    const todo = useSyncExternalStore(subscribe, () => list.todos[id]!)
    return showRow(todo.text, (text) => edit(id, text))
  })
  const ids = Object.keys(list.todos)
  const All = () => showList(ids.map((id) => <Row key={id} id={id} />))
  return { element: <All /> }
}
