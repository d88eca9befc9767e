import { FlushoutDevtools } from '@flushout/react/devtools'
import { act, fireEvent, within, type BoundFunctions, type queries } from '@testing-library/react'
import { renderToString } from 'react-dom/server'
import { beforeEach, describe, expect, test } from 'vitest'
import { createBugReport } from '../src/devtools/bug-report.ts'
import { Recorders } from '../src/devtools/recorders.ts'
import { GROCERIES, KEY, World, type TodoList } from './support/world.tsx'

type Shown = BoundFunctions<typeof queries>

beforeEach(() => sessionStorage.clear())

/** What is in the element of the devtools, which nothing outside sees. */
function devtools(): Shown {
  const { shadowRoot } = document.querySelector('flushout-devtools')!
  return within(shadowRoot as unknown as HTMLElement)
}

const click = (element: HTMLElement) => act(async () => element.click())
const press = (key: string) => act(async () => void fireEvent.keyDown(focused(), { key }))
const focused = () => document.querySelector('flushout-devtools')!.shadowRoot!.activeElement!
const open = () => click(devtools().getByRole('button', { name: /^Open Flushout devtools/ }))
const show = (name: string) => click(devtools().getByRole('tab', { name }))
const rows = (name: string) =>
  within(devtools().getByRole('list', { name }))
    .getAllByRole('listitem')
    .map(({ textContent }) => textContent)

const LOADED = ['connecting → polling ', 'Load version 00 ms']

/** What the lines of the log say, but for the time. */
const events = () =>
  devtools()
    .queryAllByRole('listitem')
    .filter((item) => item.closest('.log'))
    .map(({ textContent }) => textContent.replace(/^[\d:.]+/, ''))

async function start(world = new World()) {
  const view = await world.show(<FlushoutDevtools />)
  const model = world.client.model<TodoList>(KEY)
  await act(() => model.ready)
  return { world, model, view }
}

describe('the button', () => {
  test('says how many commands are pending and lost, and whether the server is there', async () => {
    const { model, world } = await start()
    act(() => void model.update(['todos', 'a'], { text: 'oat milk' }))
    await act(async () => {})
    devtools().getByRole('button', { name: 'Open Flushout devtools, 1 command pending' })
    deleteElsewhere(world, 'a')
    await act(() => model.flush())
    devtools().getByRole('button', { name: 'Open Flushout devtools, 1 lost' })
    world.network = 'down'
    act(() => void model.update(['todos', 'b'], { done: true }))
    await act(() => model.flush())
    devtools().getByRole('button', {
      name: 'Open Flushout devtools, 1 command pending, 1 lost, 1 model without the server',
    })
  })

  test('opens the panel, which takes the focus and gives it back', async () => {
    await start()
    await open()
    const panel = devtools().getByRole('region', { name: 'Flushout devtools' })
    expect(focused()).toBe(panel)
    await press('Escape')
    expect(devtools().queryByRole('region')).toBe(null)
    expect(focused()).toBe(devtools().getByRole('button'))
    await open()
    await click(devtools().getByRole('button', { name: 'Close devtools' }))
    expect(devtools().queryByRole('region')).toBe(null)
  })

  test('is not there when the panel was open before a reload', async () => {
    const { world, view } = await start()
    await open()
    view.unmount()
    expect(document.querySelector('flushout-devtools')).toBe(null)
    await world.show(<FlushoutDevtools />)
    devtools().getByRole('region', { name: 'Flushout devtools' })
  })
})

