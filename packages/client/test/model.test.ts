import { describe, expect, onTestFinished, test } from 'vitest'
import type { ModelStatus } from '@flushout/client'
import { enter, join, serveTodos, textsOn, KEY } from './support/play.ts'

describe('connecting', () => {
  test('begins when `ready` is asked for, and gives document and status', async () => {
    const ada = join(serveTodos())
    await ada.environment.advance(1_000)
    await ada.environment.wake()
    ada.client.resume()
    await ada.client.flush()
    expect(ada.network.sent).toEqual([])
    expect(ada.model.status).toMatchObject({ state: 'connecting', lastSyncedAt: undefined })
    await ada.model.ready
    expect(ada.network.sent).toHaveLength(1)
    expect(ada.model.isLoaded).toBe(true)
    expect(ada.model.read()).toEqual({ todos: {} })
    expect(ada.model.status).toMatchObject({
      state: 'polling',
      commandCount: 0,
      lastSyncedAt: ada.environment.now(),
    })
  })

  test('has one `ready` for all who ask, before and after', async () => {
    const ada = join(serveTodos())
    const { ready } = ada.model
    expect(ada.model.ready).toBe(ready)
    await ready
    expect(ada.model.ready).toBe(ready)
    expect(ada.network.sent).toHaveLength(1)
  })

  test('until it is done, reading gives nothing and commands throw', () => {
    const { model } = join(serveTodos())
    expect(model.read()).toBe(undefined)
    expect(model.read(['todos', 'a'])).toBe(undefined)
    expect(model.keys(['todos'])).toEqual([])
    expect(model.size()).toBe(0)
    expect(model.rejections).toEqual([])
    expect(() => model.create(['todos'], { text: 'Milk' })).toThrow(
      expect.objectContaining({ code: 'MODEL_LOADING' }),
    )
    expect(() => model.batch(() => {})).toThrow(expect.objectContaining({ code: 'MODEL_LOADING' }))
  })

  test('goes on through every failure that may pass', async () => {
    const ada = join(serveTodos(), { random: () => 1 })
    ada.network.dropRequests(1)
    ada.network.refuse('BUSY', { times: 1, retryAfterMs: 2_000 })
    ada.network.dropAnswers(1)
    ada.network.garble('<html>', 1)
    ada.network.garble({ commandCount: 1, hash: 'x', document: [] }, 1)
    void ada.model.ready
    await ada.environment.settle()
    expect(ada.model.status).toMatchObject({ state: 'offline', error: { code: 'NETWORK' } })
    await ada.environment.advance(300)
    expect(ada.model.status).toMatchObject({ state: 'offline', error: { code: 'BUSY' } })
    await ada.environment.advance(2_600)
    await ada.environment.advance(1_200)
    expect(ada.model.status).toMatchObject({ state: 'offline', error: { code: 'ANSWER_INVALID' } })
    await ada.environment.advance(2_400 + 4_800)
    expect(ada.model.status).toMatchObject({ state: 'polling', error: undefined })
    await ada.model.ready
    expect(ada.network.sent).toHaveLength(6)
  })

  test('is tried at once when the network returns', async () => {
    const ada = join(serveTodos(), { random: () => 1 })
    ada.network.dropRequests(10)
    void ada.model.ready
    await ada.environment.advance(100_000)
    ada.network.heal()
    await ada.environment.wake()
    expect(ada.model.isLoaded).toBe(true)
  })

  test('is given up for the moment where no answer comes', async () => {
    const ada = join(serveTodos(), { random: () => 1 })
    ada.network.hold()
    void ada.model.ready
    await ada.environment.advance(15_000)
    expect(ada.network.open).toBe(0)
    expect(ada.model.status.state).toBe('offline')
    await ada.environment.advance(300)
    expect(ada.network.open).toBe(1)
  })

  test('waits for a login, then goes on', async () => {
    const ada = join(serveTodos())
    ada.network.refuse('UNAUTHENTICATED')
    void ada.model.ready
    await ada.environment.advance(600_000)
    expect(ada.model.status.state).toBe('needs-auth')
    expect(ada.network.sent).toHaveLength(1)
    ada.network.heal()
    ada.client.resume()
    await ada.model.ready
    expect(ada.model.status.state).toBe('polling')
  })

  test.each(['MODEL_NOT_FOUND', 'FORBIDDEN'] as const)('ends for good with %s', async (code) => {
    const ada = join(serveTodos())
    ada.network.refuse(code)
    const { ready } = ada.model
    await expect(ready).rejects.toMatchObject({ code })
    await ada.environment.wake()
    await ada.environment.advance(30_000)
    expect(ada.network.sent).toHaveLength(1)
    expect(ada.model.ready).toBe(ready)
    expect(ada.model.status).toMatchObject({ state: 'refused', error: { code } })
  })

  test('of a model that was refused has another chance after a login', async () => {
    const ada = join(serveTodos())
    ada.network.refuse('MODEL_NOT_FOUND')
    await expect(ada.model.ready).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    ada.network.heal()
    ada.client.resume()
    expect(ada.model.status).toMatchObject({ state: 'connecting', error: undefined })
    await ada.model.ready
    expect(ada.model.isLoaded).toBe(true)
  })

  test('after a refusal is known to those who ask later', async () => {
    const ada = join(serveTodos())
    ada.network.refuse('FORBIDDEN', { times: 1 })
    await expect(ada.model.ready).rejects.toMatchObject({ code: 'FORBIDDEN' })
    ada.client.resume()
    await ada.environment.settle()
    await ada.model.ready
    expect(ada.model.isLoaded).toBe(true)
  })

  test('that was refused stays so while the client pauses', async () => {
    const ada = join(serveTodos())
    ada.network.refuse('FORBIDDEN', { times: 1 })
    await expect(ada.model.ready).rejects.toMatchObject({ code: 'FORBIDDEN' })
    ada.client.pause()
    expect(ada.model.status.state).toBe('refused')
    ada.client.resume()
    await ada.model.ready
    expect(ada.model.status.state).toBe('polling')
  })

  test('that fails with nobody listening brings no process down', async () => {
    const unhandled: unknown[] = []
    const onUnhandled = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', onUnhandled)
    onTestFinished(() => void process.off('unhandledRejection', onUnhandled))
    const ada = join(serveTodos())
    ada.network.refuse('FORBIDDEN')
    void ada.model.ready
    ada.model.subscribe(() => {})
    const bob = join(serveTodos(), { name: 'bob' })
    void bob.model.ready
    bob.client.close()
    await ada.environment.settle()
    await ada.environment.settle()
    expect(unhandled).toEqual([])
  })
})

