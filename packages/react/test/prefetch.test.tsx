import type { Client } from '@flushout/client'
import { dehydrate, hydrate } from '@flushout/client/hydration'
import { Prefetch, useFlushout, useSyncStatus } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { StrictMode, type ReactNode } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { expect, onTestFinished, test } from 'vitest'
import { KEY, Page, World, type TodoList } from './support/world.tsx'

const OTHER = 'todos:other'

function List({ of: key }: { of: string }) {
  const [{ title, todos }, model] = useFlushout<TodoList>(key)
  const { state, commandCount, lastSyncedAt } = useSyncStatus(model)
  return (
    <section>
      <h1>{title}</h1>
      <p>{[Object.keys(todos).length, state, commandCount, lastSyncedAt].join(' ')}</p>
      <button onClick={() => model.create(['todos'], { text: 'tea' })}>Add</button>
    </section>
  )
}

/** What the server sends. Streams, and what is loaded while it renders, are tried with a real browser. */
function renderPage(client: Client, page: ReactNode): string {
  return renderToString(<Page client={client}>{page}</Page>)
}

/** Take the page over. Gives what did not match, and the element. */
async function takeOver(html: string, client: Client, page: ReactNode) {
  const container = document.createElement('div')
  container.innerHTML = html
  document.body.append(container)
  const errors: unknown[] = []
  const root = await act(async () =>
    hydrateRoot(
      container,
      <StrictMode>
        <Page client={client}>{page}</Page>
      </StrictMode>,
      { onRecoverableError: (error) => errors.push(error) },
    ),
  )
  onTestFinished(() => {
    act(() => root.unmount())
    container.remove()
  })
  return { container, errors }
}

function createWorld() {
  const world = new World({
    [KEY]: { title: 'Groceries', todos: { a: { text: '</script><!--' } } },
    [OTHER]: { title: 'Other', todos: {} },
  })
  const server = world.createClient()
  onTestFinished(() => server.close())
  return { world, server }
}

test('what `Prefetch` loads on the server is shown in the browser without a request', async () => {
  const { world, server } = createWorld()
  const page = (
    <Prefetch keys={[KEY, OTHER]}>
      <List of={KEY} />
      <List of={OTHER} />
    </Prefetch>
  )
  // A test in a browser loads as a browser does.
  await server.prefetch([KEY, OTHER])
  const html = renderPage(server, page)
  expect(html).toContain('<h1>Groceries</h1>')
  expect(world.exchanges).toBe(2)
  const { container, errors } = await takeOver(html, world.client, page)
  expect(errors).toEqual([])
  expect(container.querySelectorAll('h1')).toHaveLength(2)
  expect(world.exchanges).toBe(2)
  // It has been read.
  expect(container.querySelector('script')).toBe(null)
  act(() => screen.getAllByText('Add')[0]!.click())
  expect(container.querySelector('p')!.textContent).toMatch(/^2 /)
  await act(() => world.client.flush())
  expect(Object.keys(world.document.todos)).toHaveLength(2)
})

test('without a server `Prefetch` loads all models at once, before anything is shown', async () => {
  const { world } = createWorld()
  world.network = 'silent'
  const { container } = await world.show(
    <Prefetch keys={[KEY, OTHER]}>
      <List of={KEY} />
      <List of={OTHER} />
    </Prefetch>,
  )
  expect(container.textContent).toBe('Loading')
  expect(world.exchanges).toBe(2)
  await act(() => world.answer())
  expect(container.querySelectorAll('h1')).toHaveLength(2)
  expect(container.querySelector('script')).toBe(null)
})

test('state that came as a prop is used before the first render below it', async () => {
  const { world, server } = createWorld()
  await server.prefetch([KEY])
  const html = renderPage(server, <List of={KEY} />)
  hydrate(world.client, dehydrate(server))
  const { errors } = await takeOver(html, world.client, <List of={KEY} />)
  expect(errors).toEqual([])
  expect(world.exchanges).toBe(1)
})
