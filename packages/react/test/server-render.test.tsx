import {
  useFlushout,
  useKeys,
  useModel,
  useNode,
  useRejections,
  useSyncStatus,
} from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { StrictMode } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { expect, onTestFinished, test } from 'vitest'
import { KEY, Page, World, type TodoList } from './support/world.tsx'

function Row({ id }: { id: string }) {
  const [todo, node] = useNode(useModel<TodoList>(KEY), ['todos', id])
  return <li onClick={() => node.update({ text: `${todo?.text}!` })}>{todo?.text}</li>
}

function Groceries() {
  const [list, todos] = useFlushout<TodoList>(KEY)
  const { state, queued } = useSyncStatus(todos)
  const rejections = useRejections(todos)
  return (
    <>
      <h1>{list.title}</h1>
      <ul>
        {useKeys(todos, ['todos']).map((id) => (
          <Row key={id} id={id} />
        ))}
      </ul>
      <p>{`${state} ${queued} ${rejections.length}`}</p>
    </>
  )
}

test('a loaded model renders on the server, and the browser takes the markup over', async () => {
  const world = new World()
  const server = world.createClient()
  onTestFinished(() => server.close())
  await server.model(KEY).ready
  const html = renderToString(
    <Page client={server}>
      <Groceries />
    </Page>,
  )
  expect(html).toContain('<h1>Groceries</h1><ul><li>milk</li><li>bread</li></ul><p>polling 0 0</p>')

  await world.client.model(KEY).ready
  const container = document.createElement('div')
  container.innerHTML = html
  document.body.append(container)
  const item = screen.getByText('milk')
  const errors: unknown[] = []
  const root = await act(async () =>
    hydrateRoot(
      container,
      <StrictMode>
        <Page client={world.client}>
          <Groceries />
        </Page>
      </StrictMode>,
      { onRecoverableError: (error) => errors.push(error) },
    ),
  )
  onTestFinished(() => {
    act(() => root.unmount())
    container.remove()
  })
  expect(errors).toEqual([])
  expect(screen.getByText('milk')).toBe(item)
  act(() => item.click())
  expect(item.textContent).toBe('milk!')
})

test('a model that is not loaded renders as connecting on the server, and exchanges nothing', () => {
  const world = new World()
  function Plain() {
    const [list, , { state }] = useFlushout<TodoList>(KEY, { suspense: false })
    return <p>{list ? list.title : state}</p>
  }
  const html = renderToString(
    <Page client={world.client}>
      <Plain />
    </Page>,
  )
  expect(html).toContain('<p>connecting</p>')
  expect(world.exchanges).toBe(0)
})
