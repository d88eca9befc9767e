import { memo, useSyncExternalStore } from 'react'
import * as Y from 'yjs'
import type { Todo } from '../todos.ts'
import { showList, showRow, type List } from './list.tsx'

type Todos = Y.Map<Y.Map<string | boolean>>

function makeShared(todos: readonly Todo[]): Todos {
  const doc = new Y.Doc()
  const shared: Todos = doc.getMap('todos')
  doc.transact(() => {
    for (const { id, text, done } of todos) {
      shared.set(
        id,
        new Y.Map<string | boolean>([
          ['text', text],
          ['done', done],
        ]),
      )
    }
  })
  return shared
}

/** The whole as plain data after each change, as one snapshot for the list. */
export function yjsSnapshot(todos: readonly Todo[]): List {
  const shared = makeShared(todos)
  let snapshot: { [id: string]: Todo } = shared.toJSON()
  const subscribe = (listener: () => void) => {
    const onChange = () => {
      snapshot = shared.toJSON()
      listener()
    }
    shared.observeDeep(onChange)
    return () => shared.unobserveDeep(onChange)
  }
  const Row = memo(function Row({ id, todo }: { id: string; todo: Todo }) {
    return showRow(todo.text, (text) => shared.get(id)!.set('text', text))
  })
  function All() {
    const all = useSyncExternalStore(subscribe, () => snapshot)
    return showList(Object.entries(all).map(([id, todo]) => <Row key={id} id={id} todo={todo} />))
  }
  return { element: <All /> }
}

/** Each row observes the map of its own todo. */
export function yjsRows(todos: readonly Todo[]): List {
  const shared = makeShared(todos)
  const subscribers = new Map(
    [...shared].map(([id, todo]) => [
      id,
      (listener: () => void) => {
        todo.observe(listener)
        return () => todo.unobserve(listener)
      },
    ]),
  )
  const Row = memo(function Row({ id }: { id: string }) {
    const todo = shared.get(id)!
    const text = useSyncExternalStore(subscribers.get(id)!, () => todo.get('text') as string)
    return showRow(text, (next) => todo.set('text', next))
  })
  const ids = [...shared.keys()]
  const All = () => showList(ids.map((id) => <Row key={id} id={id} />))
  return { element: <All /> }
}
