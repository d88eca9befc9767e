import type { Receipt } from '@flushout/core'
import { useModel, useNode } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { useEffect, useState } from 'react'
import { expect, test } from 'vitest'
import { NodeHandle } from '../src/node-handle.ts'
import {
  Counted,
  GROCERIES,
  KEY,
  Renders,
  World,
  type Todo,
  type TodoList,
} from './support/world.tsx'

type Handle = NodeHandle<Todo>

function Row({ id, onNode }: { id: string; onNode: (node: Handle) => void }) {
  const [todo, node] = useNode(useModel<TodoList>(KEY), ['todos', id])
  // Runs once for each handle.
  useEffect(() => {
    onNode(node)
  }, [node, onNode])
  return <p>{todo ? todo.text : 'nothing'}</p>
}

async function start() {
  const world = new World()
  const renders = new Renders()
  const nodes: Handle[] = []
  const onNode = (node: Handle) => void nodes.push(node)
  let show = (_id: string) => {}
  function Page() {
    const [id, setId] = useState('a')
    useEffect(() => {
      show = setId
    }, [])
    return <Row id={id} onNode={onNode} />
  }
  await world.show(
    <Counted name="row" renders={renders}>
      <Page />
    </Counted>,
  )
  renders.take()
  return { world, renders, nodes, show: (id: string) => act(() => show(id)) }
}

test('a node is rendered when it changes, and not for its neighbours', async () => {
  const { world, renders } = await start()
  const model = world.client.model<TodoList>(KEY)
  act(() => void model.update(['todos', 'b'], { text: 'rye bread' }))
  act(() => void model.update([], { title: 'Shopping' }))
  act(() => void model.update(['todos', 'a'], { text: 'milk' }))
  expect(renders.take()).toEqual({})
  act(() => void model.update(['todos', 'a'], { text: 'oat milk' }))
  expect(screen.getByText('oat milk')).toBeDefined()
  act(() => void model.delete(['todos']))
  expect(screen.getByText('nothing')).toBeDefined()
  expect(renders.take()).toEqual({ row: 2 })
})

test('the handle changes the node at once and on the master', async () => {
  const { world, nodes } = await start()
  const node = nodes[0]!
  expect(node.path).toEqual(['todos', 'a'])
  let receipts: Receipt[] = []
  act(() => {
    receipts = [node.update({ text: 'oat milk' }, { unset: ['done'] })]
  })
  expect(screen.getByText('oat milk')).toBeDefined()
  expect(node.read()).toEqual({ text: 'oat milk' })
  act(() => void receipts.push(node.delete(), node.update({ done: true })))
  expect(screen.getByText('nothing')).toBeDefined()
  expect(receipts.map(({ ok }) => ok)).toEqual([true, true, false])
  expect(receipts[2]!.rejection?.code).toBe('PATH_NOT_FOUND')
  await act(() => world.client.flush())
  expect(world.document.todos).toEqual({ b: GROCERIES.todos['b'] })
  expect(await receipts[0]!.verdict).toEqual({ kind: 'applied' })
})

test('a handle puts new nodes under its node', async () => {
  const world = new World()
  function Adder() {
    const [todos, node] = useNode(useModel<TodoList>(KEY), ['todos'])
    const add = () => node.create({ text: 'coffee' }, { id: 'c', parentDefault: {} })
    return (
      <>
        <button onClick={add}>{Object.keys(todos ?? {}).join(' ')}</button>
        <button onClick={() => node.delete()}>Clear</button>
      </>
    )
  }
  await world.show(<Adder />)
  act(() => screen.getByText('a b').click())
  expect(screen.getByText('a b c')).toBeDefined()
  act(() => screen.getByText('Clear').click())
  act(() => screen.getAllByRole('button')[0]!.click())
  expect(screen.getByText('c')).toBeDefined()
})

test('whoever listens to a handle hears of its node only', async () => {
  const { world, nodes } = await start()
  const model = world.client.model<TodoList>(KEY)
  let calls = 0
  const leave = nodes[0]!.subscribe(() => {
    calls += 1
  })
  act(() => void model.update(['todos', 'b'], { done: true }))
  expect(calls).toBe(0)
  act(() => void model.update(['todos', 'a'], { done: true }))
  act(() => void model.delete(['todos']))
  expect(calls).toBe(2)
  leave()
  act(() => void model.create([], { a: { text: 'milk' } }, { id: 'todos' }))
  expect(calls).toBe(2)
})

test('the handle is the same until its model or path is another', async () => {
  const { world, nodes, show } = await start()
  // StrictMode runs effects twice at first.
  const first = nodes[0]!
  expect(new Set(nodes).size).toBe(1)
  act(() => void world.client.model<TodoList>(KEY).update(['todos', 'a'], { done: true }))
  await act(() => world.client.flush())
  expect(new Set(nodes).size).toBe(1)
  show('b')
  expect(screen.getByText('bread')).toBeDefined()
  expect(nodes.at(-1)).not.toBe(first)
  expect(nodes.at(-1)!.path).toEqual(['todos', 'b'])
})

test('what is given to wait shows when the server has agreed, and not before', async () => {
  const { world, nodes, renders } = await start()
  const node = nodes[0]!
  const container = new NodeHandle<TodoList['todos']>(world.client.model(KEY), ['todos'])
  const wait = { wait: true }
  let receipts: Receipt[] = []
  act(() => {
    receipts = [
      node.update({ text: 'oat milk' }, { ...wait, unset: ['done'] }),
      container.create({ text: 'tea' }, { ...wait, id: 'c' }),
    ]
  })
  expect(receipts.map(({ ok }) => ok)).toEqual([true, true])
  expect(renders.take()).toEqual({})
  expect(screen.getByText('milk')).toBeDefined()
  expect(container.read()).toEqual(GROCERIES.todos)
  await act(() => world.client.flush())
  expect(screen.getByText('oat milk')).toBeDefined()
  expect(container.read()).toEqual({
    a: { text: 'oat milk' },
    b: GROCERIES.todos['b'],
    c: { text: 'tea' },
  })
  act(() => void node.delete(wait))
  expect(screen.getByText('oat milk')).toBeDefined()
  await act(() => world.client.flush())
  expect(screen.getByText('nothing')).toBeDefined()
})