describe('subscribe', () => {
  test('before the load tells of the load, of every change after it, and loads', async () => {
    const ada = join(serveTodos())
    const seen: unknown[] = []
    ada.model.subscribe(() => seen.push(ada.model.read(['todos'])))
    await ada.environment.settle()
    expect(seen).toEqual([{}])
    const { id } = ada.model.create(['todos'], { text: 'Milk' })
    expect(seen.slice(1)).toEqual([{ [id]: { text: 'Milk' } }])
  })

  test('before the load may be taken back', async () => {
    const ada = join(serveTodos())
    let calls = 0
    const leave = ada.model.subscribe(() => (calls += 1))
    leave()
    leave()
    await ada.model.ready
    ada.type('Milk')
    expect(calls).toBe(0)
  })

  test('to a path tells only of what concerns it', async () => {
    const ada = await enter(serveTodos())
    const { id } = ada.model.create(['todos'], { text: 'Milk' })
    let calls = 0
    const leave = ada.model.subscribe(() => (calls += 1), ['todos', id])
    ada.type('Bread')
    expect(calls).toBe(0)
    ada.model.update(['todos', id], { done: true })
    expect(calls).toBe(1)
    leave()
    ada.model.update(['todos', id], { done: false })
    expect(calls).toBe(1)
  })

  test('keeps the model current', async () => {
    const server = serveTodos()
    const [ada, bob] = [join(server), await enter(server, { name: 'bob' })]
    const leave = ada.model.subscribe(() => {})
    await ada.environment.settle()
    bob.type('Milk')
    await bob.model.flush()
    await ada.environment.advance(5_500)
    expect(ada.texts()).toEqual(['Milk'])
    leave()
    const asked = ada.network.flushes.length
    await ada.environment.advance(30_000)
    expect(ada.network.flushes).toHaveLength(asked)
  })

  test('with a listener that throws harms neither other listeners nor the exchange', async () => {
    const faults: unknown[] = []
    const onFault = (error: unknown) => faults.push(error)
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', onFault)
    onTestFinished(() => {
      process.off('uncaughtException', onFault)
      for (const other of others) process.on('uncaughtException', other)
    })
    const server = serveTodos()
    const ada = await enter(server)
    const fault = new Error('A fault of the application.')
    let calls = 0
    const fail = () => {
      throw fault
    }
    ada.model.subscribe(fail)
    ada.model.subscribeStatus(fail)
    ada.model.subscribe(() => (calls += 1))
    ada.model.subscribeStatus(() => (calls += 1))
    ada.type('Milk')
    expect(calls).toBe(2)
    await ada.environment.advance(50)
    expect(textsOn(server)).toEqual(['Milk'])
    expect(ada.model.status).toMatchObject({ state: 'polling', inFlight: 0, confirmed: 1 })
    expect(faults.length).toBeGreaterThan(1)
    expect(new Set(faults)).toEqual(new Set([fault]))
  })
})

