import type { Command } from '@flushout/client'
import { useModel, useUndo, type Undo } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { StrictMode } from 'react'
import { expect, test } from 'vitest'
import { Counted, KEY, Renders, World, type TodoList } from './support/world.tsx'

const describe = ({ action }: Command) => `the ${action}`
const seen: Undo[] = []

function Bar() {
  const undo = useUndo(useModel<TodoList>(KEY), { describe })
  seen.push(undo)
  return (
    <>
      <button disabled={!undo.canUndo} onClick={undo.undo}>
        Undo {undo.label}
      </button>
      <button disabled={!undo.canRedo} onClick={undo.redo}>
        Redo {undo.redoLabel}
      </button>
    </>
  )
}

const buttons = () =>
  screen.getAllByRole<HTMLButtonElement>('button').map(({ textContent, disabled }) => {
    return `${textContent.trim()}${disabled ? ' (off)' : ''}`
  })

test('buttons tell what can be undone and redone, and do it', async () => {
  const world = new World()
  await world.show(
    <StrictMode>
      <Bar />
    </StrictMode>,
  )
  const model = world.client.model<TodoList>(KEY)
  expect(buttons()).toEqual(['Undo (off)', 'Redo (off)'])
  act(() => void model.update(['todos', 'a'], { text: 'oat milk' }))
  act(() => void model.delete(['todos', 'b']))
  expect(buttons()).toEqual(['Undo the delete', 'Redo (off)'])
  act(() => screen.getByText('Undo the delete').click())
  expect(buttons()).toEqual(['Undo the update', 'Redo the delete'])
  expect(model.read(['todos', 'b'])).toEqual({ text: 'bread', done: false })
  act(() => screen.getByText('Redo the delete').click())
  await act(() => model.flush())
  expect(world.document.todos).toEqual({ a: { text: 'oat milk', done: false } })
})

test('all components share the steps, and none renders while those are the same', async () => {
  const world = new World()
  const renders = new Renders()
  await world.show(
    <Counted name="bars" renders={renders}>
      <Bar />
      <Bar />
    </Counted>,
  )
  const model = world.client.model<TodoList>(KEY)
  act(() => void model.update(['todos', 'a'], { text: 'oat' }))
  expect(buttons()).toEqual(['Undo the update', 'Redo (off)', 'Undo the update', 'Redo (off)'])
  renders.take()
  const before = seen.at(-1)
  act(() => void model.update(['todos', 'a'], { text: 'oat milk' }))
  await act(() => model.flush())
  expect(renders.take()).toEqual({})
  act(() => void before?.undo())
  expect(buttons()[0]).toBe('Undo (off)')
  expect(seen.at(-1)).toMatchObject({ undo: before?.undo, redo: before?.redo })
})

test('what is given before there is a document is refused, and no step', async () => {
  const world = new World()
  world.network = 'silent'
  await world.show(<Bar />)
  expect(() => world.client.model<TodoList>(KEY).delete(['todos', 'a'])).toThrow(/ready/)
  await act(() => world.answer())
  expect(buttons()).toEqual(['Undo (off)', 'Redo (off)'])
  act(() => void world.client.model<TodoList>(KEY).delete(['todos', 'a']))
  expect(buttons()).toEqual(['Undo the delete', 'Redo (off)'])
})
