import { FlushoutProvider, useClient, useFlushout } from '@flushout/react'
import { render, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { Boundary, KEY, World, type TodoList } from './support/world.tsx'

function Title() {
  const [list] = useFlushout<TodoList>(KEY)
  return <h1>{list.title}</h1>
}

function Flusher() {
  const client = useClient()
  return <p>{client.flushMode}</p>
}

test('a hook without a provider says what to wrap the app in', () => {
  render(
    <Boundary>
      <Title />
    </Boundary>,
    { onCaughtError: () => {} },
  )
  expect(screen.getByRole('alert').textContent).toMatch(/^NO_PROVIDER: .*<FlushoutProvider client=/)
})

test('useClient gives the client of the nearest provider', () => {
  const manual = new World()
  const auto = new World(undefined, { flush: { mode: 'auto' } })
  render(
    <FlushoutProvider client={manual.client}>
      <FlushoutProvider client={auto.client}>
        <Flusher />
      </FlushoutProvider>
    </FlushoutProvider>,
  )
  expect(screen.getByText('auto')).toBeDefined()
})

test('hooks and components are compiled in the run through the React Compiler', () => {
  for (const compiled of [useFlushout, Title]) {
    expect(/\$\[0\] !== /.test(compiled.toString())).toBe(process.env['REACT_COMPILER'] === 'on')
  }
})
