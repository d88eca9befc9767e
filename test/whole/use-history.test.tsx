// @vitest-environment happy-dom
// The hooks of the past, on a client and a service without a network between them.
import { createClient, directTransport } from '@flushout/client'
import { createTestEnvironment, type TestEnvironment } from '@flushout/client/testing'
import { FlushoutProvider, useHistory, useModel, useSnapshotAt } from '@flushout/react'
import { allowAnyone, createService, memoryStore } from '@flushout/server'
import { act, cleanup, configure, render, screen } from '@testing-library/react'
import { Suspense, type ReactNode } from 'react'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'

configure({ reactStrictMode: true })
afterEach(cleanup)

interface TodoList {
  todos: { [id: string]: { text: string } }
}

const KEY = 'todos:groceries'

let environment: TestEnvironment
beforeEach(() => {
  environment = createTestEnvironment()
})

async function start(page: ReactNode) {
  const service = createService({
    store: memoryStore(),
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*', initial: { todos: {} } }],
  })
  let isDown = false
  let reads = 0
  let held: Promise<void> | undefined
  const transport = directTransport({
    snapshot: (key) => service.snapshot(key),
    flush: (key, flush) => service.flush(key, flush),
    history: (key, query) => {
      reads += 1
      if (isDown) throw new Error('The network is down.')
      return service.history(key, query)
    },
    snapshotAt: async (key, count) => {
      reads += 1
      await held
      return service.snapshotAt(key, count)
    },
  })
  const client = createClient({ transport, environment, flush: { mode: 'manual' } })
  onTestFinished(() => {
    client.close()
    void service.close()
  })
  const model = client.model<TodoList>(KEY)
  await model.ready
  const add = async (...ids: string[]) => {
    for (const id of ids) {
      model.create(['todos'], { text: id }, { id })
      await model.flush()
    }
  }
  const wrap = (shown: ReactNode) => (
    <FlushoutProvider client={client}>
      <Suspense>{shown}</Suspense>
    </FlushoutProvider>
  )
  return {
    model,
    add,
    show: async () => {
      const view = await act(async () => render(wrap(page)))
      return (shown: ReactNode) => act(async () => view.rerender(wrap(shown)))
    },
    cut: () => (isDown = !isDown),
    reads: () => reads,
    /** Let nobody see a version until the returned function is called. */
    hold: () => {
      let release = () => {}
      held = new Promise((resolve) => {
        release = resolve
      })
      return () => release()
    },
    /** Somebody else adds todos, each in a flush of its own. */
    addElsewhere: async (...ids: string[]) => {
      const other = createClient({ transport, flush: { mode: 'manual' } })
      const theirs = other.model<TodoList>(KEY)
      await theirs.ready
      for (const id of ids) {
        theirs.create(['todos'], { text: id }, { id })
        await theirs.flush()
      }
      other.close()
    },
  }
}

function List({ path }: { path?: string[] }) {
  const model = useModel<TodoList>(KEY)
  const { entries, hasMore, isLoading, error, loadMore } = useHistory(model, {
    limit: 2,
    ...(path && { path }),
  })
  return (
    <>
      <p>
        {entries.map(({ to }) => to).join(' ')}
        {hasMore ? ' …' : ''}
        {isLoading ? ' loading' : ''}
        {error ? ` ${error.code}` : ''}
      </p>
      <button onClick={loadMore}>More</button>
    </>
  )
}

const text = () => screen.getByRole('paragraph').textContent
const more = () => act(async () => screen.getByRole('button').click())
/** Sooner or later. */
const shows = (expected: string) =>
  vi.waitFor(async () => {
    await act(() => environment.advance(1_000))
    expect(text()).toBe(expected)
  })

test('a history is shown page by page, and grows at the top', async () => {
  const { add, show } = await start(<List />)
  await add('a', 'b', 'c', 'd', 'e')
  await show()
  await shows('5 4 …')
  await more()
  await shows('5 4 3 2 …')
  await act(() => add('f'))
  await shows('6 5 4 3 2 …')
  await more()
  await shows('6 5 4 3 2 1')
})

test('when more came than a page holds, the list begins anew', async () => {
  const { model, add, addElsewhere, show } = await start(<List />)
  await add('a')
  await show()
  await shows('1')
  for (const id of ['b', 'c', 'd']) model.create(['todos'], { text: id }, { id })
  await act(() => model.flush())
  await shows('4 1')
  await addElsewhere('e', 'f', 'g', 'h')
  await act(() => model.flush())
  await shows('8 7 …')
  await more()
  await shows('8 7 6 5 …')
})

test('a model that changes all the time is asked once a second', async () => {
  const { add, show, reads } = await start(<List />)
  await add('a')
  await show()
  await shows('1')
  await act(() => environment.advance(1_000))
  const before = reads()
  await act(() => add('b'))
  await vi.waitFor(() => expect(text()).toBe('2 1'))
  for (let count = 0; count < 5; count += 1) {
    await act(() => add(`c${count}`))
    await act(() => environment.advance(100))
  }
  expect(reads() - before).toBe(1)
  await act(() => environment.advance(500))
  await vi.waitFor(() => expect(text()).toBe('7 6 …'))
  expect(reads() - before).toBe(2)
  await act(() => add('d'))
  cleanup()
  await environment.advance(2_000)
  expect(reads() - before).toBe(2)
})

test('by path there is only what touched it', async () => {
  const { model, add, show } = await start(<List path={['todos', 'a']} />)
  await add('a', 'b')
  await show()
  await shows('1')
  model.update(['todos', 'a'], { text: 'A' })
  await act(() => model.flush())
  await shows('3 1')
})

test('a server that cannot be asked is told, and asked again', async () => {
  const { add, show, cut } = await start(<List />)
  await add('a')
  cut()
  await show()
  await shows(' … NETWORK')
  cut()
  await more()
  await shows('1')
})

function Then({ count }: { count?: number }) {
  const model = useModel<TodoList>(KEY)
  const { document, count: shown, isLoading, error } = useSnapshotAt(model, count)
  const ids = document && Object.keys(document.todos).join(' ')
  return (
    <p>
      {ids === undefined ? 'nothing' : `${shown}: ${ids}`}
      {isLoading ? ' loading' : ''}
      {error ? ` ${error.code}` : ''}
    </p>
  )
}

test('a version is shown until another is there', async () => {
  const { add, show, reads, hold } = await start(<Then />)
  await add('a', 'b', 'c', 'd')
  const rerender = await show()
  await shows('nothing')
  await rerender(<Then count={2} />)
  await shows('2: a b')
  await rerender(<Then count={9} />)
  await shows('2: a b VERSION_NOT_FOUND')
  await rerender(<Then count={1} />)
  await shows('1: a')
  const before = reads()
  const release = hold()
  for (const count of [2, 3, 4]) await rerender(<Then count={count} />)
  expect(text()).toBe('1: a loading')
  await act(async () => release())
  await shows('4: a b c d')
  expect(reads() - before).toBe(2)
  await rerender(<Then />)
  await shows('nothing')
})
