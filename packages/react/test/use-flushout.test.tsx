import { useFlushout } from '@flushout/react'
import { act, fireEvent, render, screen } from '@testing-library/react'
import { Activity, startTransition, useEffect, useState } from 'react'
import { describe, expect, test } from 'vitest'
import { settled } from './support/clock.ts'
import { Counted, GROCERIES, KEY, Renders, World, type TodoList } from './support/world.tsx'

function Groceries({ id = KEY }: { id?: string }) {
  const [list, todos] = useFlushout<TodoList>(id)
  return (
    <>
      <h1>{list.title}</h1>
      <ul>
        {Object.entries(list.todos).map(([key, todo]) => (
          <li key={key}>{todo.text}</li>
        ))}
      </ul>
      <button onClick={() => todos.create(['todos'], { text: 'coffee' }, { id: 'c' })}>Add</button>
      <button onClick={() => todos.update([], { title: list.title })}>Same</button>
    </>
  )
}

const items = () => screen.getAllByRole('listitem').map((item) => item.textContent)

describe('the first load', () => {
  test('suspends, then shows the document', async () => {
    const world = new World()
    world.network = 'silent'
    await world.show(<Groceries />)
    expect(screen.getByText('Loading')).toBeDefined()
    await act(() => world.answer())
    expect(screen.getByRole('heading').textContent).toBe('Groceries')
    expect(items()).toEqual(['milk', 'bread'])
    expect(world.exchanges).toBe(1)
  })

  test('does not suspend where the model is loaded already', async () => {
    const world = new World()
    await world.client.model(KEY).ready
    render(world.page(<Groceries />))
    expect(items()).toEqual(['milk', 'bread'])
  })

  test('goes to the error boundary when there is no such model', async () => {
    const world = new World({})
    await world.show(<Groceries />)
    expect(screen.getByRole('alert').textContent).toContain(`MODEL_NOT_FOUND: There is no`)
  })

  test('is tried again by the error boundary after the client was resumed', async () => {
    const world = new World({})
    await world.show(<Groceries />)
    await act(async () => screen.getByText('Try again').click())
    expect(screen.getByRole('alert').textContent).toContain('MODEL_NOT_FOUND')
    expect(world.exchanges).toBe(1)

    world.add(KEY, GROCERIES)
    world.client.resume()
    await act(async () => screen.getByText('Try again').click())
    expect(items()).toEqual(['milk', 'bread'])
  })

  test('goes on through an outage that is longer than unused models are kept', async () => {
    const world = new World()
    world.network = 'down'
    await world.show(<Groceries />)
    await act(() => world.clock.pass(600_000))
    expect(screen.getByText('Loading')).toBeDefined()
    world.network = 'up'
    await act(() => world.clock.pass(30_000))
    expect(items()).toEqual(['milk', 'bread'])
  })

  test('of another key shows the fallback, in a transition the old document', async () => {
    const milk = { title: 'Dairy', todos: { x: { text: 'butter' } } }
    const world = new World({ [KEY]: GROCERIES, dairy: milk, tools: { ...milk, title: 'Tools' } })
    function Switch() {
      const [id, setId] = useState(KEY)
      return (
        <>
          <Groceries id={id} />
          <button onClick={() => startTransition(() => setId('dairy'))}>Dairy</button>
          <button onClick={() => setId('tools')}>Tools</button>
        </>
      )
    }
    await world.show(<Switch />)
    world.network = 'silent'
    await act(async () => screen.getByText('Dairy').click())
    expect(screen.queryByText('Loading')).toBeNull()
    expect(screen.getByRole('heading').textContent).toBe('Groceries')
    await act(() => world.answer())
    expect(screen.getByRole('heading').textContent).toBe('Dairy')
    expect(items()).toEqual(['butter'])

    world.network = 'silent'
    await act(async () => screen.getByText('Tools').click())
    expect(screen.getByText('Loading')).toBeDefined()
    await act(() => world.answer())
    expect(screen.getByRole('heading').textContent).toBe('Tools')
  })
})

