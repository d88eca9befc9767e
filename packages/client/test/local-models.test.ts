// Models that only one client has: for what is selected, filtered, open.
import { createClient, directTransport, onDevice, type ClientOptions } from '@flushout/client'
import { dehydrate } from '@flushout/client/hydration'
import { createUndo } from '@flushout/client/undo'
import {
  createTestDisk,
  createTestEnvironment,
  createTestNetwork,
  createTestServer,
} from '@flushout/client/testing'
import { withCommands } from '@flushout/core/commands'
import { defineModel, type StandardSchema } from '@flushout/core/define'
import { expect, onTestFinished, test } from 'vitest'

interface Board {
  readonly filter: string
  readonly selected: { readonly [id: string]: { readonly since?: number } }
}

const KEY = 'ui:groceries'

const board = defineModel({
  pattern: 'ui:$list',
  local: true,
  initial: ({ list }): Board => ({ filter: list, selected: {} }),
  resolve: ({ command, found }) => ({
    props: { filter: `${found['filter'] as string} ${command.props?.['filter'] as string}` },
  }),
  intercept: [
    (_document, command) => {
      if (command.action !== 'update') return
      const { filter } = command.props as { filter?: string }
      if (filter === 'none') return { reject: { code: 'NO_FILTER', message: 'Not that one.' } }
      if (filter === 'last') {
        return { follow: [{ action: 'create', path: ['selected'], id: 'last', props: {} }] }
      }
      return filter === undefined ? undefined : { props: { filter: filter.trim() } }
    },
  ],
})

function open(options: Partial<ClientOptions> = {}) {
  const environment = createTestEnvironment()
  const network = createTestNetwork(directTransport(createTestServer({})))
  const given = { models: [board], transport: network, environment, ...options } as ClientOptions
  const client = createClient(given)
  onTestFinished(() => client.close())
  return { client, environment, network, model: client.model<Board>(KEY) }
}

test('a local model is there at once, and nothing of it is ever sent, stored or followed', async () => {
  const disk = createTestDisk()
  const storage = disk.open()
  const { client, environment, network, model } = open({ storage: onDevice({ storage }) })
  expect(model.isLoaded).toBe(true)
  expect(model.read()).toEqual({ filter: 'groceries', selected: {} })
  await model.ready
  onTestFinished(model.subscribe(() => {}))
  const receipt = model.update([], { filter: 'open' })
  expect(receipt.ok).toBe(true)
  expect(model.read(['filter'])).toBe('open')
  expect(environment.isWarning).toBe(false)
  await environment.wake()
  await client.prefetch([KEY])
  await Promise.all([model.flush(), client.flush()])
  client.pause()
  model.create(['selected'], {}, { id: 'a' })
  client.resume()
  client.flushMode = 'manual'
  client.flushMode = 'auto'
  await environment.advance(600_000)
  expect(network.sent).toEqual([])
  expect(network.lives).toEqual([])
  expect(JSON.stringify(await storage.read([]))).not.toContain(KEY)
  expect(environment.timers).toBe(0)
  expect(dehydrate(client)).not.toContain(KEY)
  await expect(model.preview()).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  await expect(model.history()).rejects.toBeDefined()
  expect(network.sent).toEqual([])
})

test('its edits count at once: nothing is ever pending, and every verdict comes', async () => {
  const { environment, model } = open()
  const { status } = model
  expect(status).toMatchObject({ state: 'live', queued: 0, inFlight: 0, commandCount: 0 })
  expect(model.status).toBe(status)
  const states = new Set<string>()
  model.subscribeStatus(() => {
    const { state, queued, inFlight } = model.status
    states.add(`${state} ${queued} ${inFlight}`)
  })
  const receipts = model.batch(() => [
    model.create(['selected'], { since: 1 }, { id: 'a' }),
    model.update(['selected', 'a'], { since: 2 }),
  ])
  await environment.settle()
  expect(await Promise.all(receipts.map(({ verdict }) => verdict))).toMatchObject([
    { kind: 'applied' },
    { kind: 'applied' },
  ])
  expect([...states]).toEqual(['live 0 0'])
  expect(model.status).toMatchObject({ confirmed: 2, commandCount: 2, rejected: 0 })
  // However many there are: they are not kept.
  for (let count = 0; count < 2_000; count += 1) model.update([], { filter: `${count}` })
  await environment.settle()
  expect(model.pending.flatMap(({ commands }) => commands)).toEqual([])
  expect(model.read()).toEqual({ filter: '1999', selected: { a: { since: 2 } } })
})

