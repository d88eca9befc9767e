import { useModel, useOthers, usePresence } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { renderToString } from 'react-dom/server'
import { useState } from 'react'
import { expect, test } from 'vitest'
import { Counted, KEY, Page, Renders, World, type TodoList } from './support/world.tsx'

interface Person {
  name?: string
  editing?: string
}

const peer = (name: string, editing?: string) => ({
  userId: null,
  state: { name, ...(editing && { editing }) },
})

/** A page that is connected, and a way to let the server say who is there. */
async function start(page: React.ReactNode) {
  const world = new World(undefined, { isLive: true, flush: { mode: 'auto' } })
  const view = await world.show(page)
  await act(() => world.clock.pass(100))
  const line = world.line!
  const tell = (peers: Record<string, ReturnType<typeof peer> | null>, isAll = false) =>
    act(() => line.say({ event: 'presence', key: KEY, peers, ...(isAll && { isAll }) }))
  const pass = (ms: number) => act(() => world.clock.pass(ms))
  const show = (next: React.ReactNode) => act(async () => view.rerender(world.page(next)))
  return { world, line, tell, pass, show }
}

function Others() {
  const others = useOthers<Person>(useModel<TodoList>(KEY))
  return <p>{others.map(({ state }) => state.name).join(', ') || 'nobody'}</p>
}

test('the others are shown as they come, change and go, and not the page itself', async () => {
  const { tell, world } = await start(<Others />)
  expect(screen.getByText('nobody')).toBeDefined()
  tell({ b: peer('Bob'), a: peer('Ada'), me: peer('Me') }, true)
  expect(screen.getByText('Ada, Bob')).toBeDefined()
  tell({ a: null, b: peer('Bo') })
  expect(screen.getByText('Bo')).toBeDefined()
  act(() => world.client.pause())
  expect(screen.getByText('nobody')).toBeDefined()
})

test('a component that shows the others renders only when one of them is another', async () => {
  const renders = new Renders()
  const { tell, world } = await start(
    <Counted name="others" renders={renders}>
      <Others />
    </Counted>,
  )
  tell({ a: peer('Ada') }, true)
  renders.take()
  tell({ a: peer('Ada') })
  tell({ a: peer('Ada') }, true)
  act(() => void world.client.model<TodoList>(KEY).update(['todos', 'a'], { done: true }))
  expect(renders.take()).toEqual({})
  tell({ a: peer('Ada', 'milk') })
  expect(renders.take()).toEqual({ others: 1 })
})

function Named({ name, editing }: { name: string; editing?: string | undefined }) {
  const model = useModel<TodoList>(KEY)
  usePresence(model, { name })
  return editing === undefined ? null : <Editor editing={editing} />
}

function Editor({ editing }: { editing: string }) {
  const model = useModel<TodoList>(KEY)
  const [isActive, setIsActive] = useState(true)
  usePresence(model, { editing: isActive ? editing : undefined })
  return <button onClick={() => setIsActive(!isActive)}>Rest</button>
}

test('what components tell of the page is merged, and gone with them', async () => {
  const { line, pass, show } = await start(<Named name="Ada" />)
  expect(line.told(KEY)).toEqual({ name: 'Ada' })
  await show(<Named name="Ada" editing="milk" />)
  await pass(100)
  expect(line.told(KEY)).toEqual({ name: 'Ada', editing: 'milk' })
  act(() => screen.getByText('Rest').click())
  await pass(100)
  expect(line.told(KEY)).toEqual({ name: 'Ada' })
  await show(<Named name="Bob" />)
  await pass(100)
  expect(line.told(KEY)).toEqual({ name: 'Bob' })
  await show(null)
  await pass(100)
  expect(line.told(KEY)).toBeNull()
  await pass(2_000)
  expect(line.requests.size).toBe(0)
})

test('a page that is drawn again without a change says nothing, and opens nothing', async () => {
  const { line, pass, show } = await start(<Named name="Ada" editing="milk" />)
  const [request] = line.requests.values()
  for (let times = 0; times < 3; times += 1) {
    await show(<Named name="Ada" editing="milk" />)
    await pass(200)
  }
  expect(line.announced).toEqual([])
  expect([...line.requests.values()]).toEqual([request])
})

test('a page that a server renders shows nobody', async () => {
  const { world, tell } = await start(<Others />)
  tell({ a: peer('Ada') }, true)
  expect(screen.getByText('Ada')).toBeDefined()
  const html = renderToString(
    <Page client={world.client}>
      <Others />
    </Page>,
  )
  expect(html).toContain('nobody')
})