describe('commands', () => {
  test('are shown as queued, in the flush that they are in, and as lost', async () => {
    const { model, world } = await start()
    await open()
    act(() => void model.update(['todos', 'a'], { text: 'oat milk' }))
    await act(async () => {})
    expect(rows('Pending commands')).toEqual(['queuedupdatetodos / a text: "oat milk"'])
    world.network = 'silent'
    const flushed = model.flush()
    await act(async () => {})
    act(() => void model.delete(['todos', 'b']))
    await act(async () => {})
    expect(rows('Pending commands')).toEqual([
      'queueddeletetodos / b ',
      'flush 1updatetodos / a text: "oat milk"',
    ])
    deleteElsewhere(world, 'a')
    await act(async () => {
      await world.answer()
      await flushed
    })
    expect(rows('Lost commands')).toEqual([
      expect.stringMatching(/^droppedupdatetodos \/ a text: "oat milk"PATH_NOT_FOUND/),
    ])
  })

  test('open to show all of them', async () => {
    const { model } = await start()
    await open()
    act(() => void model.update(['todos', 'a'], { text: 'x'.repeat(500) }))
    await act(async () => {})
    const { shadowRoot } = document.querySelector('flushout-devtools')!
    const row = shadowRoot!.querySelector<HTMLDetailsElement>('.rows details')!
    expect(row.textContent).not.toContain('x'.repeat(500))
    row.open = true
    await act(async () => void fireEvent(row, new Event('toggle')))
    expect(row.textContent).toContain('x'.repeat(500))
  })
})

describe('the log', () => {
  test('has flushes with their times, rebases and what became of commands', async () => {
    const { model, world } = await start()
    await open()
    await show('Log')
    act(() => void model.update(['todos', 'a'], { text: 'oat milk' }))
    act(() => void model.update(['todos', 'b'], { done: true }))
    world.network = 'silent'
    const flushed = model.flush()
    await act(async () => {})
    expect(events()).toEqual(['Flush 1 of 2 commands under way', ...LOADED])
    deleteElsewhere(world, 'a')
    await act(async () => {
      await world.clock.pass(120)
      await world.answer()
      await flushed
    })
    expect(events()).toEqual([
      'updatetodos / a text: "oat milk"dropped: PATH_NOT_FOUND',
      'Advanced from 0 to 2, 1 visible change',
      'Flush 1 of 2 commands 1 applied, 1 dropped, a snapshot120 ms',
      ...LOADED,
    ])
    world.network = 'down'
    await act(() => model.flush())
    expect(events().slice(0, 2)).toEqual([
      'polling → offline NETWORK',
      'Ask for news from 2 NETWORK0 ms',
    ])
  })

  test('shows what is wanted, and forgets what was', async () => {
    const { model } = await start()
    await open()
    await show('Log')
    await act(() => model.flush())
    expect(events()).toEqual(['Ask for news from 0 nothing new0 ms', ...LOADED])
    const flushes = devtools().getByRole('button', { name: 'Flushes' })
    expect(flushes.getAttribute('aria-pressed')).toBe('true')
    await click(flushes)
    expect(flushes.getAttribute('aria-pressed')).toBe('false')
    expect(events()).toEqual(['connecting → polling '])
    await click(flushes)
    expect(events()).toHaveLength(3)
    await click(devtools().getByRole('button', { name: 'Clear' }))
    expect(events()).toEqual([])
  })
})

describe('the keyboard', () => {
  test('goes through tabs and rows by arrows, and changes the height', async () => {
    const { model } = await start()
    await open()
    for (const id of ['c', 'd', 'e']) {
      act(() => void model.create(['todos'], { text: id }, { id }))
    }
    await act(async () => {})
    const tab = (name: string) => devtools().getByRole('tab', { name })
    act(() => tab('Commands').focus())
    await press('ArrowRight')
    expect(focused()).toBe(tab('Log'))
    expect(tab('Log').getAttribute('aria-selected')).toBe('true')
    await press('End')
    expect(focused()).toBe(tab('Versions'))
    await press('ArrowRight')
    expect(focused()).toBe(tab('Commands'))
    expect(tab('Log').tabIndex).toBe(-1)

    const { shadowRoot } = document.querySelector('flushout-devtools')!
    const summaries = [...shadowRoot!.querySelectorAll<HTMLElement>('.rows summary')]
    expect(summaries.map(({ tabIndex }) => tabIndex)).toEqual([0, -1, -1])
    act(() => summaries[0]!.focus())
    await press('ArrowDown')
    expect(focused()).toBe(summaries[1])
    expect(summaries.map(({ tabIndex }) => tabIndex)).toEqual([-1, 0, -1])

    const handle = devtools().getByRole('separator')
    const height = Number(handle.getAttribute('aria-valuenow'))
    act(() => handle.focus())
    await press('ArrowUp')
    expect(Number(handle.getAttribute('aria-valuenow'))).toBe(height + 4)
    await press('End')
    expect(handle.getAttribute('aria-valuetext')).toBe('92 percent of the window')
  })

  test('closes the report before the panel', async () => {
    await start()
    await open()
    await click(devtools().getByRole('button', { name: 'Bug report' }))
    devtools().getByRole('group', { name: 'Bug report' })
    act(() => devtools().getByRole('checkbox').focus())
    await press('Escape')
    expect(devtools().queryByRole('group', { name: 'Bug report' })).toBe(null)
    expect(focused()).toBe(devtools().getByRole('button', { name: 'Bug report' }))
    await press('Escape')
    expect(devtools().queryByRole('region')).toBe(null)
  })
})

