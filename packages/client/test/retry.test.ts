import type { Flush } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { enter, join, serveTodos, textsOn, KEY, type Player } from './support/play.ts'

/** Pauses between the exchanges that follow while time passes. */
async function pauses({ environment, network }: Player, count: number): Promise<number[]> {
  const found: number[] = []
  while (found.length < count) {
    const pause = environment.nextTimerMs ?? Number.NaN
    const before = network.sent.length
    await environment.advance(pause)
    expect(network.sent.length).toBe(before + 1)
    found.push(pause)
  }
  return found
}

describe('after a failure', () => {
  test('pauses double from 0.3 s to 30 s, and begin anew after a success', async () => {
    const ada = await enter(serveTodos(), { random: () => 1 })
    ada.network.dropRequests()
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(await pauses(ada, 9)).toEqual([300, 600, 1200, 2400, 4800, 9600, 19200, 30000, 30000])
    ada.network.heal()
    await pauses(ada, 1)
    expect(ada.model.status).toMatchObject({ state: 'polling', queued: 0, inFlight: 0 })
    ada.network.dropRequests(1)
    ada.type('Bread')
    await ada.environment.advance(50)
    expect(await pauses(ada, 1)).toEqual([300])
  })

  test('a pause is anywhere between nothing and its longest', async () => {
    let share = 0.5
    const ada = await enter(serveTodos(), { random: () => share })
    ada.network.dropRequests()
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(ada.environment.nextTimerMs).toBe(150)
    share = 0.01
    await ada.environment.advance(150)
    expect(ada.environment.nextTimerMs).toBe(6)
  })

  test('the pause that the server asked for comes first', async () => {
    const ada = await enter(serveTodos(), { random: () => 1 })
    ada.network.refuse('BUSY', { times: 1, retryAfterMs: 7_000 })
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(await pauses(ada, 1)).toEqual([7_300])
  })

  test.each([
    [1e12, 300_300],
    [-1e12, 300],
  ])('a server that asks for a pause of %s ms is given %s', async (retryAfterMs, pause) => {
    const ada = await enter(serveTodos(), { random: () => 1 })
    ada.network.refuse('BUSY', { times: 1, retryAfterMs })
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(await pauses(ada, 1)).toEqual([pause])
  })

  test('all is confirmed in the end, without another edit', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    ada.network.dropRequests(2)
    ada.network.dropAnswers(2)
    ada.type('Milk')
    await ada.environment.advance(60)
    ada.type('Bread')
    await ada.environment.advance(60_000)
    expect(textsOn(server)).toEqual(['Milk', 'Bread'])
    expect(ada.model.status).toMatchObject({
      state: 'polling',
      queued: 0,
      inFlight: 0,
      confirmed: 2,
    })
  })

  test('an edit is no reason to try earlier', async () => {
    const ada = await enter(serveTodos(), { random: () => 1 })
    ada.network.dropRequests()
    ada.type('Milk')
    await ada.environment.advance(50)
    await ada.environment.advance(200)
    ada.type('Bread')
    await ada.environment.advance(99)
    expect(ada.network.flushes).toHaveLength(1)
    await ada.environment.advance(1)
    expect(ada.network.flushes).toHaveLength(2)
  })

  test('a return of the network is, and pauses begin anew', async () => {
    const server = serveTodos()
    const ada = await enter(server, { random: () => 1 })
    ada.network.dropRequests()
    ada.type('Milk')
    await ada.environment.advance(40_000)
    await ada.environment.wake()
    expect(await pauses(ada, 2)).toEqual([300, 600])
    ada.network.heal()
    await ada.environment.wake()
    expect(textsOn(server)).toEqual(['Milk'])
  })

  test('what nobody watches and nothing is queued in is left alone', async () => {
    const ada = join(serveTodos())
    await Promise.all([ada.model.ready, ada.environment.settle()])
    ada.network.dropRequests(1)
    await ada.model.flush()
    expect(ada.model.status.state).toBe('offline')
    await ada.environment.advance(59_000)
    expect(ada.network.flushes).toHaveLength(1)
    ada.type('Milk')
    await ada.environment.advance(50 + 300)
    expect(ada.model.status).toMatchObject({ state: 'polling', confirmed: 1 })
  })
})

