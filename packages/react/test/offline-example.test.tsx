import { useModel } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { Inbox, StorageWarning } from './support/offline-example.tsx'
import { KEY, World, type TodoList } from './support/world.tsx'

function Page() {
  return (
    <>
      <Inbox model={useModel<TodoList>(KEY)} />
      <StorageWarning />
    </>
  )
}

test('the inbox shows what was typed where, and gives it again or lets it go', async () => {
  let isDry = true
  const world = new World(undefined, {
    interceptors: [() => (isDry ? { reject: { code: 'DRY', message: 'Tea only.' } } : undefined)],
  })
  await world.show(<Page />)
  expect(screen.getByRole('status').textContent).toContain('only in this tab')
  const model = world.client.model<TodoList>(KEY)
  act(() => void model.update(['todos', 'a'], { text: 'gin' }))
  act(() => void model.delete(['todos', 'b']))
  await act(() => world.client.flush())
  const [first, second] = screen.getAllByRole('alert')
  expect(first!.textContent).toContain('update todos / a: Tea only.{"text":"gin"}')
  expect(second!.textContent).toContain('delete todos / b: Tea only.')
  isDry = false
  act(() => screen.getAllByText('Try again')[0]!.click())
  act(() => screen.getAllByText('Let it go')[0]!.click())
  expect(screen.queryAllByRole('alert')).toEqual([])
  await act(() => world.client.flush())
  expect(world.document.todos).toEqual({
    a: { text: 'gin', done: false },
    b: { text: 'bread', done: false },
  })
})