describe('a document on screen', () => {
  test('shows an edit at once though the server never answers', async () => {
    const world = new World(undefined, { flush: { mode: 'auto' } })
    await world.show(<Groceries />)
    world.network = 'silent'
    fireEvent.click(screen.getByText('Add'))
    expect(items()).toEqual(['milk', 'bread', 'coffee'])
    await act(() => world.clock.pass(10_000))
    expect(items()).toEqual(['milk', 'bread', 'coffee'])
    expect(world.client.model(KEY).status.inFlight).toBe(1)
    expect(world.document.todos).toEqual(GROCERIES.todos)
  })

  test('renders nothing when an edit is confirmed', async () => {
    const world = new World()
    const renders = new Renders()
    await world.show(
      <Counted name="list" renders={renders}>
        <Groceries />
      </Counted>,
    )
    fireEvent.click(screen.getByText('Add'))
    renders.take()
    await act(() => world.client.flush())
    expect(world.document.todos).toHaveProperty('c')
    expect(renders.take()).toEqual({})
  })

  test('renders nothing for an edit that changes nothing', async () => {
    const world = new World()
    const renders = new Renders()
    await world.show(
      <Counted name="list" renders={renders}>
        <Groceries />
      </Counted>,
    )
    renders.take()
    fireEvent.click(screen.getByText('Same'))
    expect(world.client.model(KEY).status.queued).toBe(1)
    expect(renders.take()).toEqual({})
  })

  test('shows what others did, as updates and as a snapshot', async () => {
    const world = new World()
    const bob = world.backend().join('bob')
    await world.show(<Groceries />)
    bob.proxy.update(['todos', 'b'], { text: 'rye bread' })
    bob.flush()
    await act(() => world.client.flush())
    expect(items()).toEqual(['milk', 'rye bread'])

    // More than the document is large: the master sends the document instead.
    const text = 'a long text about butter'
    for (let index = 0; index < 20; index += 1)
      bob.proxy.update(['todos', 'a'], { text: text + index })
    bob.flush()
    await act(() => world.client.flush())
    expect(items()).toEqual([`${text}19`, 'rye bread'])
  })

  test('stays on screen when it can no longer be reached', async () => {
    const world = new World(undefined, { flush: { mode: 'auto' } })
    await world.show(<Groceries />)
    world.network = 'down'
    await act(() => world.clock.pass(600_000))
    expect(items()).toEqual(['milk', 'bread'])
  })

  test('is current again when it was hidden for longer than unused models are kept', async () => {
    const world = new World(undefined, { flush: { mode: 'auto' } })
    // The same element, so that React has no reason of its own to render it.
    const groceries = <Groceries />
    const page = (mode: 'visible' | 'hidden') =>
      world.page(<Activity mode={mode}>{groceries}</Activity>)
    const { rerender } = await world.show(<Activity mode="visible">{groceries}</Activity>)
    rerender(page('hidden'))
    await act(() => world.clock.pass(600_000))
    const bob = world.backend().join('bob')
    bob.proxy.update(['todos', 'a'], { text: 'oat milk' })
    bob.flush()
    await act(async () => rerender(page('visible')))
    expect(items()).toEqual(['oat milk', 'bread'])
    bob.proxy.update(['todos', 'a'], { text: 'soy milk' })
    bob.flush()
    await act(() => world.clock.pass(10_000))
    expect(items()).toEqual(['soy milk', 'bread'])
  })
})

