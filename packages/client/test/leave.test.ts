import { createClient, defaultEnvironment, memoryStorage, onDevice } from '@flushout/client'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { DeviceWorld, KEY } from './support/device-world.ts'

const LONG_MS = 60_000

async function start(options?: Parameters<DeviceWorld['open']>[0]) {
  const world = new DeviceWorld({ a: { text: 'Milk' } })
  const page = world.open(options)
  await page.environment.advance(LONG_MS)
  return { world, ...page }
}

describe('who leaves the page is warned', () => {
  test('while an edit is being written to the disk, and not before or after', async () => {
    const { world, model, environment, network } = await start()
    network.dropRequests()
    expect(environment.isWarning).toBe(false)
    world.disk.hold()
    model.update(['todos', 'a'], { done: true })
    await environment.settle()
    expect(environment.isWarning).toBe(true)
    world.disk.release()
    await environment.settle()
    expect(model.status).toMatchObject({ inFlight: 0, queued: 1, durable: true })
    expect(environment.isWarning).toBe(false)
    await environment.advance(LONG_MS)
    expect(environment.isWarning).toBe(false)
  })

  test('while the disk refuses edits that the server does not have', async () => {
    const { world, model, environment, network } = await start()
    network.dropRequests()
    world.disk.refuse()
    model.update(['todos', 'a'], { done: true })
    await environment.advance(1_000)
    expect(environment.isWarning).toBe(true)
    network.heal()
    await environment.advance(LONG_MS)
    expect(world.todos['a']).toEqual({ text: 'Milk', done: true })
    expect(environment.isWarning).toBe(false)
    network.dropRequests()
    model.update(['todos', 'a'], { done: false })
    await environment.advance(1_000)
    expect(environment.isWarning).toBe(true)
    world.disk.accept()
    await environment.advance(2 * LONG_MS)
    expect(environment.isWarning).toBe(false)
  })

  test('where nothing is kept, until all models are confirmed or the client is closed', async () => {
    for (const storage of [undefined, onDevice({ storage: memoryStorage() })]) {
      const { world, client, model, environment, network } = await start({ storage: storage! })
      const other = client.model('other')
      world.server.restore('other', {})
      other.subscribe(() => {})
      await environment.advance(LONG_MS)
      expect(environment.isWarning).toBe(false)
      model.update(['todos', 'a'], { done: true })
      await environment.settle()
      expect(environment.isWarning).toBe(true)
      other.update([], { n: 1 })
      world.server.refuse('other', 'BUSY')
      await environment.advance(LONG_MS)
      expect([model.status.inFlight, other.status.inFlight]).toEqual([0, 1])
      expect(environment.isWarning).toBe(true)
      world.server.refuse('other')
      await environment.advance(LONG_MS)
      expect(environment.isWarning).toBe(false)
      network.dropRequests()
      model.update(['todos', 'a'], { done: false })
      await environment.settle()
      expect(environment.isWarning).toBe(true)
      client.close()
      expect(environment.isWarning).toBe(false)
    }
  })

  test('not for what was refused or lost', async () => {
    const { model, environment, network } = await start({ storage: undefined! })
    network.dropRequests()
    model.update(['todos', 'gone'], { done: true })
    await environment.settle()
    expect(environment.isWarning).toBe(false)
  })
})

test('in a browser nothing is registered as long as there is nothing to lose', () => {
  const listeners = new Map<string, (event: object) => void>()
  vi.stubGlobal('window', {
    addEventListener: (name: string, listener: () => void) => listeners.set(name, listener),
    removeEventListener: (name: string, listener: () => void) =>
      listeners.get(name) === listener && listeners.delete(name),
  })
  onTestFinished(() => void vi.unstubAllGlobals())
  const stop = defaultEnvironment.warnOnLeave()
  let isPrevented = false
  const event = {
    returnValue: undefined,
    preventDefault() {
      isPrevented = true
    },
  }
  listeners.get('beforeunload')!(event)
  expect([isPrevented, event.returnValue]).toEqual([true, true])
  stop()
  expect(listeners.size).toBe(0)
})

describe('a client tells whether the device keeps anything', () => {
  test('before the first edit, and when that changes', async () => {
    const { world, client, model, environment } = await start()
    expect(client.isDurable).toBe(true)
    const told: boolean[] = []
    const stop = client.subscribeDurable(() => told.push(client.isDurable))
    world.disk.refuse()
    model.update(['todos', 'a'], { done: true })
    await environment.settle()
    expect(told).toEqual([false])
    world.disk.accept()
    await environment.advance(2 * LONG_MS)
    expect(told).toEqual([false, true])
    stop()
    world.disk.refuse()
    model.update(['todos', 'a'], { done: false })
    await environment.settle()
    expect(client.isDurable).toBe(false)
    expect(told).toHaveLength(2)
  })

  test('never without storage, or with one in memory', async () => {
    const { client } = await start({ storage: undefined! })
    expect(client.isDurable).toBe(false)
    client.subscribeDurable(() => {})()
    const other = createClient({ url: '/', storage: onDevice({ storage: memoryStorage() }) })
    expect(other.isDurable).toBe(false)
    expect(other.model(KEY).status.durable).toBe(false)
    other.close()
  })
})
