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
      {rejections.map(({ id, command, kind, rejection, dismiss, retry }, index) => (
        <li key={id}>
          {command.action} {kind}: {rejection.message}
          <button onClick={dismiss}>Dismiss {index}</button>
          <button onClick={retry}>Retry {index}</button>
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
    'create rejected: Tea only.Dismiss 0Retry 0',
    'create rejected: Tea only.Dismiss 1Retry 1',
  ])
  expect(renders.take()).toEqual({ rejections: 1 })

  press('Tick')
  await act(() => world.client.flush())
  expect(renders.take()).toEqual({})

  const second = screen.getAllByRole('listitem')[1]
  press('Dismiss 0')
  expect(items()).toEqual(['create rejected: Tea only.Dismiss 0Retry 0'])
  expect(screen.getByRole('listitem')).toBe(second)
  press('Dismiss 0')
  expect(items()).toEqual([])
})

test('what is given again goes off the list if it is accepted, else it stays', async () => {
  const world = new World()
  await world.show(
    <>
      <Todos />
      <Rejections />
    </>,
  )
  press('Tick')
  const { master } = world.backend()
  const other = world.createClient()
  const theirs = other.model<TodoList>(KEY)
  await theirs.ready
  theirs.delete(['todos', 'a'])
  await theirs.flush()
  await act(() => world.client.flush())
  expect(items()).toEqual([expect.stringContaining('update dropped')])
  press('Retry 0')
  expect(items()).toHaveLength(1)
  theirs.create(['todos'], { text: 'oat milk' }, { id: 'a' })
  await theirs.flush()
  await act(() => world.client.flush())
  press('Retry 0')
  expect(items()).toEqual([])
  await act(() => world.client.flush())
  expect(master.read(['todos', 'a'])).toEqual({ text: 'oat milk', done: true })
  other.close()
})
