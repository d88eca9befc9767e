// A command with a name, from the browser to the database and back: one file says what it
// does, both sides run it.
import { createClient, httpTransport } from '@flushout/client'
import { createTestEnvironment } from '@flushout/client/testing'
import type { GivenCommand } from '@flushout/core'
import { withCommands } from '@flushout/core/commands'
import { defineModel } from '@flushout/core/define'
import { UndoStack } from '@flushout/core/undo'
import { allowAnyone, fastifyOptions, flushout, memoryStore } from '@flushout/server'
import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'

const KEY = 'board:one'

// Long enough for updates to be the shorter answer.
const notes = 'Water the plants. '.repeat(40)

interface Board {
  readonly notes: string
  readonly cards: { readonly [id: string]: { readonly column?: string; readonly at?: number } }
  readonly counts: { readonly [column: string]: number }
}

const plain = defineModel({
  pattern: 'board:$name',
  initial: (): Board => ({ notes, cards: { a: {}, b: {} }, counts: {} }),
})

const board = withCommands(plain, {
  move: {
    label: 'Move the card',
    run(draft, { id, to }: { id: string; to: string }) {
      const card = draft.cards[id]
      if (!card) return { reject: { code: 'NO_CARD', message: 'Somebody has taken it away.' } }
      card.column = to
      draft.counts[to] = Object.values(draft.cards).filter(({ column }) => column === to).length
    },
  },
})

async function start(models = [board as typeof plain]) {
  const server = Fastify(fastifyOptions)
  const user = ({ headers }: { headers: { 'x-user'?: string } }) => ({ id: headers['x-user']! })
  await server.register(flushout, {
    store: memoryStore(),
    authorize: allowAnyone,
    models,
    user: user as never,
  })
  onTestFinished(() => server.close())
  const url = `${await server.listen({ port: 0, host: '127.0.0.1' })}/flushout`
  const open = async (id: string, models = [board]) => {
    const client = createClient({
      transport: httpTransport({ url, headers: () => ({ 'x-user': id }) }),
      user: { id },
      models,
      flush: { mode: 'manual' },
      environment: createTestEnvironment({ seed: id }),
    })
    onTestFinished(() => client.close())
    const model = client.model<Board>(KEY)
    await model.ready
    return model
  }
  return { server, url, open }
}

test('a named command shows at once, counts on the server, and is told by history and undo', async () => {
  const { open } = await start()
  const [ada, bob] = [await open('ada'), await open('bob')]
  const undo = new UndoStack(ada)
  bob.run('move', { id: 'b', to: 'done' })
  const receipt = ada.run('move', { id: 'a', to: 'done' })
  expect(ada.read(['counts', 'done'])).toBe(1)
  await bob.flush()
  await ada.flush()
  expect(receipt.outcome?.kind).toBe('applied')
  expect(ada.read()).toEqual({
    notes,
    cards: { a: { column: 'done' }, b: { column: 'done' } },
    counts: { done: 2 },
  })
  const run = { name: 'move', args: { id: 'a', to: 'done' } }
  const { entries } = await ada.history()
  expect(entries[0]).toMatchObject({
    userId: 'ada',
    commands: [{ path: ['counts'] }, { path: ['cards', 'a'] }],
    notes: [{ index: 0, label: 'Move the card', count: 2, run: { ...run, count: 2 } }],
  })
  const ofCounts = await ada.history({ path: ['counts'] })
  expect(ofCounts.entries[0]!.notes).toEqual([
    { index: 0, label: 'Move the card', run: { ...run, count: 1 } },
  ])
  expect(undo.undo()).toMatchObject({ label: 'Move the card', skipped: [] })
  await ada.flush()
  expect(ada.read()).toMatchObject({ cards: { a: {} }, counts: { done: 1 } })
})

test('a name that the server does not know is told, and costs nothing else', async () => {
  const { open } = await start([plain])
  const ada = await open('ada')
  ada.run('move', { id: 'a', to: 'done' })
  ada.update(['cards', 'b'], { column: 'todo' })
  await ada.flush()
  expect(ada.rejections).toMatchObject([
    { command: { action: 'run', name: 'move' }, rejection: { code: 'COMMAND_UNKNOWN' } },
  ])
  expect(ada.read()).toEqual({ notes, cards: { a: {}, b: { column: 'todo' } }, counts: {} })
})

test('a form that is none is refused at the door', async () => {
  const { server } = await start()
  const flush = { protocol: 1, clientId: 'eve-1', sequence: 1, from: 0, hash: '' }
  const send = (command: object) =>
    server.inject({
      method: 'POST',
      url: `/flushout/models/${KEY}/flush`,
      payload: { ...flush, commands: [command] },
    })
  const refused = await send({ action: 'run', name: 1 })
  expect([refused.statusCode, refused.json().code]).toEqual([400, 'FLUSH_INVALID'])
  const applied = await send({ action: 'run', name: 'move', args: { id: 'a', to: 'x' } })
  expect(applied.json().verdicts).toMatchObject([{ kind: 'applied', followUps: [{}, {}] }])
})

test('a check sees a named command by its name, and may object to it', async () => {
  const check = (commands: readonly GivenCommand[]) =>
    commands.flatMap((command, index) =>
      command.action === 'run' && command.args?.['to'] === 'secret'
        ? [{ index, code: 'NOT_THERE', message: 'Not there.' }]
        : [],
    )
  const { open } = await start([{ ...board, check } as never])
  const ada = await open('ada')
  ada.run('move', { id: 'a', to: 'secret' })
  ada.run('move', { id: 'b', to: 'done' })
  await ada.flush()
  expect(ada.rejections.map(({ rejection }) => rejection.code)).toEqual(['NOT_THERE'])
  expect(ada.read(['counts'])).toEqual({ done: 1 })
})

test('a named command is part of a draft, of a preview, and can be given again', async () => {
  const { open } = await start()
  const [ada, bob] = [await open('ada'), await open('bob')]
  const draft = await ada.fork()
  draft.run('move', { id: 'a', to: 'done' })
  expect(draft.read(['counts'])).toEqual({ done: 1 })
  expect(ada.read(['counts'])).toEqual({})
  draft.publish()
  expect(ada.read(['counts'])).toEqual({ done: 1 })
  bob.delete(['cards', 'a'])
  await bob.flush()
  expect((await ada.preview()).commands).toMatchObject([
    { kind: 'rejected', command: { name: 'move' }, rejection: { code: 'NO_CARD' } },
  ])
  await ada.flush()
  const [lost] = ada.rejections
  expect(ada.retry(lost!).rejection?.code).toBe('NO_CARD')
  bob.create(['cards'], {}, { id: 'a' })
  await bob.flush()
  await ada.flush()
  expect(ada.rejections).toHaveLength(1)
  ada.update(['cards', 'b'], {})
  await ada.flush()
  expect(ada.retry(ada.rejections[0]!).ok).toBe(true)
  await ada.flush()
  expect(ada.rejections).toEqual([])
  expect(ada.read(['cards', 'a', 'column'])).toBe('done')
})
