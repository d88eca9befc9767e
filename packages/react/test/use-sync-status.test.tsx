import { useFlushout, useSyncStatus } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { Counted, KEY, Renders, World, type TodoList } from './support/world.tsx'

function Status() {
  const [, todos] = useFlushout<TodoList, undefined>(KEY, () => undefined)
  const { state, queued, inFlight, confirmed, rejected, commandCount, lastSyncedAt, error } =
    useSyncStatus(todos)
  return (
    <>
      <output>
        {[
          state,
          queued,
          inFlight,
          confirmed,
          rejected,
          commandCount,
          lastSyncedAt,
          error?.code,
        ].join(' ')}
      </output>
      <button onClick={() => todos.create(['todos'], { text: 'more' })}>Add</button>
      <button onClick={() => todos.create(['todos'], { text: 'evil' })}>Evil</button>
    </>
  )
}

const status = () => screen.getByRole('status').textContent
const press = (name: string) => act(() => screen.getByText(name).click())

test('the counters are exact through an outage', async () => {
  const world = new World(undefined, {
    flush: { mode: 'auto' },
    interceptors: [
      (_, command) =>
        command.action === 'create' && command.props?.['text'] === 'evil'
          ? { reject: { code: 'EVIL', message: 'No evil.' } }
          : undefined,
    ],
  })
  const pass = (ms: number) => act(() => world.clock.pass(ms))
  const at = world.clock.now()
  await world.show(<Status />)
  // state, queued, in flight, confirmed, rejected, command count, last synced, error
  expect(status()).toBe(`polling 0 0 0 0 0 ${at} `)

  press('Add')
  press('Add')
  expect(status()).toBe(`polling 2 0 0 0 2 ${at} `)
  world.network = 'silent'
  await pass(50)
  expect(status()).toBe(`polling 0 2 0 0 2 ${at} `)
  press('Add')
  expect(status()).toBe(`polling 1 2 0 0 3 ${at} `)
  await act(() => world.answer())
  expect(status()).toBe(`polling 0 0 3 0 3 ${at + 50} `)

  world.network = 'down'
  press('Add')
  press('Evil')
  expect(status()).toBe(`polling 2 0 3 0 5 ${at + 50} `)
  await pass(50)
  // Nobody knows what the master did with them: they stay in flight.
  expect(status()).toBe(`offline 0 2 3 0 5 ${at + 50} NETWORK`)
  press('Add')
  await pass(60_000)
  expect(status()).toBe(`offline 1 2 3 0 6 ${at + 50} NETWORK`)

  world.network = 'up'
  await pass(30_000)
  expect(status()).toMatch(/^polling 0 0 5 1 5 \d+ $/)
  expect(world.backend().master.commandCount).toBe(5)
})

test('a status that is the same renders nothing', async () => {
  const world = new World()
  const renders = new Renders()
  await world.show(
    <Counted name="status" renders={renders}>
      <Status />
    </Counted>,
  )
  renders.take()
  await act(() => world.client.flush())
  await act(() => world.client.flush())
  expect(renders.take()).toEqual({})
})