test('its rules hold, amend and follow as they show', async () => {
  const { environment, model } = open()
  expect(model.update([], { filter: 'none' })).toMatchObject({
    ok: false,
    rejection: { code: 'NO_FILTER' },
  })
  const amended = model.update([], { filter: '  done ' })
  const led = model.update([], { filter: 'last' })
  const shown = model.read()
  expect(shown).toEqual({ filter: 'last', selected: { last: {} } })
  await environment.settle()
  expect(model.read()).toBe(shown)
  expect(await amended.verdict).toMatchObject({ kind: 'applied' })
  expect(await led.verdict).toMatchObject({ kind: 'applied' })
  const stale = { expects: { props: { filter: 'groceries' } } }
  const merged = model.update([], { filter: 'both' }, stale)
  await environment.settle()
  expect(await merged.verdict).toMatchObject({ kind: 'amended' })
  expect(model.read(['filter'])).toBe('last both')
  expect(model.rejections).toEqual([])
})

test('what would wait for the master has nobody to wait for', async () => {
  const { environment, model } = open()
  model.create(['selected'], {}, { id: 'a' })
  const gone = model.delete(['selected', 'a'], { wait: true })
  const late = model.update(['selected', 'a'], { since: 1 }, { wait: true })
  const other = model.update([], { filter: 'done' }, { wait: true, label: 'Filter' })
  expect(model.read()).toEqual({ filter: 'done', selected: {} })
  await environment.settle()
  expect(await gone.verdict).toMatchObject({ kind: 'applied' })
  expect((await late.verdict).kind).toBe('rejected')
  expect(await other.verdict).toMatchObject({ kind: 'applied' })
})

test('it can be undone', async () => {
  const { environment, model } = open()
  const undo = createUndo(model)
  model.update([], { filter: 'open' })
  await environment.settle()
  undo.undo()
  await environment.settle()
  expect(model.read(['filter'])).toBe('groceries')
  undo.redo()
  expect(model.read(['filter'])).toBe('open')
})

test('it lasts as long as the client, and other clients have their own', async () => {
  const { client, environment, model } = open()
  client.model(`ui:never changed`)
  model.update([], { filter: 'open' })
  await environment.advance(600_000)
  expect(client.models).toEqual([model])
  expect(client.model<Board>(KEY).read(['filter'])).toBe('open')
  expect(environment.timers).toBe(0)
  expect(open().model.read(['filter'])).toBe('groceries')
})

test('what has no first document cannot be local', () => {
  expect(() => defineModel({ pattern: 'ui:$list', local: true })).toThrow(
    expect.objectContaining({ code: 'OPTIONS_INVALID' }),
  )
  const fits: StandardSchema<{ a: string }> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        typeof (value as { a?: unknown }).a === 'string'
          ? { value: value as { a: string } }
          : { issues: [{ message: 'No text.', path: ['a'] }] },
    },
  }
  const checked = defineModel({
    pattern: 'ui:$list',
    local: true,
    schema: fits,
    initial: { a: 'x' },
    version: 2,
    migrate: { 2: (document) => document },
  })
  const model = open({ models: [checked] }).client.model<{ a: string }>(KEY)
  expect(model.read()).toEqual({ a: 'x' })
  expect(model.update([], { a: 1 as unknown as string })).toMatchObject({
    rejection: { code: 'SCHEMA_INVALID' },
  })
})

test('a local model runs named commands, too', async () => {
  const named = withCommands(board, {
    select: {
      run(draft, { id }: { id: string }) {
        draft.selected[id] ??= {}
        draft.filter = 'selected'
      },
    },
  })
  const { environment, model } = open({ models: [named] })
  await model.ready
  for (const followUps of [2, undefined]) {
    const receipt = model.run('select', { id: 'a' })
    expect(receipt.ok).toBe(true)
    await environment.advance(0)
    expect(receipt.outcome?.kind).toBe('applied')
    const { outcome } = receipt
    expect(outcome?.kind === 'applied' ? outcome.followUps?.length : 0).toBe(followUps)
    expect(model.read()).toEqual({ filter: 'selected', selected: { a: {} } })
  }
})
