import type { Model } from '@flushout/client'
import type { Path } from '@flushout/core'
import { useFlushout, useKeys, useNode, useRejections, useSyncStatus } from '@flushout/react'
import { act, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { KEY, World, type TodoList } from './support/world.tsx'

function Everything() {
  const [list, model] = useFlushout<TodoList>(KEY)
  const [count] = useFlushout<TodoList, number>(KEY, (whole) => Object.keys(whole.todos).length)
  const [, , status] = useFlushout<TodoList>(KEY, { suspense: false })
  const ids = useKeys(model, ['todos'])
  const [todo] = useNode(model, ['todos', 'a'])
  const { queued } = useSyncStatus(model)
  const rejections = useRejections(model)
  return (
    <p>
      {[list.title, count, status.state, ids.length, todo?.text, queued, rejections.length].join(
        ' ',
      )}
    </p>
  )
}

/** Counts what listens to a model, the real subscriptions left as they are. */
function countListeners(model: Model<TodoList>): () => number {
  let count = 0
  for (const name of ['subscribe', 'subscribeStatus'] as const) {
    const subscribe = model[name]
    Object.assign(model, {
      [name]: (listener: () => void, path?: Path) => {
        const leave = subscribe(listener, path)
        count += 1
        return () => {
          count -= 1
          leave()
        }
      },
    })
  }
  return () => count
}

test('a page that is gone leaves no listener, no timer and no asking for news', async () => {
  const world = new World(undefined, { flush: { mode: 'auto' } })
  const model = world.client.model<TodoList>(KEY)
  const listeners = countListeners(model)
  const { unmount } = await world.show(<Everything />)
  expect(screen.getByText('Groceries 2 polling 2 milk 0 0')).toBeDefined()
  expect(listeners()).toBe(8)
  const { exchanges } = world
  await act(() => world.clock.pass(600_000))
  expect(world.exchanges).toBeGreaterThan(exchanges + 60)
  expect(world.client.model(KEY)).toBe(model)

  unmount()
  expect(listeners()).toBe(0)
  const after = world.exchanges
  await world.clock.pass(600_000)
  expect(world.exchanges).toBe(after)
  expect(world.clock.timers).toBe(0)
  expect(world.client.model(KEY)).not.toBe(model)
})

test('a page that is gone still gets its edits to the master', async () => {
  const world = new World(undefined, { flush: { mode: 'auto' } })
  const { unmount } = await world.show(<Everything />)
  world.network = 'down'
  world.client.model<TodoList>(KEY).update(['todos', 'a'], { text: 'oat milk' })
  unmount()
  await world.clock.pass(600_000)
  world.network = 'up'
  await world.clock.pass(600_000)
  expect(world.document.todos['a']!.text).toBe('oat milk')
  expect(world.clock.timers).toBe(0)
})
