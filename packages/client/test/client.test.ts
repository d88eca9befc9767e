import { createClient, directTransport } from '@flushout/client'
import { createTestEnvironment, createTestServer } from '@flushout/client/testing'
import { describe, expect, test } from 'vitest'
import { enter, join, serveTodos, textsOn, KEY } from './support/play.ts'

const code = (wanted: string): unknown => expect.objectContaining({ code: wanted })

describe('createClient', () => {
  test('needs to know where the server is', () => {
    // @ts-expect-error -- neither a url nor a transport
    expect(() => createClient({})).toThrow(code('OPTIONS_INVALID'))
  })

  test('sets no timer and sends nothing', async () => {
    const environment = createTestEnvironment()
    createClient({ transport: directTransport(serveTodos()), environment })
    await environment.settle()
    expect(environment.timers).toBe(0)
  })

  test('runs the interceptors of this side before anything shows', async () => {
    const ada = await enter(serveTodos(), {
      user: { id: 'ada' },
      interceptors: [
        (_document, _command, { user, side }) => ({
          reject: { code: 'REJECTED', message: `Not for ${user?.id} on the ${side}.` },
        }),
      ],
    })
    const receipt = ada.model.create(['todos'], { text: 'Milk' })
    expect(receipt.rejection?.message).toBe('Not for ada on the proxy.')
    expect(ada.model.status.queued).toBe(0)
  })
})

describe('model', () => {
  test('gives the same object for the same key', () => {
    const { client, model } = join(serveTodos())
    expect(client.model(KEY)).toBe(model)
    expect(client.model('todos:other')).not.toBe(model)
  })

  test.each(['', '.', '..', '\ud800'])('refuses the key %j, which no address can hold', (key) => {
    const { client } = join(serveTodos())
    expect(() => client.model(key)).toThrow(code('OPTIONS_INVALID'))
  })

  test('gives ids that two clients never share', async () => {
    const server = serveTodos()
    const [ada, bob] = [await enter(server), await enter(server, { name: 'bob' })]
    ada.type('Milk')
    bob.type('Bread')
    await Promise.all([ada.model.flush(), bob.model.flush()])
    await ada.model.flush()
    expect(ada.texts()).toHaveLength(2)
    expect(ada.network.flushes[0]?.clientId).not.toBe(bob.network.flushes[0]?.clientId)
  })
})

describe('a model that nobody needs', () => {
  test('is forgotten after a minute, and leaves no timer', async () => {
    const ada = await enter(serveTodos())
    const stop = ada.model.watch()
    stop()
    await ada.environment.advance(600_000)
    expect(ada.client.model(KEY)).toBe(ada.model)

    const bob = join(serveTodos(), { name: 'bob' })
    const leave = bob.model.watch()
    await bob.model.ready
    await bob.environment.advance(120_000)
    leave()
    await bob.environment.advance(59_000)
    expect(bob.client.model(KEY)).toBe(bob.model)
    await bob.environment.advance(59_999)
    expect(bob.environment.timers).toBe(1)
    await bob.environment.advance(1)
    expect(bob.environment.timers).toBe(0)
    expect(bob.client.model(KEY)).not.toBe(bob.model)
  })

  test('is forgotten after as long as the application says', async () => {
    const ada = join(serveTodos(), { keepAliveMs: 10 })
    await ada.environment.advance(10)
    expect(ada.client.model(KEY)).not.toBe(ada.model)
  })

  test('is kept as long as it holds edits that were not confirmed', async () => {
    const server = serveTodos()
    const ada = join(server, { flush: { mode: 'manual' } })
    await ada.model.ready
    ada.type('Milk')
    await ada.environment.advance(600_000)
    expect(ada.client.model(KEY)).toBe(ada.model)
    await ada.client.flush()
    expect(textsOn(server)).toEqual(['Milk'])
    await ada.environment.advance(60_000)
    expect(ada.client.model(KEY)).not.toBe(ada.model)
  })

  test('is kept as long as it holds rejections that nobody dismissed', async () => {
    const refuseAll = () => ({ reject: { code: 'REJECTED', message: 'No.' } })
    const ada = join(serveTodos({ interceptors: [refuseAll] }))
    await ada.model.ready
    ada.type('Milk')
    await ada.environment.advance(600_000)
    expect(ada.client.model(KEY)).toBe(ada.model)
    ada.model.dismiss(ada.model.rejections[0]!)
    await ada.environment.advance(60_000)
    expect(ada.client.model(KEY)).not.toBe(ada.model)
  })

  test('is kept while it loads, however long that takes', async () => {
    const ada = join(serveTodos())
    ada.network.dropRequests()
    const { ready } = ada.model
    await ada.environment.advance(600_000)
    ada.network.heal()
    await ada.environment.advance(30_000)
    await ready
    expect(ada.client.model(KEY)).toBe(ada.model)
  })

  test('sends the edits of who held on to it all the same', async () => {
    const server = serveTodos()
    const ada = join(server)
    await ada.model.ready
    await ada.environment.advance(60_000)
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(textsOn(server)).toEqual(['Milk'])
    expect(ada.client.model(KEY)).toBe(ada.model)
  })

  test('hears again what its client is told, beside another of its key', async () => {
    const server = serveTodos()
    const ada = join(server)
    await ada.model.ready
    await ada.environment.advance(60_000)
    const other = ada.client.model(KEY)
    expect(other).not.toBe(ada.model)
    ada.client.pause()
    ada.type('Milk')
    await ada.environment.advance(10_000)
    expect(textsOn(server)).toEqual([])
    expect(ada.model.status.state).toBe('offline')
    ada.client.resume()
    await ada.environment.settle()
    expect(textsOn(server)).toEqual(['Milk'])
    other.watch()
    await ada.environment.advance(60_000)
    expect(ada.client.model(KEY)).toBe(other)
  })

  test('flushes in the mode that its client was given meanwhile', async () => {
    const server = serveTodos()
    const ada = join(server)
    await ada.model.ready
    await ada.environment.advance(60_000)
    ada.client.flushMode = 'manual'
    ada.type('Milk')
    await ada.environment.advance(1_000)
    expect(textsOn(server)).toEqual([])
    await ada.client.flush()
    expect(textsOn(server)).toEqual(['Milk'])
  })
})

