import type { ClientEvent } from '@flushout/client'
import { expect, test } from 'vitest'
import { add, enter, join, KEY, listen, serveLive, serveTodos } from './support/play.ts'

const kinds = (events: readonly ClientEvent[]) => events.map(({ kind }) => kind)

test('an inspector hears of the load, of flushes and of their answers, with times', async () => {
  const ada = join(serveTodos())
  const events: ClientEvent[] = []
  ada.client.inspect((event) => events.push(event))
  await ada.model.ready
  ada.type('Milk')
  const answer = ada.network.hold()
  const begun = ada.environment.now()
  void ada.model.flush()
  await ada.environment.advance(70)
  answer()
  await ada.environment.advance(10)
  expect(kinds(events)).toEqual(['sent', 'answered', 'sent', 'answered', 'settled'])
  const [, , sent, answered] = events
  const { sequence } = ada.network.flushes[0]!
  expect(sent).toMatchObject({ key: KEY, at: begun, flush: { sequence, commands: [{}] } })
  expect(answered).toMatchObject({ key: KEY, at: begun + 70, answer: { sequence } })
  expect(answered).toHaveProperty('exchange', (sent as { exchange: number }).exchange)
})

test('an inspector hears of failures by their code', async () => {
  const ada = join(serveTodos(), { flush: { mode: 'manual' } })
  const events: ClientEvent[] = []
  ada.client.inspect((event) => events.push(event))
  ada.network.dropRequests(1)
  void ada.model.ready
  await ada.environment.settle()
  expect(events).toEqual([
    expect.objectContaining({ kind: 'sent', flush: undefined }),
    expect.objectContaining({
      kind: 'failed',
      error: expect.objectContaining({ code: 'NETWORK' }) as unknown,
    }),
  ])
  ada.network.heal()
  await ada.environment.advance(30_000)
  ada.type('Milk')
  events.length = 0
  ada.network.refuse('BUSY', { times: 1 })
  await ada.model.flush()
  expect(kinds(events)).toEqual(['sent', 'failed'])
})

test('an inspector hears of news, and of what is pending that goes on top of them', async () => {
  const server = serveLive()
  const ada = await listen(server, { flush: { mode: 'manual' } })
  ada.client.flushMode = 'auto'
  await ada.environment.advance(100)
  const events: ClientEvent[] = []
  ada.client.inspect((event) => events.push(event))
  const answer = ada.network.hold()
  ada.type('Milk')
  await ada.environment.advance(100)
  await add(server, 'Bread')
  await ada.environment.advance(20)
  const noted = events.filter(({ kind }) => kind === 'heard' || kind === 'rebased')
  expect(noted).toEqual([
    expect.objectContaining({ kind: 'heard', key: KEY, commandCount: 1 }),
    expect.objectContaining({ kind: 'rebased', from: 0, to: 1, pending: 1, changed: [] }),
    expect.objectContaining({ kind: 'heard', commandCount: 2, updates: [expect.anything()] }),
    expect.objectContaining({ kind: 'rebased', from: 1, to: 2, changed: [expect.anything()] }),
  ])
  answer()
})

test('an inspector hears of models that come and go', async () => {
  const ada = join(serveTodos(), { keepAliveMs: 1_000 })
  const events: ClientEvent[] = []
  ada.client.inspect((event) => events.push(event))
  const other = ada.client.model('todos:other')
  expect(ada.client.models).toEqual([ada.model, other])
  await ada.environment.advance(2_000)
  expect(ada.client.models).toEqual([])
  expect(events.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
    'opened todos:other',
    `forgotten ${KEY}`,
    'forgotten todos:other',
  ])
})

test('who inspects no more hears nothing', async () => {
  const ada = await enter(serveTodos(), { flush: { mode: 'manual' } })
  const events: ClientEvent[] = []
  const leave = ada.client.inspect((event) => events.push(event))
  ada.client.inspect((event) => void events.push(event))()
  leave()
  ada.type('Milk')
  await ada.client.flush()
  expect(events).toEqual([])
  expect(ada.model.status).toMatchObject({ confirmed: 1 })
})

test('pending is what waits to be sent, and what is in which flush', async () => {
  const ada = await enter(serveTodos(), { flush: { mode: 'manual' } })
  expect(join(serveTodos()).model.pending).toEqual([])
  ada.type('Milk')
  const answer = ada.network.hold()
  const flushed = ada.model.flush()
  await ada.environment.settle()
  ada.type('Bread')
  const { clientId, sequence } = ada.network.flushes[0]!
  expect(ada.model.pending).toEqual([
    {
      clientId,
      commands: [
        expect.objectContaining({
          sequence,
          command: expect.objectContaining({ props: { text: 'Milk' } }) as unknown,
        }),
        { serial: 2, command: expect.objectContaining({ props: { text: 'Bread' } }) as unknown },
      ],
    },
  ])
  answer()
  await flushed
})
