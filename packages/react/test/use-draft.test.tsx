import type { Draft } from '@flushout/client'
import { useDraft, useKeys, useModel, useNode, useUndo } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { StrictMode } from 'react'
import { expect, test } from 'vitest'
import { Counted, KEY, Renders, World, type TodoList } from './support/world.tsx'

function Dialog({ of = KEY }: { of?: string }) {
  const draft = useDraft(useModel<TodoList>(of))
  return draft ? <Form draft={draft} /> : <p>Opening</p>
}

function Form({ draft }: { draft: Draft<TodoList> }) {
  const [todo, node] = useNode(draft, ['todos', 'a'])
  const keys = useKeys(draft, ['todos'])
  const { undo, canUndo } = useUndo(draft)
  return (
    <>
      <p data-testid="draft">
        {todo?.text} of {keys.join(' ')}
      </p>
      <button onClick={() => node.update({ text: `oat ${todo?.text}` })}>Edit</button>
      <button onClick={() => draft.delete(['todos', 'b'])}>Delete</button>
      <button disabled={!canUndo} onClick={undo}>
        Undo
      </button>
      <button onClick={() => draft.publish()}>Save</button>
      <button onClick={() => draft.discard()}>Cancel</button>
    </>
  )
}

function Row() {
  const [todo] = useNode(useModel<TodoList>(KEY), ['todos', 'a'])
  return <p data-testid="model">{todo?.text}</p>
}

const shown = (id: string) => screen.getByTestId(id).textContent
const press = (name: string) => act(() => screen.getByText(name).click())

async function show(world: World, renders = new Renders()) {
  await world.show(
    <StrictMode>
      <Row />
      <Counted name="dialog" renders={renders}>
        <Dialog />
      </Counted>
    </StrictMode>,
  )
  await screen.findByTestId('draft')
  return renders
}

test('a dialog edits a draft, and the page shows it when it is saved', async () => {
  const world = new World()
  await show(world)
  press('Edit')
  press('Delete')
  expect([shown('draft'), shown('model')]).toEqual(['oat milk of a', 'milk'])
  press('Undo')
  expect(shown('draft')).toBe('oat milk of a b')
  act(() => void world.client.model<TodoList>(KEY).update(['todos', 'a'], { text: 'soy' }))
  expect([shown('draft'), shown('model')]).toEqual(['oat milk of a b', 'soy'])
  press('Save')
  expect(shown('model')).toBe('oat milk')
  await act(() => world.client.flush())
  expect(world.document.todos['a']).toMatchObject({ text: 'oat milk' })
})

test('it renders when what it shows is another, and once when it is cancelled', async () => {
  const world = new World()
  const renders = await show(world)
  press('Edit')
  renders.take()
  act(() => void world.client.model<TodoList>(KEY).update(['todos', 'b'], { text: 'rye' }))
  await act(() => world.client.flush())
  expect(renders.take()).toEqual({})
  press('Cancel')
  expect(renders.take()).toEqual({ dialog: 1 })
  expect([shown('draft'), shown('model')]).toEqual(['milk of a b', 'milk'])
})

test('another model is another draft', async () => {
  const other = { title: 'Tools', todos: { a: { text: 'saw' } } }
  const world = new World({ [KEY]: { title: '', todos: { a: { text: 'milk' } } }, other })
  const view = await world.show(<Dialog />)
  await screen.findByTestId('draft')
  press('Edit')
  await world.client.model('other').ready
  act(() => view.rerender(world.page(<Dialog of="other" />)))
  expect(screen.queryByTestId('draft')).toBeNull()
  await screen.findByTestId('draft')
  expect(shown('draft')).toBe('saw of a')
})
