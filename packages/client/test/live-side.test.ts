import {
  createClient,
  directTransport,
  type ClientOptions,
  type FollowedModelEvent,
} from '@flushout/client'
import { createTestEnvironment, createTestNetwork, type TestServer } from '@flushout/client/testing'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import * as code from '../src/live.ts'
import { livePart } from '../src/live-part.ts'
import { add, KEY, serveLive } from './support/play.ts'

interface Todos {
  readonly todos: Readonly<Record<string, { readonly text: string }>>
}

afterEach(() => vi.restoreAllMocks())

/** A page that watches a model, and whose code for live news is fetched when it wants some. */
async function open(server: TestServer, options?: Pick<ClientOptions, 'flush'>) {
  const environment = createTestEnvironment({ random: () => 0.5 })
  const network = createTestNetwork(directTransport(server))
  livePart.code = undefined
  const arrivals: ((isThere: boolean) => void)[] = []
  vi.spyOn(livePart, 'fetch').mockImplementation(
    () =>
      new Promise((resolve, reject) => {
        arrivals.push((isThere) => (isThere ? resolve(code) : reject(new TypeError('offline'))))
      }),
  )
  const client = createClient({ transport: network, environment, ...options })
  onTestFinished(() => client.close())
  const model = client.model<Todos>(KEY)
  model.watch()
  await model.ready
  return {
    environment,
    network,
    client,
    model,
    texts: () => Object.values(model.read()?.todos ?? {}).map(({ text }) => text),
    /** How often the code was asked for. */
    asked: () => arrivals.length,
    async answer(isThere: boolean) {
      arrivals.at(-1)!(isThere)
      await environment.settle()
    },
  }
}

test('a model is on its way to be live while the code is fetched, and live with it', async () => {
  const server = serveLive()
  const page = await open(server)
  expect(page.model.status.state).toBe('connecting')
  await add(server, 'Milk')
  await page.environment.advance(60_000)
  expect(page.network.streams).toEqual([])
  await page.answer(true)
  await page.environment.advance(20)
  expect(page.model.status.state).toBe('live')
  await page.environment.advance(100)
  expect(page.texts()).toEqual(['Milk'])
  expect(page.asked()).toBe(1)
})

test('a model asks by timer where the code cannot be had, and is live as soon as it can', async () => {
  const server = serveLive()
  const page = await open(server)
  await page.answer(false)
  expect(page.model.status.state).toBe('polling')
  await add(server, 'Milk')
  await page.environment.advance(5_000)
  expect(page.texts()).toEqual(['Milk'])
  // The network is there again.
  expect(page.asked()).toBe(2)
  await page.answer(true)
  await page.environment.advance(20)
  expect(page.model.status.state).toBe('live')
})

test('a wake asks for the code again', async () => {
  const page = await open(serveLive())
  await page.answer(false)
  await page.environment.wake()
  expect(page.asked()).toBe(2)
})

test('nothing is fetched while nothing may be asked', async () => {
  const page = await open(serveLive(), { flush: { mode: 'manual' } })
  expect(page.asked()).toBe(0)
  page.client.flushMode = 'auto'
  expect(page.asked()).toBe(1)
  page.client.pause()
  expect(page.model.status.state).toBe('offline')
  await page.answer(true)
  await page.environment.advance(1_000)
  expect(page.network.streams).toEqual([])
  page.client.resume()
  await page.environment.advance(20)
  expect(page.model.status.state).toBe('live')
})

test('a client that was closed meanwhile opens nothing', async () => {
  const page = await open(serveLive())
  page.client.close()
  await page.answer(true)
  await page.environment.advance(1_000)
  expect(page.network.streams).toEqual([])
  expect(page.environment.timers).toBe(0)
})

test('feeds and presence begin with the code', async () => {
  const server = serveLive()
  const page = await open(server)
  const events: FollowedModelEvent[] = []
  const left: FollowedModelEvent[] = []
  page.client.follow({ models: 'todos:*', path: ['todos'] }, (event) => events.push(event))
  page.client.follow({ models: 'todos:*', path: ['todos'] }, (event) => left.push(event))()
  page.model.presence.share({ name: 'Ada' })
  await page.answer(true)
  await page.environment.advance(20)
  const [stream] = page.network.streams
  expect(Object.values(stream!.request.presence!.models)).toEqual([{ name: 'Ada' }])
  expect(stream!.request.feeds).toEqual([{ models: 'todos:*', path: ['todos'] }])
  server.hub.tell({ event: 'model', key: 'todos:tools', change: 'create' })
  await page.environment.settle()
  expect(events).toEqual([{ kind: 'create', key: 'todos:tools' }])
  expect(left).toEqual([])
})
