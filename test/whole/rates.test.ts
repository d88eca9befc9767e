// A client that edits faster than its server allows, over real sockets: it is told to come
// again, and does so by itself.
import { createClient, type Client } from '@flushout/client'
import { flushout, memoryStore, type Metrics, type Rates } from '@flushout/server'
import { prometheus } from '@flushout/server/prometheus'
import Fastify from 'fastify'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test, vi } from 'vitest'

const KEY = 'todos:groceries'
const PATIENCE = { timeout: 20_000, interval: 5 }
const TIMING = { quietMs: 0, maxDelayMs: 2, retryBaseMs: 5, retryMaxMs: 50, pollMs: 20 }

interface TodoList {
  readonly todos: { readonly [id: string]: { readonly text: string } }
}

/** A server that counts who runs into `rates`. */
async function serve(rates: Rates) {
  const registry = new Registry()
  const metrics: Metrics = prometheus({ registry })
  const app = Fastify({ forceCloseConnections: true })
  onTestFinished(() => app.close())
  await app.register(flushout, {
    store: memoryStore(),
    user: ({ headers }) => (headers['x-user'] === 'ada' ? { id: 'ada' } : undefined),
    authorize: (user) => user !== undefined,
    models: [{ pattern: 'todos:*', initial: { todos: {} } }],
    rates,
    metrics,
  })
  const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/flushout`
  const limited = async (limit: string) => {
    const text = await registry.metrics()
    return Number(new RegExp(`flushout_limits_total\\{limit="${limit}"\\} (\\d+)`).exec(text)?.[1])
  }
  return { app, url, limited }
}

function open(url: string): Client {
  const headers = () => ({ 'x-user': 'ada' })
  const client = createClient({ url, headers, user: { id: 'ada' }, flush: TIMING })
  onTestFinished(() => client.close())
  return client
}

const until = (condition: () => void | Promise<void>) => vi.waitFor(condition, PATIENCE)

test('edits that come too fast for the server all arrive, once and in order', async () => {
  const { app, url, limited } = await serve({ user: { requests: 6, windowMs: 400 } })
  const model = open(url).model<TodoList>(KEY)
  onTestFinished(model.subscribe(() => {}))
  await model.ready
  const texts = Array.from({ length: 12 }, (_, index) => `todo ${index}`)
  for (const text of texts) {
    const { verdict } = model.create(['todos'], { text })
    // One flush each.
    expect((await verdict).kind).toBe('applied')
  }
  expect(await limited('user-requests')).toBeGreaterThan(0)
  const { document, commandCount } = await app.flushout.snapshot(KEY, { id: 'ada' })
  expect(Object.values((document as unknown as TodoList).todos).map(({ text }) => text)).toEqual(
    texts,
  )
  expect(commandCount).toBe(texts.length)
  expect(model.status).toMatchObject({ rejected: 0, queued: 0, inFlight: 0 })
})

test('a live connection that is refused is opened when the server said', async () => {
  const { app, url, limited } = await serve({ user: { streams: 1, windowMs: 600 } })
  const first = open(url).model<TodoList>(KEY)
  onTestFinished(first.subscribe(() => {}))
  await until(() => expect(first.status.state).toBe('live'))
  const second = open(url).model<TodoList>(KEY)
  onTestFinished(second.subscribe(() => {}))
  await until(async () => expect(await limited('user-streams')).toBeGreaterThan(0))
  await until(() => expect(second.status.state).toBe('live'))
  expect(app.flushout.usage.streams).toBe(2)
  expect(first.status.state).toBe('live')
})
