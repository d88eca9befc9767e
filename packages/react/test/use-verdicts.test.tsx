import { useModel, useVerdicts } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { useState } from 'react'
import { expect, test } from 'vitest'
import { KEY, World, type TodoList } from './support/world.tsx'

test('each outcome is told once, to the listener of the latest render', async () => {
  const told: string[] = []
  function Toasts() {
    const [count, setCount] = useState(0)
    useVerdicts(({ key, path, outcome }) => {
      told.push(`${key} ${path.join('/')} ${outcome.kind} ${count}`)
    })
    const model = useModel<TodoList>(KEY)
    return (
      <>
        <button onClick={() => model.update(['todos', 'a'], { done: true })}>Tick</button>
        <button onClick={() => model.update(['todos', 'gone'], { done: true })}>
          Tick nothing
        </button>
        <button onClick={() => setCount(count + 1)}>Again</button>
      </>
    )
  }
  const world = new World()
  const { unmount } = await world.show(<Toasts />)
  const press = (name: string) => act(async () => screen.getByText(name).click())
  await press('Tick')
  await press('Tick nothing')
  expect(told.splice(0)).toEqual(['todos:groceries todos/gone rejected 0'])
  await press('Again')
  await act(() => world.client.flush())
  await act(() => world.client.flush())
  expect(told.splice(0)).toEqual(['todos:groceries todos/a applied 1'])
  await press('Tick')
  unmount()
  await act(() => world.client.flush())
  expect(told).toEqual([])
})
