import { createClient, directTransport } from '@flushout/client'
import {
  createTestEnvironment,
  createTestNetwork,
  haveAllParts,
  type TestNetwork,
} from '@flushout/client/testing'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import * as code from '../src/tabs/tab.ts'
import { tabPart } from '../src/tabs/tab-part.ts'
import { tabTransport } from '../src/tabs/tab-transport.ts'
import { KEY, serveLive } from './support/play.ts'
import { TestBrowser } from './support/test-browser.ts'

afterEach(() => {
  vi.restoreAllMocks()
  haveAllParts()
})

/** A browser whose tabs fetch the code by which they work together. */
function openBrowser() {
  const environment = createTestEnvironment()
  const server = serveLive()
  const browser = new TestBrowser()
  tabPart.code = undefined
  const arrivals: ((isThere: boolean) => void)[] = []
  let isHere: boolean | undefined
  vi.spyOn(tabPart, 'fetch').mockImplementation(
    () =>
      new Promise((resolve, reject) => {
        const arrive = (isThere: boolean) =>
          isThere ? resolve(code) : reject(new TypeError('offline'))
        if (isHere === undefined) arrivals.push(arrive)
        else arrive(isHere)
      }),
  )
  const open = async () => {
    const network: TestNetwork = createTestNetwork(directTransport(server))
    const transport = tabTransport(network, { name: 'app', tabs: browser.open(), environment })
    const client = createClient({ transport, environment })
    onTestFinished(() => {
      client.close()
      transport.close()
    })
    const model = client.model<{ readonly todos: object }>(KEY)
    onTestFinished(model.subscribe(() => {}))
    await environment.settle()
    return { network, client, model }
  }
  return {
    environment,
    server,
    open,
    /** Who asks for the code from now on has to wait. */
    slow: () => void (isHere = undefined),
    /** Answer all who asked for the code. */
    async answer(isThere: boolean) {
      isHere = isThere
      for (const arrive of arrivals.splice(0)) arrive(isThere)
      await environment.advance(100)
    },
  }
}

test('a tab loads and sends by itself until the code is here, and hears of others with it', async () => {
  const browser = openBrowser()
  const [ada, bob] = [await browser.open(), await browser.open()]
  expect([ada.model.isLoaded, bob.model.isLoaded]).toEqual([true, true])
  bob.model.create(['todos'], { text: 'Milk' })
  await browser.environment.advance(1_000)
  expect(bob.network.flushes).toHaveLength(1)
  expect([...ada.network.streams, ...bob.network.streams]).toEqual([])
  await browser.answer(true)
  await browser.environment.advance(1_000)
  expect([...ada.network.streams, ...bob.network.streams]).toHaveLength(1)
  expect([ada.model.status.state, bob.model.status.state]).toEqual(['live', 'live'])
  expect(ada.model.read()).toEqual(bob.model.read())
  // By the one that speaks for both now.
  ada.model.create(['todos'], { text: 'Bread' })
  bob.model.create(['todos'], { text: 'Salt' })
  await browser.environment.advance(1_000)
  expect(bob.network.flushes).toHaveLength(1)
  expect(bob.model.status).toMatchObject({ queued: 0, confirmed: 3 })
})

test('a tab that cannot have the code does all by itself, and asks again with the next stream', async () => {
  const browser = openBrowser()
  const ada = await browser.open()
  await browser.answer(false)
  expect(ada.model.status.state).toBe('live')
  expect(ada.network.streams).toHaveLength(1)
  await browser.answer(true)
  ada.network.cut()
  await browser.environment.advance(15_000)
  expect(ada.model.status.state).toBe('live')
  const bob = await browser.open()
  await browser.environment.advance(1_000)
  expect([...ada.network.streams, ...bob.network.streams]).toHaveLength(1)
})

test('a login is told to the others whether the code is here or not', async () => {
  const browser = openBrowser()
  browser.server.refuse(KEY, 'UNAUTHENTICATED')
  const ada = await browser.open()
  expect(ada.model.status.state).toBe('needs-auth')
  await browser.answer(true)
  browser.server.refuse(KEY)
  // A page that is new gets through, and tells the one that waits for it.
  browser.slow()
  const bob = await browser.open()
  expect(bob.model.isLoaded).toBe(true)
  await browser.environment.advance(1_000)
  expect(ada.model.status.state).toBe('live')
})

test('a tab that was closed meanwhile joins no others', async () => {
  const browser = openBrowser()
  const ada = await browser.open()
  ada.client.close()
  await browser.answer(true)
  expect(browser.environment.timers).toBe(0)
})
