// @vitest-environment happy-dom
// The versions in the devtools, on a client and a service without a network between them.
import { createClient, directTransport } from '@flushout/client'
import { FlushoutDevtools } from '@flushout/react/devtools'
import { allowAnyone, createService, memoryStore } from '@flushout/server'
import { act, cleanup, configure, fireEvent, render, within } from '@testing-library/react'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'

configure({ reactStrictMode: true })
beforeEach(() => sessionStorage.clear())
afterEach(cleanup)

interface TodoList {
  title: string
  todos: { [id: string]: { text: string; done?: boolean } }
}

const KEY = 'todos:groceries'

/** A client with a history of four versions, and the devtools on it. */
async function start() {
  const service = createService({
    store: memoryStore(),
    authorize: allowAnyone,
    models: [{ pattern: 'todos:*', initial: { title: 'Groceries', todos: {} } }],
  })
  let isDown = false
  let held: Promise<void> | undefined
  const transport = directTransport({
    snapshot: (key) => service.snapshot(key),
    flush: (key, flush) => service.flush(key, flush),
    history: (key, query) => service.history(key, query),
    snapshotAt: async (key, count) => {
      await held
      if (isDown) throw new Error('The network is down.')
      return service.snapshotAt(key, count)
    },
  })
  const client = createClient({ transport, flush: { mode: 'manual' } })
  onTestFinished(() => {
    client.close()
    void service.close()
  })
  const model = client.model<TodoList>(KEY)
  await model.ready
  model.create(['todos'], { text: 'milk' }, { id: 'a', label: 'Add milk' })
  await model.flush()
  model.update(['todos', 'a'], { text: 'oat milk', done: true })
  model.update([], { title: 'Shopping' })
  await model.flush()
  model.delete(['todos', 'a'])
  await model.flush()
  await act(async () => render(<FlushoutDevtools client={client} />))
  await click('button', /^Open/)
  return {
    client,
    model,
    cut: () => (isDown = !isDown),
    /** Let nobody see a version until the returned function is called. */
    hold: () => {
      let release = () => {}
      held = new Promise((resolve) => {
        release = resolve
      })
      return () => release()
    },
  }
}

function devtools() {
  const { shadowRoot } = document.querySelector('flushout-devtools')!
  return within(shadowRoot as unknown as HTMLElement)
}

const click = (role: string, name: string | RegExp) =>
  act(async () => devtools().getByRole(role, { name }).click())
const slide = (count: number) =>
  act(async () => {
    fireEvent.change(devtools().getByRole('slider'), { target: { value: String(count) } })
  })
const differences = () =>
  within(devtools().getByRole('list', { name: 'Differences' }))
    .getAllByRole('listitem')
    .map(({ textContent }) => textContent)
const shows = (expected: readonly string[]) =>
  vi.waitFor(() => expect(differences()).toEqual(expected))
const version = () => devtools().getByRole('status').textContent

test('a slider goes to any version, and shows what it changed', async () => {
  await start()
  await click('tab', 'Versions')
  expect(version()).toBe('4 of 4')
  await shows(['todos / awas {"text":"oat milk","done":true}'])
  await click('button', 'Version before')
  expect(version()).toBe('3 of 4')
  await shows(['titlewas "Groceries"is "Shopping"'])
  await slide(2)
  await shows(['todos / a / textwas "milk"is "oat milk"', 'todos / a / donenew true'])
  await slide(1)
  await shows(['todos / anew {"text":"milk"}'])
  await slide(0)
  await vi.waitFor(() => devtools().getByText('Before the first command.'))
})

test('a version can be held against what shows now', async () => {
  const { model } = await start()
  await click('tab', 'Versions')
  await slide(2)
  await act(async () => {
    fireEvent.change(devtools().getByRole('combobox'), { target: { value: 'now' } })
  })
  await shows(['todos / awas {"text":"oat milk","done":true}', 'titlewas "Groceries"is "Shopping"'])
  act(() => void model.update([], { title: 'Groceries' }))
  await shows(['todos / awas {"text":"oat milk","done":true}'])
  act(() => void model.apply({ action: 'update', path: [], unset: ['title'] }))
  await shows(['todos / awas {"text":"oat milk","done":true}', 'titlewas "Groceries"'])
})

test('all versions are played, one after the other', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  await start()
  await click('tab', 'Versions')
  await click('button', 'Play')
  const seen = [version()]
  while (devtools().queryByRole('button', { name: 'Pause' })) {
    await act(() => vi.advanceTimersByTimeAsync(100))
    if (version() !== seen.at(-1)) seen.push(version())
  }
  expect(seen).toEqual(['0 of 4', '1 of 4', '2 of 4', '3 of 4', '4 of 4'])
})

test('what is played waits for a version that is slow to come', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { hold } = await start()
  await click('tab', 'Versions')
  const release = hold()
  await click('button', 'Play')
  await act(() => vi.advanceTimersByTimeAsync(5_000))
  expect(version()).toBe('0 of 4')
  await act(async () => release())
  await act(() => vi.advanceTimersByTimeAsync(1_000))
  expect(version()).toBe('1 of 4')
})

test('a confirmed command leads to its version', async () => {
  await start()
  const row = await vi.waitFor(() => {
    const { shadowRoot } = document.querySelector('flushout-devtools')!
    const rows = [...shadowRoot!.querySelectorAll<HTMLDetailsElement>('.rows details')]
    expect(rows.map(({ textContent }) => textContent.replace(/anonymous.*/, ''))).toEqual([
      '4deletetodos / a ',
      '3updatedocument title: "Shopping"',
      '2updatetodos / a text: "oat milk", done: true',
      '1createAdd milk todos / a text: "milk"',
    ])
    return rows[2]!
  })
  row.open = true
  await act(async () => void fireEvent(row, new Event('toggle')))
  await click('button', 'Show version 2')
  expect(version()).toBe('2 of 4')
  await shows(['todos / a / textwas "milk"is "oat milk"', 'todos / a / donenew true'])
})

test('a version that cannot be read is told, and the next try may work', async () => {
  const { cut } = await start()
  cut()
  await click('tab', 'Versions')
  await vi.waitFor(() => devtools().getByText(/^This version cannot be read/))
  cut()
  await click('button', 'Version before')
  await shows(['titlewas "Groceries"is "Shopping"'])
})