test('several clients are shown by name, each with its models', async () => {
  const world = new World({ [KEY]: GROCERIES, 'todos:other': GROCERIES })
  const other = world.createClient()
  await world.show(<FlushoutDevtools clients={{ Ada: world.client, Bob: other }} />)
  const keys = (name: string) =>
    within(devtools().getByRole('list', { name: `Models of ${name}` }))
      .getAllByRole('button')
      .map(({ textContent }) => textContent)
  await act(() => world.client.model(KEY).ready)
  await open()
  await act(() => other.model('todos:other').ready)
  await act(() => other.model(KEY).ready)
  expect(keys('Ada')).toEqual([`${KEY}, polling`])
  expect(keys('Bob')).toEqual([`${KEY}, polling`, 'todos:other, polling'])
  act(() => void other.model('todos:other').delete(['todos', 'a']))
  await act(async () => {})
  expect(keys('Bob')[1]).toBe('todos:other, polling1 pending')
  await click(devtools().getByRole('button', { name: /^todos:other/ }))
  expect(rows('Pending commands')).toEqual(['queueddeletetodos / a '])
  other.close()
})

test('without a model the panel says so', async () => {
  const world = new World()
  await world.show(<FlushoutDevtools client={world.client} />)
  await open()
  devtools().getByText(/^No model is in memory/)
})

test('a report leaves values out, and keeps ids, counts and codes', async () => {
  const { model, world } = await start()
  act(() => void model.update(['todos', 'a'], { text: 'secret tea', done: true }))
  world.network = 'down'
  await act(() => model.flush())
  const report = (withValues: boolean) => {
    const now = new Date(0)
    const clients = new Recorders({ '': world.client }).getView()
    return JSON.parse(JSON.stringify(createBugReport(clients, { withValues, now }))) as unknown
  }
  const [client] = (report(true) as { clients: unknown[] }).clients
  expect(client).toMatchObject({
    flushMode: 'manual',
    models: [
      {
        key: KEY,
        status: {
          state: 'offline',
          inFlight: 1,
          error: { code: 'NETWORK', message: 'The network is down.' },
        },
        pending: [{ commands: [{ sequence: 1, command: { props: { text: 'secret tea' } } }] }],
        document: { todos: { a: { text: 'secret tea' } } },
      },
    ],
    log: [
      { kind: 'exchange', answer: { commandCount: 0, document: '(left out)' } },
      { kind: 'state', from: 'connecting', to: 'polling' },
      { kind: 'exchange', flush: { sequence: 1 }, error: { code: 'NETWORK' } },
      { kind: 'state', from: 'polling', to: 'offline' },
    ],
  })
  const [bare] = (report(false) as { clients: unknown[] }).clients
  expect(JSON.stringify(bare)).not.toMatch(/secret|milk|bread|Groceries/)
  expect(bare).toMatchObject({
    models: [
      {
        key: KEY,
        document: { title: '(text, 9)', todos: { a: { text: '(text, 10)', done: true } } },
        status: { error: { code: 'NETWORK' } },
      },
    ],
  })
})

test('a server sends nothing of it', () => {
  const world = new World()
  expect(renderToString(<FlushoutDevtools client={world.client} />)).toBe('')
})

function deleteElsewhere(world: World, id: string): void {
  const { commandCount: from, hash } = world.backend().master
  const commands = [{ action: 'delete' as const, path: ['todos', id] }]
  const flush = { protocol: 1, clientId: 'far', sequence: 1, from, hash, commands } as const
  world.backend().master.apply(flush, { user: undefined, now: 0, seed: '' })
}
