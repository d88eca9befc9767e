import { useFlushout, useRejections } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { Counted, KEY, Renders, World, type TodoList } from './support/world.tsx'

function Todos() {
  const [list, todos] = useFlushout<TodoList>(KEY)
  return (
    <>
      <p>
        {Object.values(list.todos)
          .map((todo) => todo.text)
          .join(', ')}
      </p>
      <button onClick={() => todos.create(['todos'], { text: 'gin' })}>Gin</button>
      <button onClick={() => todos.update(['todos', 'a'], { done: true })}>Tick</button>
    </>
  )
}

function Rejections() {
  const [, todos] = useFlushout<TodoList, undefined>(KEY, () => undefined)
  const rejections = useRejections(todos)
  return (
    <ul>
      {rejections.map(({ id, command, kind, rejection, dismiss }, index) => (
        <li key={id}>
          {command.action} {kind}: {rejection.message}
          <button onClick={dismiss}>Dismiss {index}</button>
        </li>
      ))}
    </ul>
  )
}

const items = () => screen.queryAllByRole('listitem').map((item) => item.textContent)
const press = (name: string) => act(() => screen.getByText(name).click())

test('what the master refuses goes off the list and is told until dismissed', async () => {
  const world = new World(undefined, {
    interceptors: [
      (_, command) =>
        command.action === 'create' && command.props?.['text'] === 'gin'
          ? { reject: { code: 'NO_SPIRITS', message: 'Tea only.' } }
          : undefined,
    ],
  })
  const renders = new Renders()
  await world.show(
    <>
      <Todos />
      <Counted name="rejections" renders={renders}>
        <Rejections />
      </Counted>
    </>,
  )
  press('Gin')
  press('Gin')
  expect(screen.getByText('milk, bread, gin, gin')).toBeDefined()
  expect(items()).toEqual([])
  renders.take()

  await act(() => world.client.flush())
  expect(screen.getByText('milk, bread')).toBeDefined()
  expect(items()).toEqual([
    'create rejected: Tea only.Dismiss 0',
    'create rejected: Tea only.Dismiss 1',
  ])
  expect(renders.take()).toEqual({ rejections: 1 })

  press('Tick')
  await act(() => world.client.flush())
  expect(renders.take()).toEqual({})

  const second = screen.getAllByRole('listitem')[1]
  press('Dismiss 0')
  expect(items()).toEqual(['create rejected: Tea only.Dismiss 0'])
  expect(screen.getByRole('listitem')).toBe(second)
  press('Dismiss 0')
  expect(items()).toEqual([])
})
