// Tabs that share one connection hear what they would hear by one of their own.
import {
  createClient,
  directTransport,
  type Client,
  type FollowedModelEvent,
} from '@flushout/client'
import { haveAllParts } from '@flushout/client/testing'
import { createService, memoryStore, type FlushoutService } from '@flushout/server'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createTabEnvironment } from '../../packages/client/src/tabs/tab-environment.ts'
import { tabTransport } from '../../packages/client/src/tabs/tab-transport.ts'

haveAllParts()

const FEED = { models: 'todos:*', path: ['todos'] }
const TIMING = { quietMs: 0, maxDelayMs: 2, retryBaseMs: 5, retryMaxMs: 50 }

/** A server, a browser, and which models nobody may read. */
async function createWorld() {
  const closed = new Set<string>()
  const service = createService({
    store: memoryStore(),
    authorize: (_user, _action, key) => !closed.has(key),
    models: [{ pattern: 'todos:*', initial: { todos: {} } }],
  })
  onTestFinished(() => service.close())
  const tabs = createTabEnvironment(navigator.locks)
  const name = crypto.randomUUID()
  const open = () => {
    const transport = tabTransport(directTransport(service), { name, tabs })
    const client = createClient({ transport, flush: TIMING })
    onTestFinished(() => end({ client, transport }))
    return { client, transport }
  }
  return { closed, service, open }
}

function end({ client, transport }: { client: Client; transport: { close: () => void } }): void {
  client.close()
  transport.close()
}

/** Follow all lists, and note what happens. */
function follow({ client }: { client: Client }): string[] {
  const heard: string[] = []
  const stop = client.follow(FEED, (event: FollowedModelEvent) => {
    const id = 'id' in event ? ` ${event.id}` : ''
    heard.push(`${event.key} ${event.kind}${id}`)
  })
  onTestFinished(stop)
  return heard
}

async function write(service: FlushoutService, key: string, id: string): Promise<void> {
  const client = createClient({ transport: directTransport(service), flush: TIMING })
  const model = client.model(key)
  await model.ready
  await model.create(['todos'], { text: id }, { id }).verdict
  client.close()
}

test('tabs that follow many models each hear of everything once, whoever speaks for them', async () => {
  const { service, open } = await createWorld()
  await write(service, 'todos:a', 'before')
  const pages = [open(), open(), open()]
  const heard = pages.slice(0, 2).map(follow)
  await vi.waitFor(() => expect(service.usage.channels).toBe(1))
  await write(service, 'todos:a', 'milk')
  await write(service, 'todos:b', 'nail')
  const first = ['todos:a publish milk', 'todos:b create', 'todos:b publish nail']
  for (const list of heard) await vi.waitFor(() => expect(list).toEqual(first))
  // One more begins later, and hears of what comes from then on.
  heard.push(follow(pages[2]!))
  await vi.waitFor(() => expect(service.usage.streams).toBe(1))
  await vi.waitFor(async () => {
    await write(service, 'todos:a', `probe${crypto.randomUUID()}`)
    expect(heard[2]).not.toEqual([])
  })
  for (const list of heard) list.length = 0
  await write(service, 'todos:b', 'screw')
  for (const list of heard) await vi.waitFor(() => expect(list).toContain('todos:b publish screw'))
  for (const list of heard) list.length = 0
  end(pages[0]!)
  await write(service, 'todos:a', 'bread')
  await write(service, 'todos:c', 'pen')
  for (const list of heard.slice(1)) {
    // What was done in a model before it was found is not known one by one.
    const known = () => list.map((one) => one.replace('c reset', 'c publish pen')).toSorted()
    const all = ['todos:a publish bread', 'todos:c create', 'todos:c publish pen']
    await vi.waitFor(() => expect(known()).toEqual(all), 10_000)
  }
  await vi.waitFor(() => expect(service.usage.streams).toBe(1))
})

test('a tab that holds a model hears what it needs where another follows it, and not more', async () => {
  const { service, open } = await createWorld()
  const [holder, follower] = [open(), open()]
  const model = holder.client.model('todos:a')
  await model.ready
  onTestFinished(model.watch())
  const heard = follow(follower)
  await vi.waitFor(() => expect(service.usage.streams).toBe(1))
  await vi.waitFor(() => expect(model.status.state).toBe('live'))
  await write(service, 'todos:b', 'nail')
  await vi.waitFor(() => expect(heard).toContain('todos:b publish nail'))
  await write(service, 'todos:a', 'milk')
  await vi.waitFor(() => expect(heard).toContain('todos:a publish milk'))
  await vi.waitFor(() => expect(model.read()).toEqual({ todos: { milk: { text: 'milk' } } }))
  await vi.waitFor(() => expect(service.usage.streams).toBe(1))
})

test('a model that only one tab wants, and none may read, is refused to that one alone, and may come back', async () => {
  const { closed, service, open } = await createWorld()
  const [one, two] = [open(), open()]
  const models = [one, two].map(({ client }) => client.model('todos:a'))
  for (const model of models) {
    await model.ready
    onTestFinished(model.watch())
  }
  const other = two.client.model('todos:b')
  await other.ready
  onTestFinished(other.watch())
  await vi.waitFor(() => expect(other.status.state).toBe('live'))
  closed.add('todos:b')
  service.permissionsChanged()
  await vi.waitFor(() => expect(other.status.state).toBe('needs-auth'))
  expect(models.map(({ status }) => status.state)).toEqual(['live', 'live'])
  closed.clear()
  two.client.resume()
  await vi.waitFor(() => expect(other.status.state).toBe('live'))
  await write(service, 'todos:b', 'nail')
  await vi.waitFor(() => expect(other.read()).toEqual({ todos: { nail: { text: 'nail' } } }))
  await vi.waitFor(() => expect(service.usage.streams).toBe(1))
})
