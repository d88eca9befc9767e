import { useFeed, useKeys, useModel } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { Counted, GROCERIES, KEY, Renders, World, type TodoList } from './support/world.tsx'

interface FeedProps {
  name?: string
  path?: string
  heard: string[]
}

/** Notes what others do, and how many todos there are then. */
function Feed({ name = 'feed', path = 'todos', heard }: FeedProps) {
  const model = useModel<TodoList>(KEY)
  const keys = useKeys(model, ['todos'])
  useFeed(model, { path: [path] }, (event) => {
    heard.push(
      `${name}: ${event.kind} ${'id' in event ? event.id : ''} of ${model.size(['todos'])}`,
    )
  })
  return <p>{keys.join(' ')}</p>
}

async function start(props: Omit<FeedProps, 'heard'> = {}) {
  // Long enough that updates are shorter than a snapshot.
  const world = new World({ [KEY]: { ...GROCERIES, note: 'Note. '.repeat(500) } })
  const heard: string[] = []
  const renders = new Renders()
  const page = (next: Omit<FeedProps, 'heard'>) => (
    <Counted name="feed" renders={renders}>
      <Feed {...next} heard={heard} />
    </Counted>
  )
  const view = await world.show(page(props))
  const bob = world.backend().join('bob').proxy
  const pull = () => act(() => world.client.flush())
  return {
    world,
    heard,
    renders,
    bob,
    show: (next: Omit<FeedProps, 'heard'>) => act(() => view.rerender(world.page(page(next)))),
    unmount: () => act(() => view.unmount()),
    /** Bob does something, and the page hears of it. */
    let: async (run: () => void) => {
      run()
      world.backend().peers.at(-1)!.flush()
      await pull()
    },
  }
}

test('a listener hears what others do to the items, and nothing of what the page does', async () => {
  const { heard, bob, world, let: allow } = await start()
  act(() => void world.client.model<TodoList>(KEY).update(['todos', 'a'], { done: true }))
  await act(() => world.client.flush())
  await allow(() => void bob.update(['todos', 'b'], { text: 'rye bread' }))
  await allow(() => void bob.update([], { title: 'Shopping' }))
  await allow(() => void bob.create(['todos'], { text: 'eggs' }, { id: 'c' }))
  expect(heard).toEqual(['feed: edit b of 2', 'feed: publish c of 3'])
  expect(screen.getByText('a b c')).toBeDefined()
})

test('the listener of the latest render is called, and hearing renders nothing', async () => {
  const { heard, bob, renders, show, let: allow } = await start()
  show({ name: 'other' })
  renders.take()
  await allow(() => void bob.update(['todos', 'b'], { text: 'rye bread' }))
  expect(heard).toEqual(['other: edit b of 2'])
  expect(renders.take()).toEqual({})
})

test('another path is followed from then on, and none when the page is gone', async () => {
  const { heard, bob, show, unmount, let: allow } = await start()
  show({ path: 'people' })
  await allow(() => void bob.update(['todos', 'b'], { text: 'rye bread' }))
  await allow(() => void bob.create(['people'], {}, { id: 'p', parentDefault: {} }))
  expect(heard).toEqual(['feed: publish p of 2'])
  unmount()
  await allow(() => void bob.update(['people', 'p'], { name: 'Pia' }))
  expect(heard).toHaveLength(1)
})
