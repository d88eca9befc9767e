import type { Draft } from '@flushout/client'
import { defineModel, type Can } from '@flushout/core/define'
import { useCan, useDraft, useModel } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { Counted, KEY, Renders, World, type TodoList } from './support/world.tsx'

/** Nobody deletes what is not done, and only lists with the right title get more. */
const can: Can = (user, action, node) =>
  action === 'create'
    ? node.document.read(['title']) === 'Groceries'
    : user?.id === 'ada' && (action === 'update' || node.read('done') === true)

const models = [defineModel({ pattern: 'todos:$list', rules: { can } })]

function Row() {
  const model = useModel<TodoList>(KEY)
  const may = [
    useCan(model, 'update', ['todos', 'a']),
    useCan(model, 'delete', ['todos', 'a']),
    useCan(model, 'create', ['todos']),
  ]
  return <p>{may.join(' ')}</p>
}

function Dialog() {
  const draft = useDraft(useModel<TodoList>(KEY))
  return draft ? <Form draft={draft} /> : null
}

function Form({ draft }: { draft: Draft<TodoList> }) {
  const may = useCan(draft, 'delete', ['todos', 'a'])
  const tick = () => void draft.update(['todos', 'a'], { done: true })
  return <button onClick={tick}>{`may delete: ${may}`}</button>
}

async function start(user = 'ada') {
  const world = new World(undefined, { models, user: { id: user } })
  const renders = new Renders()
  await world.show(
    <Counted name="row" renders={renders}>
      <Row />
    </Counted>,
  )
  renders.take()
  return { model: world.client.model<TodoList>(KEY), renders }
}

const isShown = (text: string) => screen.queryByText(text) !== null

test('what the user may is shown, and again when it is another', async () => {
  const { model, renders } = await start()
  expect(isShown('true false true')).toBe(true)
  act(() => void model.update(['todos', 'a'], { done: true }))
  expect(isShown('true true true')).toBe(true)
  act(() => void model.update(['todos', 'a'], { text: 'oat milk' }))
  act(() => void model.update(['todos', 'b'], { text: 'buns' }))
  expect(renders.take()).toEqual({ row: 1 })
})

test('a change elsewhere in the document counts where the rule reads there', async () => {
  const { model } = await start()
  act(() => void model.update([], { title: 'Closed' }))
  expect(isShown('true false false')).toBe(true)
})

test('somebody else may something else', async () => {
  const { model } = await start('bob')
  expect(isShown('false false true')).toBe(true)
  const { rejection } = model.update(['todos', 'a'], { text: 'x' })
  expect(rejection?.message).toBe('You may not update this.')
  expect(model.refusal('update', ['todos', 'a'])).toEqual(rejection)
})

test('in a draft it goes by what the draft shows', async () => {
  const world = new World(undefined, { models, user: { id: 'ada' } })
  await world.show(<Dialog />)
  const button = await screen.findByText('may delete: false')
  act(() => button.click())
  expect(isShown('may delete: true')).toBe(true)
})

test('where no definition says anything, everybody may', async () => {
  const world = new World()
  await world.show(<Row />)
  expect(isShown('true true true')).toBe(true)
})
