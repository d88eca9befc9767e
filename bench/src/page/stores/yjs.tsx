import { useEffect, useState } from 'react'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import type { Todo } from '../todos.ts'
import { showTodos, untilWritten, type Store } from './store.tsx'

function openDoc() {
  const doc = new Y.Doc()
  const { whenSynced } = new IndexeddbPersistence('bench-yjs', doc)
  return { doc, shared: doc.getMap<Y.Map<string | boolean>>('todos'), whenSynced }
}

function toMap({ text, done }: Todo): Y.Map<string | boolean> {
  return new Y.Map<string | boolean>([
    ['text', text],
    ['done', done],
  ])
}

function Todos({ shared, whenSynced }: ReturnType<typeof openDoc>) {
  const [todos, setTodos] = useState<readonly Todo[]>()
  useEffect(() => {
    const show = () => setTodos(Object.values<Todo>(shared.toJSON()))
    void whenSynced.then(show)
    shared.observeDeep(show)
    return () => shared.unobserveDeep(show)
  }, [shared, whenSynced])
  // It tells of what is read from the disk before that is whole.
  return todos && showTodos(todos)
}

export const yjsStore: Store = {
  async fill(todos, edit) {
    const { doc, shared, whenSynced } = openDoc()
    await whenSynced
    doc.transact(() => {
      for (const todo of todos) shared.set(todo.id, toMap(todo))
    })
    edit({
      create: (todo) => void shared.set(todo.id, toMap(todo)),
      update: (id, props) => {
        for (const [key, value] of Object.entries(props)) shared.get(id)!.set(key, value)
      },
      delete: (id) => shared.delete(id),
    })
    await untilWritten()
  },
  open: () => <Todos {...openDoc()} />,
}
