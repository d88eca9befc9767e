import { useFlushout, useModel } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { Activity } from 'react'
import { expect, test } from 'vitest'
import { Counted, KEY, Renders, World, type TodoList } from './support/world.tsx'

function Ticker() {
  const model = useModel<TodoList>(KEY)
  return <button onClick={() => model.update(['todos', 'a'], { text: 'soy milk' })}>Soy</button>
}

function First() {
  const [text] = useFlushout<TodoList, string | undefined>(KEY, (list) => list.todos['a']?.text)
  return <p>{text}</p>
}

test('no edit renders who has the model alone', async () => {
  const world = new World()
  const renders = new Renders()
  await world.show(
    <Counted name="ticker" renders={renders}>
      <Ticker />
    </Counted>,
  )
  renders.take()
  act(() => screen.getByText('Soy').click())
  await act(() => world.client.flush())
  expect(world.document.todos['a']!.text).toBe('soy milk')
  expect(renders.take()).toEqual({})
})

test('the model stays in memory and current as long as its page is shown', async () => {
  const world = new World(undefined, { flush: { mode: 'auto' } })
  const { unmount } = await world.show(<Ticker />)
  const model = world.client.model<TodoList>(KEY)
  const bob = world.backend().join('bob')
  await world.clock.pass(600_000)
  bob.proxy.update(['todos', 'b'], { text: 'rye bread' })
  bob.flush()
  await world.clock.pass(10_000)
  expect(model.read(['todos', 'b'])).toEqual({ text: 'rye bread', done: false })
  expect(world.client.model(KEY)).toBe(model)
  unmount()
  await world.clock.pass(600_000)
  expect(world.client.model(KEY)).not.toBe(model)
})

test('pages that were hidden and pages that were not show the same model', async () => {
  const world = new World()
  // The same element, so that React has no reason of its own to render it.
  const ticker = <Ticker />
  const page = (mode: 'visible' | 'hidden', isOther: boolean) => (
    <>
      <Activity mode={mode}>{ticker}</Activity>
      {isOther && <First />}
    </>
  )
  const { rerender } = await world.show(page('visible', false))
  const show = (mode: 'visible' | 'hidden', isOther: boolean) =>
    act(async () => rerender(world.page(page(mode, isOther))))
  await show('hidden', false)
  // Long enough for the client to forget the model, which the other loads anew.
  await world.clock.pass(600_000)
  await show('hidden', true)
  expect(screen.getByText('milk')).toBeDefined()
  await show('visible', true)
  act(() => screen.getByText('Soy').click())
  expect(screen.getByText('soy milk')).toBeDefined()
})