describe('a lost message', () => {
  test('is sent again byte for byte, and takes effect once', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    ada.network.dropAnswers(1)
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(textsOn(server)).toEqual(['Milk'])
    ada.type('Bread')
    await ada.environment.advance(300)
    const [first, second] = ada.network.flushes
    expect(JSON.stringify(second)).toBe(JSON.stringify(first))
    expect(ada.network.sent.map(({ answer }) => answer)).toContainEqual(
      expect.objectContaining({ outcome: 'repeated' }),
    )
    expect(textsOn(server)).toEqual(['Milk', 'Bread'])
  })

  test('that arrives twice takes effect once', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    ada.network.repeatRequests()
    ada.type('Milk')
    await ada.environment.advance(50)
    ada.type('Bread')
    await ada.environment.advance(50)
    expect(textsOn(server)).toEqual(['Milk', 'Bread'])
    expect(ada.texts()).toEqual(['Milk', 'Bread'])
  })

  test('that never comes is given up after 15 s, even by a transport that cannot', async () => {
    const server = serveTodos()
    const ada = await enter(server, { random: () => 1 })
    const release = ada.network.hold()
    ada.type('Milk')
    await ada.environment.advance(50 + 14_999)
    expect(ada.model.status).toMatchObject({ state: 'polling', inFlight: 1 })
    await ada.environment.advance(1)
    expect(ada.model.status).toMatchObject({ state: 'offline', inFlight: 1 })
    expect(ada.model.status.error).toMatchObject({
      code: 'NETWORK',
      message: 'No answer came in time.',
    })
    release()
    await ada.environment.advance(300)
    expect(ada.texts()).toEqual(['Milk'])
    expect(textsOn(server)).toEqual(['Milk'])
  })
})

describe('an answer that cannot be used', () => {
  test.each([
    ['nothing', undefined],
    ['text', 'OK'],
    ['an empty object', {}],
    ['half an answer', { sequence: 1, outcome: 'applied', commandCount: 1 }],
    ['a count that does not fit', { commandCount: 7 }],
    ['news that do not fit', { sync: { kind: 'updates', updates: [{ from: 99 }] } }],
  ])('as %s leads to the same flush again, for a snapshot', async (_title, garbage) => {
    const server = serveTodos()
    const ada = await enter(server)
    await ada.model.flush()
    const [{ clientId }] = ada.network.flushes as [Flush]
    const whole = {
      clientId,
      sequence: 1,
      outcome: 'applied',
      commandCount: 1,
      hash: 'x',
      verdicts: [],
      remaps: [],
    }
    const isPart =
      typeof garbage === 'object' && !('outcome' in garbage) && Object.keys(garbage).length > 0
    const answer = isPart ? { ...whole, sync: { kind: 'none' }, ...garbage } : garbage
    ada.network.garble(answer, 1)
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(ada.model.status).toMatchObject({ state: 'offline', inFlight: 1 })
    expect(ada.model.status.error?.code).toBe('ANSWER_INVALID')
    await ada.environment.advance(300)
    const [, first, second] = ada.network.flushes
    expect(second).toEqual({ ...first, hash: '' })
    expect(ada.network.sent.at(-1)?.answer).toMatchObject({ sync: { kind: 'snapshot' } })
    expect(ada.texts()).toEqual(['Milk'])
    expect(textsOn(server)).toEqual(['Milk'])
  })

  test('because it is late is ignored, and the flush in flight goes again', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    ada.type('Milk')
    await ada.environment.advance(50)
    const { answer } = ada.network.sent.at(-1)!
    ada.network.garble(answer, 2)
    ada.type('Bread')
    await ada.environment.advance(50)
    expect(ada.model.status).toMatchObject({ state: 'offline', inFlight: 1 })
    await ada.environment.advance(2_000)
    expect(ada.model.status).toMatchObject({ state: 'polling', inFlight: 0, confirmed: 2 })
    expect(textsOn(server)).toEqual(['Milk', 'Bread'])
    expect(ada.network.flushes[2]).toEqual(ada.network.flushes[1])
  })
})

describe('a server whose history is another', () => {
  test('gets the edits that it does not have, once', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    ada.type('Milk')
    await ada.environment.advance(50)
    server.restore(KEY, { todos: { old: { text: 'From the backup' } } })
    ada.type('Bread')
    await ada.environment.advance(50)
    expect(textsOn(server)).toEqual(['From the backup', 'Bread'])
    expect(ada.texts()).toEqual(['From the backup', 'Bread'])
    // The same flush, so that a copy of it that is still on its way does no harm.
    const [, refused, accepted] = ada.network.flushes
    expect(accepted).toEqual({ ...refused, hash: '' })
    expect(ada.model.status).toMatchObject({
      state: 'polling',
      queued: 0,
      inFlight: 0,
      error: undefined,
    })
  })

  test('is followed at once by a client that has nothing to send', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    ada.type('Milk')
    await ada.environment.advance(50)
    server.restore(KEY, { todos: { old: { text: 'From the backup' } } })
    await ada.environment.wake()
    expect(ada.texts()).toEqual(['From the backup'])
  })

  test('and who says so time and again is not flooded', async () => {
    const ada = await enter(serveTodos(), { random: () => 1 })
    ada.network.refuse('HISTORY_CHANGED')
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(ada.network.flushes).toHaveLength(2)
    await ada.environment.advance(60_000)
    expect(ada.network.flushes.length).toBeLessThan(12)
    ada.network.heal()
    await ada.environment.advance(30_000)
    expect(ada.model.status).toMatchObject({ state: 'polling', queued: 0, confirmed: 1 })
  })
})
