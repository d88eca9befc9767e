import type { Model } from '@flushout/client'
import { useFlushout, useKeys, useModel, useNode } from '@flushout/react'
import { act, fireEvent, screen } from '@testing-library/react'
import { memo, useEffect } from 'react'
import { expect, test } from 'vitest'
import { Counted, KEY, Renders, World, type TodoList } from './support/world.tsx'

function longList(length: number): TodoList {
  const todos = Array.from({ length }, (_, index) => [
    `t${index}`,
    { text: `todo ${index}`, done: false },
  ])
  return { title: 'Everything', todos: Object.fromEntries(todos) }
}

// As an application would write it: memo is for the run without the compiler.
const Row = memo(function Row({ model, id }: { model: Model<TodoList>; id: string }) {
  const [todo, node] = useNode(model, ['todos', id])
  return (
    <li onClick={() => node.update({ done: true })}>
      {todo?.text} {todo?.done ? '✓' : '…'}
    </li>
  )
})

function List({ renders }: { renders: Renders }) {
  const model = useModel<TodoList>(KEY)
  const ids = useKeys(model, ['todos'])
  // A Profiler would count the rows as well.
  useEffect(() => renders.add('list'))
  return (
    <ul>
      {ids.map((id) => (
        <Counted key={id} name={id} renders={renders}>
          <Row model={model} id={id} />
        </Counted>
      ))}
    </ul>
  )
}

function Title() {
  const [title] = useFlushout<TodoList, string>(KEY, (list) => list.title)
  return <h1>{title}</h1>
}

test('of 10,000 rows on screen, the edited one alone is rendered', async () => {
  const world = new World({ [KEY]: longList(10_000) })
  const renders = new Renders()
  await world.show(
    <>
      <Counted name="title" renders={renders}>
        <Title />
      </Counted>
      <List renders={renders} />
    </>,
  )
  expect(Object.keys(renders.take())).toHaveLength(10_002)

  fireEvent.click(screen.getByText('todo 7000 …'))
  expect(screen.getByText('todo 7000 ✓')).toBeDefined()
  expect(renders.take()).toEqual({ t7000: 1 })

  await act(() => world.client.flush())
  expect(world.document.todos['t7000']!.done).toBe(true)
  expect(renders.take()).toEqual({})

  const bob = world.backend().join('bob')
  bob.proxy.update(['todos', 't8000'], { text: 'by bob' })
  bob.flush()
  await act(() => world.client.flush())
  expect(screen.getByText('by bob …')).toBeDefined()
  expect(renders.take()).toEqual({ t8000: 1 })
}, 60_000)