describe('a selector', () => {
  function Done() {
    const [done] = useFlushout<TodoList, string[]>(KEY, (list) =>
      Object.values(list.todos)
        .filter((todo) => todo.done)
        .map((todo) => todo.text),
    )
    return <p>Done: {done.join(', ')}</p>
  }

  test('renders its component only when its result is another, though written inline', async () => {
    const world = new World()
    const renders = new Renders()
    await world.show(
      <Counted name="done" renders={renders}>
        <Done />
      </Counted>,
    )
    screen.getByText('Done:')
    const model = world.client.model<TodoList>(KEY)
    renders.take()
    act(() => void model.update(['todos', 'a'], { text: 'oat milk' }))
    expect(renders.take()).toEqual({})
    act(() => void model.update(['todos', 'a'], { done: true }))
    expect(screen.getByText('Done: oat milk')).toBeDefined()
    expect(renders.take()).toEqual({ done: 1 })
    act(() => void model.update(['todos', 'b'], { text: 'rye' }))
    expect(renders.take()).toEqual({})
  })

  test('follows what it closes over', async () => {
    const world = new World()
    function One() {
      const [id, setId] = useState('a')
      const [text] = useFlushout<TodoList, string | undefined>(KEY, (list) => list.todos[id]?.text)
      return <button onClick={() => setId('b')}>{text}</button>
    }
    await world.show(<One />)
    fireEvent.click(screen.getByText('milk'))
    expect(screen.getByRole('button').textContent).toBe('bread')
  })

  test('keeps the identity of the parts that are equal', async () => {
    const world = new World()
    const seen: { open: string[]; done: string[] }[] = []
    function Parts() {
      const [parts] = useFlushout<TodoList, { open: string[]; done: string[] }>(KEY, (list) => {
        const entries = Object.entries(list.todos)
        const ids = (isDone: boolean) =>
          entries.filter(([, todo]) => !!todo.done === isDone).map(([id]) => id)
        return { open: ids(false), done: ids(true) }
      })
      return <Seen value={parts} onSeen={(value) => seen.push(value)} />
    }
    await world.show(<Parts />)
    screen.getByText('seen')
    const model = world.client.model<TodoList>(KEY)
    act(() => void model.create(['todos'], { text: 'coffee' }, { id: 'c' }))
    const [first, last] = [seen[0]!, seen.at(-1)!]
    expect(last).toEqual({ open: ['a', 'b', 'c'], done: [] })
    expect(last).not.toBe(first)
    expect(last.done).toBe(first.done)
  })

  test('that makes something new each time does not render for ever', async () => {
    const world = new World()
    function Fresh() {
      const [when] = useFlushout<TodoList, Date>(KEY, () => new Date(0))
      return <p>{when.toISOString()}</p>
    }
    await world.show(<Fresh />)
    expect(screen.getByText('1970-01-01T00:00:00.000Z')).toBeDefined()
  })
})

function Seen<T>({ value, onSeen }: { value: T; onSeen: (value: T) => void }) {
  const [first] = useState(() => onSeen)
  useEffect(() => {
    first(value)
  }, [first, value])
  return <p>seen</p>
}

describe('without Suspense', () => {
  function Plain({ id = KEY }: { id?: string }) {
    const [list, , status] = useFlushout<TodoList>(id, { suspense: false })
    return (
      <p>
        {status.state}: {list ? list.title : 'nothing yet'}
      </p>
    )
  }

  test('the document is undefined until it is there, and the status tells why', async () => {
    const world = new World()
    world.network = 'down'
    render(world.page(<Plain />))
    expect(screen.getByText('connecting: nothing yet')).toBeDefined()
    await act(settled)
    expect(screen.getByText('offline: nothing yet')).toBeDefined()
    world.network = 'up'
    await act(() => world.clock.pass(1_000))
    expect(screen.getByText('polling: Groceries')).toBeDefined()
  })

  test('a model that does not exist is a status, not an error', async () => {
    const world = new World({})
    await world.show(<Plain />)
    expect(screen.getByText('refused: nothing yet')).toBeDefined()
  })
})

test('what hooks return cannot be changed by mistake', async () => {
  const world = new World()
  function Careless() {
    const [list] = useFlushout(KEY)
    return <p>{Object.isFrozen(list) && Object.isFrozen(list['todos']) ? 'frozen' : 'open'}</p>
  }
  await world.show(<Careless />)
  expect(screen.getByText('frozen')).toBeDefined()
})