describe('status', () => {
  test('is the same object until one of its fields changes', async () => {
    const ada = await enter(serveTodos())
    const { status } = ada.model
    expect(ada.model.status).toBe(status)
    expect(Object.isFrozen(status)).toBe(true)
    let calls = 0
    ada.model.subscribeStatus(() => (calls += 1))
    ada.model.read(['todos'])
    ada.model.update(['todos', 'gone'], { text: 'Refused on the spot' })
    await ada.environment.settle()
    expect(ada.model.status).toBe(status)
    expect(calls).toBe(0)
    ada.type('Milk')
    expect(ada.model.status).not.toBe(status)
    expect(calls).toBe(1)
  })

  test('is up to date for those who hear of a change of the document', async () => {
    const ada = await enter(serveTodos())
    const seen: number[] = []
    let told = 0
    ada.model.subscribe(() => seen.push(ada.model.status.queued))
    ada.model.subscribeStatus(() => (told += 1))
    ada.type('Milk')
    ada.type('Bread')
    expect(seen).toEqual([1, 2])
    expect(told).toBe(2)
  })

  test('is no other because news were asked for, or the client was told what it knew', async () => {
    const ada = await enter(serveTodos(), { flush: { mode: 'manual' } })
    const { status } = ada.model
    let calls = 0
    ada.model.subscribeStatus(() => (calls += 1))
    await ada.model.flush()
    ada.client.resume()
    expect(ada.network.flushes).toHaveLength(1)
    expect(ada.model.status).toBe(status)
    expect(calls).toBe(0)
  })

  test('counts exactly through an outage', async () => {
    const server = serveTodos()
    const ada = await enter(server, { random: () => 1 })
    const lines: string[] = []
    const note = () => {
      const { state, queued, inFlight, confirmed, commandCount } = ada.model.status
      const line = `${state} ${queued} queued ${inFlight} in flight ${confirmed} of ${commandCount}`
      if (line !== lines.at(-1)) lines.push(line)
    }
    ada.model.subscribeStatus(note)
    note()
    ada.type('Milk')
    await ada.environment.advance(50)
    ada.network.dropRequests()
    ada.type('Bread')
    ada.type('Salt')
    await ada.environment.advance(50)
    ada.type('Eggs')
    await ada.environment.advance(300)
    ada.client.pause()
    ada.type('Tea')
    await ada.environment.advance(60_000)
    ada.network.heal()
    ada.network.dropAnswers(1)
    ada.client.resume()
    await ada.environment.advance(300)
    expect(lines).toEqual([
      'polling 0 queued 0 in flight 0 of 0',
      'polling 1 queued 0 in flight 0 of 1',
      'polling 0 queued 1 in flight 0 of 1',
      'polling 0 queued 0 in flight 1 of 1',
      'polling 1 queued 0 in flight 1 of 2',
      'polling 2 queued 0 in flight 1 of 3',
      'polling 0 queued 2 in flight 1 of 3',
      'offline 0 queued 2 in flight 1 of 3',
      'offline 1 queued 2 in flight 1 of 4',
      'offline 2 queued 2 in flight 1 of 5',
      'offline 2 queued 0 in flight 3 of 5',
      'polling 2 queued 0 in flight 3 of 5',
      'polling 0 queued 2 in flight 3 of 5',
      'polling 0 queued 0 in flight 5 of 5',
    ])
    expect(textsOn(server)).toEqual(['Milk', 'Bread', 'Salt', 'Eggs', 'Tea'])
  })

  test('tells when an exchange last succeeded, and why one did not', async () => {
    const ada = await enter(serveTodos(), { random: () => 1 })
    const loadedAt = ada.environment.now()
    await ada.environment.advance(1_000)
    ada.network.dropRequests(1)
    await ada.model.flush()
    expect(ada.model.status).toMatchObject({ lastSyncedAt: loadedAt, error: { code: 'NETWORK' } })
    await ada.environment.advance(300)
    const expected: Partial<ModelStatus> = { lastSyncedAt: loadedAt + 1_300, error: undefined }
    expect(ada.model.status).toMatchObject(expected)
  })

  test('counts what the master refused, until it is dismissed', async () => {
    const refuseAll = () => ({ reject: { code: 'REJECTED', message: 'No.' } })
    const ada = await enter(serveTodos({ interceptors: [refuseAll] }))
    ada.type('Milk')
    await ada.model.flush()
    expect(ada.texts()).toEqual([])
    expect(ada.model.status.rejected).toBe(1)
    const [lost] = ada.model.rejections
    expect(lost).toMatchObject({ kind: 'rejected', rejection: { message: 'No.' } })
    ada.model.dismiss(lost!)
    expect(ada.model.rejections).toEqual([])
    expect(ada.model.status.rejected).toBe(0)
  })
})

test('a batch notifies once and goes out in one flush', async () => {
  const ada = await enter(serveTodos())
  let calls = 0
  ada.model.subscribe(() => (calls += 1))
  ada.model.batch(() => {
    ada.type('Milk')
    ada.type('Bread')
  })
  expect(calls).toBe(1)
  await ada.environment.advance(50)
  expect(ada.network.flushes.map(({ commands }) => commands.length)).toEqual([2])
})

test('a model is known by its key', () => {
  expect(join(serveTodos()).model.key).toBe(KEY)
})
