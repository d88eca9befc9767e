import { useModel } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { Conflicts } from './support/conflicts-example.tsx'
import { KEY, World, type TodoList } from './support/world.tsx'

function Page() {
  return <Conflicts model={useModel<TodoList>(KEY)} />
}

test('the example of the docs shows both values of a conflict, and does what the user says', async () => {
  const world = new World()
  await world.show(<Page />)
  const own = world.client.model<TodoList>(KEY)
  const other = world.createClient()
  const theirs = other.model<TodoList>(KEY)
  await Promise.all([own.ready, theirs.ready])
  const meet = async (text: string) => {
    const seen = own.read(['todos', 'a', 'text'])!
    own.update(['todos', 'a'], { text }, { expects: { props: { text: seen } } })
    theirs.update(['todos', 'a'], { text: `their ${text}` })
    await theirs.flush()
    await act(() => world.client.flush())
  }
  const { master } = world.backend()

  await meet('oat milk')
  expect(screen.getByRole('alert').textContent).toContain(
    'You wrote {"text":"oat milk"}, meanwhile it is {"text":"their oat milk"}.',
  )
  act(() => screen.getByText('Take mine').click())
  expect(screen.queryByRole('alert')).toBeNull()
  await act(() => world.client.flush())
  expect(master.read(['todos', 'a', 'text'])).toBe('oat milk')

  await meet('rice milk')
  act(() => screen.getByText('Leave it').click())
  expect(screen.queryByRole('alert')).toBeNull()
  await act(() => world.client.flush())
  expect(master.read(['todos', 'a', 'text'])).toBe('their rice milk')
  other.close()
})
