import { memo, useState } from 'react'
import type { Todo } from '../todos.ts'
import { showList, showRow, type List } from './list.tsx'

const Row = memo(function Row({ initial }: { initial: string }) {
  const [text, setText] = useState(initial)
  return showRow(text, setText)
})

/** Each row keeps its own text, where nobody else can read it: what React itself takes. */
export function reactAlone(todos: readonly Todo[]): List {
  const All = () => showList(todos.map(({ id, text }) => <Row key={id} initial={text} />))
  return { element: <All /> }
}
