import { createCollection, localOnlyCollectionOptions, useLiveQuery } from '@tanstack/react-db'
import { memo } from 'react'
import type { Todo } from '../todos.ts'
import { showList, showRow, type List } from './list.tsx'

/** A collection of this page alone, and a live query of all of it. */
export function tanstackList(todos: readonly Todo[]): List {
  const collection = createCollection(
    localOnlyCollectionOptions<Todo, string>({
      getKey: ({ id }) => id,
      initialData: [...todos],
    }),
  )
  const edit = (id: string, text: string) =>
    collection.update(id, (draft) => {
      draft.text = text
    })
  const Row = memo(function Row({ todo }: { todo: Todo }) {
    return showRow(todo.text, (text) => edit(todo.id, text))
  })
  function Todos() {
    const { data } = useLiveQuery({ query: (query) => query.from({ todo: collection }) })
    return showList(data.map((todo) => <Row key={todo.id} todo={todo} />))
  }
  return { element: <Todos /> }
}
