import { createClient, directTransport } from '@flushout/client'
import { createTestEnvironment } from '@flushout/client/testing'
import { FlushoutError } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { enter, join, KEY, serveTodos, textsOn } from './support/play.ts'

describe('a client whose user is missing', () => {
  test('keeps the edits, sends nothing, and goes on by itself after `resume`', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    ada.network.refuse('UNAUTHENTICATED')
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(ada.model.status.state).toBe('needs-auth')
    ada.type('Bread')
    ada.model.watch()
    await ada.environment.advance(600_000)
    expect(ada.network.flushes).toHaveLength(1)
    expect(ada.environment.timers).toBe(0)
    ada.network.heal()
    ada.client.resume()
    await ada.environment.settle()
    expect(textsOn(server)).toEqual(['Milk', 'Bread'])
    expect(ada.model.status).toMatchObject({
      state: 'polling',
      queued: 0,
      confirmed: 2,
      error: undefined,
    })
    await ada.environment.advance(6_000)
    expect(ada.network.flushes.at(-1)?.commands).toEqual([])
  })

  test('goes on after a login though an exchange from before it is refused later', async () => {
    const server = serveTodos()
    const environment = createTestEnvironment()
    let isLoggedIn = false
    let answer = () => {}
    const direct = directTransport(server)
    const client = createClient({
      environment,
      transport: {
        load: direct.load,
        async flush(...exchange) {
          if (isLoggedIn) return direct.flush(...exchange)
          await new Promise<void>((resolve) => {
            answer = resolve
          })
          throw new FlushoutError('UNAUTHENTICATED', 'Log in first.')
        },
      },
    })
    const model = client.model(KEY)
    await model.ready
    model.create(['todos'], { text: 'Milk' })
    await environment.advance(50)
    isLoggedIn = true
    client.resume()
    answer()
    await environment.settle()
    expect(textsOn(server)).toEqual(['Milk'])
    expect(model.status).toMatchObject({ state: 'polling', error: undefined })
    client.close()
  })

  test('goes on by itself after a `flush()` that worked', async () => {
    const ada = await enter(serveTodos())
    ada.network.refuse('UNAUTHENTICATED', { times: 1 })
    await ada.model.flush()
    expect(ada.model.status.state).toBe('needs-auth')
    await ada.model.flush()
    expect(ada.model.status.state).toBe('polling')
    await ada.environment.advance(6_000)
    expect(ada.network.flushes).toHaveLength(3)
  })

  test('sends later edits if the page was seen again in between', async () => {
    const server = serveTodos()
    const ada = join(server)
    void ada.model.ready
    await ada.environment.settle()
    ada.network.refuse('UNAUTHENTICATED', { times: 1 })
    await ada.model.flush()
    await ada.environment.wake()
    expect(ada.network.flushes).toHaveLength(1)
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(textsOn(server)).toEqual(['Milk'])
  })

  test('looks once whether that is over when the page is seen again', async () => {
    const ada = await enter(serveTodos())
    ada.network.refuse('UNAUTHENTICATED')
    ada.type('Milk')
    await ada.environment.advance(50)
    await ada.environment.wake()
    await ada.environment.advance(600_000)
    expect(ada.network.flushes).toHaveLength(2)
    expect(ada.model.status).toMatchObject({ state: 'needs-auth', inFlight: 1 })
  })
})

test('a client that is too old keeps its edits and sends nothing more', async () => {
  const ada = await enter(serveTodos())
  ada.network.refuse('PROTOCOL_UNSUPPORTED')
  ada.type('Milk')
  await ada.environment.advance(600_000)
  expect(ada.network.flushes).toHaveLength(1)
  expect(ada.model.status).toMatchObject({ state: 'needs-upgrade', inFlight: 1 })
  expect(ada.texts()).toEqual(['Milk'])
})

test('who may not write is told so, loses the edit visibly, and still gets news', async () => {
  const server = serveTodos()
  const ada = await enter(server)
  ada.network.refuse('FORBIDDEN', { times: 1 })
  ada.type('Milk')
  await ada.environment.advance(50)
  expect(ada.model.status).toMatchObject({ state: 'refused', rejected: 1, queued: 0, inFlight: 0 })
  expect(ada.model.rejections[0]?.rejection.code).toBe('FORBIDDEN')
  const bob = await enter(server, { name: 'bob' })
  bob.type('Bread')
  await bob.model.flush()
  await ada.environment.advance(6_000)
  expect(ada.texts()).toEqual(['Bread'])
  expect(ada.model.status.state).toBe('polling')
})

describe('the offline switch', () => {
  test('ends the exchange under way, and the same flush goes out again', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    const release = ada.network.hold()
    ada.type('Milk')
    await ada.environment.advance(50)
    ada.client.pause()
    await ada.environment.settle()
    expect(ada.network.open).toBe(0)
    expect(ada.model.status).toMatchObject({ state: 'offline', inFlight: 1, error: undefined })
    ada.type('Bread')
    await ada.environment.advance(600_000)
    await ada.environment.wake()
    await ada.client.flush()
    expect(ada.network.flushes).toHaveLength(1)
    expect(ada.environment.timers).toBe(0)
    expect(ada.texts()).toEqual(['Milk', 'Bread'])
    release()
    ada.client.resume()
    await ada.environment.settle()
    const [first, second, third] = ada.network.flushes
    expect(JSON.stringify(second)).toBe(JSON.stringify(first))
    expect(third?.commands).toHaveLength(1)
    expect(textsOn(server)).toEqual(['Milk', 'Bread'])
    expect(ada.model.status).toMatchObject({ state: 'polling', inFlight: 0, queued: 0 })
  })

  test('may be turned on and off in one go', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    const release = ada.network.hold()
    ada.type('Milk')
    await ada.environment.advance(50)
    ada.client.pause()
    ada.client.resume()
    release()
    await ada.environment.settle()
    expect(ada.model.status).toMatchObject({ state: 'polling', error: undefined, confirmed: 1 })
    expect(textsOn(server)).toEqual(['Milk'])
  })

  test('stays on though the answer came in the same moment', async () => {
    const ada = await enter(serveTodos())
    const release = ada.network.hold()
    ada.type('Milk')
    await ada.environment.advance(50)
    ada.model.subscribeStatus(() => {
      if (ada.model.status.confirmed === 1 && !ada.client.isPaused) ada.client.pause()
    })
    release()
    await ada.environment.advance(60_000)
    expect(ada.model.status).toMatchObject({ state: 'offline', confirmed: 1 })
    expect(ada.network.flushes).toHaveLength(1)
  })

  test('holds for models that are opened meanwhile, and for their load', async () => {
    const ada = join(serveTodos())
    ada.client.pause()
    void ada.model.ready
    await ada.environment.advance(600_000)
    expect(ada.network.sent).toEqual([])
    expect(ada.model.status.state).toBe('offline')
    ada.client.resume()
    expect(ada.model.status.state).toBe('connecting')
    await ada.model.ready
    expect(ada.model.status.state).toBe('polling')
  })
})