describe('close', () => {
  test('leaves no timer and ends what is under way', async () => {
    const ada = await enter(serveTodos())
    ada.network.hold()
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(ada.network.open).toBe(1)
    const loading = ada.client.model('todos:other').ready
    ada.client.close()
    await ada.environment.settle()
    expect(ada.network.open).toBe(0)
    expect(ada.environment.timers).toBe(0)
    await expect(loading).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    const sent = ada.network.sent.length
    await ada.environment.wake()
    ada.client.resume()
    ada.client.flushMode = 'manual'
    await ada.client.flush()
    await ada.model.flush()
    await ada.environment.advance(600_000)
    expect(ada.network.sent).toHaveLength(sent)
    expect(ada.environment.timers).toBe(0)
  })

  test('in the middle of a back-off leaves no timer either', async () => {
    const ada = await enter(serveTodos())
    ada.network.dropRequests()
    ada.type('Milk')
    await ada.environment.advance(1_000)
    ada.client.close()
    ada.client.close()
    await ada.environment.settle()
    expect(ada.environment.timers).toBe(0)
  })

  test('takes no more edits, for nobody would send them', async () => {
    const ada = await enter(serveTodos())
    ada.client.close()
    expect(() => ada.type('Milk')).toThrow(code('CLIENT_CLOSED'))
    expect(() => ada.client.model(KEY)).toThrow(code('CLIENT_CLOSED'))
    expect(ada.texts()).toEqual([])
  })

  test('takes none for a model that was forgotten before', async () => {
    const ada = join(serveTodos())
    await ada.model.ready
    await ada.environment.advance(60_000)
    ada.client.close()
    expect(() => ada.type('Milk')).toThrow(code('CLIENT_CLOSED'))
    ada.model.watch()
    await ada.environment.settle()
    expect(ada.environment.timers).toBe(0)
  })

  test('leaves no timer if the model is let go only afterwards', async () => {
    const ada = join(serveTodos())
    const leave = ada.model.subscribe(() => {})
    await ada.model.ready
    ada.client.close()
    leave()
    await ada.environment.settle()
    expect(ada.environment.timers).toBe(0)
  })

  test('ends the listening for a return of the network', () => {
    const environment = createTestEnvironment()
    let listeners = 0
    const onWake = () => {
      listeners += 1
      return () => void (listeners -= 1)
    }
    const transport = directTransport(serveTodos())
    const client = createClient({ transport, environment: { ...environment, onWake } })
    expect(listeners).toBe(1)
    client.close()
    expect(listeners).toBe(0)
  })

  test('of a client that was asked for nothing does no harm', async () => {
    const ada = join(serveTodos())
    expect(ada.environment.timers).toBe(1)
    ada.client.close()
    expect(ada.environment.timers).toBe(0)
    await expect(ada.model.ready).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    expect(ada.network.sent).toEqual([])
  })
})

test('`flush()` sends what is queued in all models', async () => {
  const documents = { [KEY]: { todos: {} }, 'todos:tools': { todos: {} } }
  const server = createTestServer(documents)
  const ada = await enter(server, { flush: { mode: 'manual' } })
  const tools = ada.client.model('todos:tools')
  await tools.ready
  ada.type('Milk')
  tools.create(['todos'], { text: 'Hammer' })
  await ada.client.flush()
  expect(textsOn(server)).toEqual(['Milk'])
  expect(Object.values(server.master('todos:tools').read(['todos']) as object)).toEqual([
    { text: 'Hammer' },
  ])
})

test('without a window, nothing wakes the client and no page is hidden', async () => {
  const { defaultEnvironment } = await import('@flushout/client')
  const { onWake, isHidden, warnOnLeave, random, now, fillRandom } = defaultEnvironment
  onWake(() => {})()
  warnOnLeave()()
  expect(isHidden()).toBe(false)
  expect(random()).toBeLessThan(1)
  expect(now()).toBeGreaterThan(1.7e12)
  const bytes = new Uint8Array(32)
  fillRandom(bytes)
  expect(bytes.some((byte) => byte > 0)).toBe(true)
})
