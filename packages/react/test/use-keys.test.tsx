import { useKeys, useModel } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { Counted, KEY, Renders, World, type TodoList } from './support/world.tsx'

function Ids({ onIds }: { onIds: (ids: readonly string[]) => void }) {
  const ids = useKeys(useModel<TodoList>(KEY), ['todos'])
  onIds(ids)
  return <p>{ids.join(' ') || 'none'}</p>
}

async function start() {
  const world = new World()
  const renders = new Renders()
  const seen = new Set<readonly string[]>()
  await world.show(
    <Counted name="ids" renders={renders}>
      <Ids onIds={(ids) => seen.add(ids)} />
    </Counted>,
  )
  renders.take()
  return { world, renders, seen, model: world.client.model<TodoList>(KEY) }
}

test('the keys are another list when one is added or removed, and only then', async () => {
  const { model, renders, seen } = await start()
  expect(screen.getByText('a b')).toBeDefined()
  act(() => {
    model.update(['todos', 'a'], { text: 'oat milk' })
    model.update([], { title: 'Shopping' })
  })
  expect(renders.take()).toEqual({})

  act(() => void model.create(['todos'], { text: 'coffee' }, { id: 'c' }))
  expect(screen.getByText('a b c')).toBeDefined()
  act(() => void model.delete(['todos', 'a']))
  expect(screen.getByText('b c')).toBeDefined()
  expect(renders.take()).toEqual({ ids: 2 })
  expect(seen.size).toBe(3)
  for (const ids of seen) expect(Object.isFrozen(ids)).toBe(true)
})

test('a node that others rename is shown under its new name', async () => {
  const { world, model } = await start()
  const bob = world.backend().join('bob')
  bob.proxy.create(['todos'], { text: 'tea' }, { id: 'c' })
  bob.flush()
  act(() => void model.create(['todos'], { text: 'coffee' }, { id: 'c' }))
  expect(screen.getByText('a b c')).toBeDefined()
  await act(() => world.client.flush())
  expect(screen.getByText(`a b c ${Object.keys(world.document.todos)[3]}`)).toBeDefined()
})

test('where there is no node there are no keys', async () => {
  const { model } = await start()
  act(() => void model.delete(['todos']))
  expect(screen.getByText('none')).toBeDefined()
})
