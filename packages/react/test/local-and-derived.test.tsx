import { createClient, directTransport } from '@flushout/client'
import { createTestNetwork, createTestServer } from '@flushout/client/testing'
import { defineModel, derive } from '@flushout/core/define'
import { useFlushout, useModel, useNode } from '@flushout/react'
import { act, fireEvent, render, screen } from '@testing-library/react'
import { expect, onTestFinished, test } from 'vitest'
import { Counted, GROCERIES, KEY, Page, Renders, type TodoList } from './support/world.tsx'

interface Board {
  readonly done: boolean
  readonly open: { readonly [id: string]: { readonly wide?: boolean } }
}

const board = defineModel({
  pattern: 'ui:$list',
  local: true,
  initial: (): Board => ({ done: false, open: { a: {} } }),
})

let computed = 0
const textsOf = derive((todos: TodoList['todos'], done: boolean) => {
  computed += 1
  return Object.values(todos).flatMap((todo) => (todo.done === done ? todo.text : []))
})
const sizeOf = derive((list: TodoList) => Object.keys(list.todos).length)

const renders = new Renders()

function Texts() {
  const [done] = useFlushout<Board, boolean>('ui:groceries', (ui) => ui.done)
  const [texts, todos] = useFlushout<TodoList, string[]>(KEY, (list) => textsOf(list.todos, done))
  return (
    <Counted name="texts" renders={renders}>
      <p>{texts.join(' ')}</p>
      <button onClick={() => todos.update(['todos', 'b'], { done: true })}>Finish</button>
    </Counted>
  )
}

function Filter() {
  const [done, ui] = useFlushout<Board, boolean>('ui:groceries', (state) => state.done)
  return (
    <Counted name="filter" renders={renders}>
      <button onClick={() => ui.update([], { done: !done })}>Done</button>
    </Counted>
  )
}

function Row() {
  const [row, node] = useNode(useModel<Board>('ui:groceries'), ['open', 'a'])
  return (
    <Counted name="row" renders={renders}>
      <button onClick={() => node.update({ wide: true })}>{row?.wide ? 'wide' : 'narrow'}</button>
    </Counted>
  )
}

function Size() {
  return <h1>{useFlushout<TodoList, number>(KEY, sizeOf)[0]}</h1>
}

test('local and derived state are read and changed by the hooks that all models have', async () => {
  const network = createTestNetwork(
    directTransport(createTestServer({ [KEY]: JSON.parse(JSON.stringify(GROCERIES)) })),
  )
  const client = createClient({ transport: network, models: [board], flush: { mode: 'manual' } })
  onTestFinished(() => client.close())
  await client.prefetch([KEY])
  await act(async () =>
    render(
      <Page client={client}>
        <Texts />
        <Texts />
        <Filter />
        <Row />
        <Size />
      </Page>,
    ),
  )
  const shown = () => screen.getAllByText(/milk|bread/).map(({ textContent }) => textContent)
  expect(shown()).toEqual(['milk bread', 'milk bread'])
  expect(screen.getByText('2').tagName).toBe('H1')
  // Once for both.
  expect(computed).toBe(1)

  renders.take()
  await act(async () => void fireEvent.click(screen.getByText('narrow')))
  expect(renders.take()).toEqual({ row: 1 })
  expect(computed).toBe(1)
  await act(async () => void fireEvent.click(screen.getAllByText('Finish')[0]!))
  expect(shown()).toEqual(['milk', 'milk'])
  expect(computed).toBe(2)
  await act(async () => void fireEvent.click(screen.getByText('Done')))
  expect(shown()).toEqual(['bread', 'bread'])
  expect(computed).toBe(3)
  await act(async () => void fireEvent.click(screen.getByText('Done')))
  expect(shown()).toEqual(['milk', 'milk'])
  expect(computed).toBe(3)

  await act(() => client.flush())
  expect(new Set(network.sent.map(({ key }) => key))).toEqual(new Set([KEY]))
  expect(JSON.stringify(network.sent)).not.toContain('wide')
})
