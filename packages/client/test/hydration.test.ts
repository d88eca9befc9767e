// A page that a server has rendered: what is loaded there is there in the browser.
import {
  createClient,
  directTransport,
  onDevice,
  type ClientOptions,
  type ClientStorage,
} from '@flushout/client'
import { dehydrate, hydrate } from '@flushout/client/hydration'
import {
  createTestDisk,
  createTestEnvironment,
  createTestNetwork,
  createTestServer,
} from '@flushout/client/testing'
import type { JsonObject } from '@flushout/core'
import { defineModel } from '@flushout/core/define'
import { describe, expect, onTestFinished, test } from 'vitest'

/** The storage, read in another way. */
function withRead(storage: ClientStorage, read: ClientStorage['read']): ClientStorage {
  return {
    read,
    write: (changes) => storage.write(changes),
    get isDurable() {
      return storage.isDurable
    },
    get error() {
      return storage.error
    },
    subscribe: (listener) => storage.subscribe(listener),
    close: () => storage.close(),
  }
}

const KEY = 'todos:groceries'
const OTHER = 'todos:other'
const VILE = '</script><script>alert(1)</script><!--\u2028\u2029&amp;'

type Todos = { todos: { [id: string]: { text: string } } }

function createWorld(documents: Record<string, JsonObject> = {}) {
  const server = createTestServer({
    [KEY]: { todos: { a: { text: 'Milk' } } },
    [OTHER]: { todos: {} },
    ...documents,
  })
  let count = 0
  const open = (options: Partial<ClientOptions> & { isServer?: boolean } = {}) => {
    const { isServer = false, ...rest } = options
    count += 1
    const environment = Object.assign(
      createTestEnvironment({ seed: `${count}`, now: count * 1_000_000 }),
      { isServer },
    )
    const network = createTestNetwork(directTransport(server))
    const given = { ...rest, transport: network, environment } as ClientOptions
    const client = createClient(given)
    onTestFinished(() => client.close())
    return { client, environment, network }
  }
  /** What a server sends with a page that shows these models. */
  const render = async (keys: readonly string[] = [KEY]) => {
    const { client } = open({ isServer: true })
    await client.prefetch(keys)
    return dehydrate(client)
  }
  return { server, open, render }
}

const textsOf = (document: unknown) =>
  Object.values((document as Todos | undefined)?.todos ?? {}).map(({ text }) => text)

describe('on the server', () => {
  test('prefetched models are loaded at once, and nothing is left behind', async () => {
    const { open } = createWorld()
    const disk = createTestDisk()
    const { client, environment, network } = open({ isServer: true })
    const answer = network.hold()
    const loaded = client.prefetch([KEY, OTHER, KEY])
    await environment.settle()
    expect(network.open).toBe(2)
    answer()
    await loaded
    expect(textsOf(client.model(KEY).read())).toEqual(['Milk'])
    await client.model(KEY).ready
    await client.prefetch([KEY])
    dehydrate(client)
    expect(network.sent).toHaveLength(2)
    expect(network.lives).toEqual([])
    expect(environment.timers).toBe(0)
    expect(disk.rows).toEqual([])
  })

  test('what cannot be loaded is told at once and not tried again', async () => {
    const { open } = createWorld()
    const { client, environment, network } = open({ isServer: true })
    await expect(client.prefetch([KEY, 'todos:none'])).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    })
    network.dropRequests(1)
    await expect(client.prefetch([OTHER])).rejects.toMatchObject({ code: 'NETWORK' })
    expect(environment.timers).toBe(0)
    expect(client.model(OTHER).isLoaded).toBe(false)
    await client.prefetch([OTHER])
    expect(client.model(OTHER).isLoaded).toBe(true)
    network.garble({ document: [] }, 1)
    const another = open({ isServer: true })
    another.network.garble({ document: [] }, 1)
    await expect(another.client.prefetch([KEY])).rejects.toMatchObject({ code: 'ANSWER_INVALID' })
  })

  test('documents of another version than the page knows are refused, not shown', async () => {
    const { open } = createWorld()
    const models = [
      defineModel({
        pattern: 'todos:$list',
        initial: { todos: {} },
        version: 2,
        migrate: { 2: (document) => document },
      }),
    ]
    const { client, environment, network } = open({ models, isServer: true })
    await expect(client.prefetch([KEY])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(network.sent.map(({ flush }) => flush?.schema)).toEqual([undefined, 2])
    expect(environment.timers).toBe(0)
  })

  test('a server that never answers holds no page up for ever', async () => {
    const { open } = createWorld()
    const { client, environment, network } = open({ isServer: true })
    network.hold()
    const loading = client.prefetch([KEY])
    await Promise.all([
      expect(loading).rejects.toMatchObject({ code: 'NETWORK' }),
      environment.advance(15_000),
    ])
    expect(environment.timers).toBe(0)
  })

  test('a client knows only what it loaded itself, and gives only what it is asked for', async () => {
    const { open } = createWorld({ 'mine:ada': { todos: {} }, 'mine:bob': { todos: {} } })
    const [ada, bob] = [open({ isServer: true }), open({ isServer: true })]
    await Promise.all([
      ada.client.prefetch([KEY, 'mine:ada']),
      bob.client.prefetch([KEY, 'mine:bob']),
    ])
    const keysOf = (text: string) => Object.keys((JSON.parse(text) as { models: object }).models)
    expect(keysOf(dehydrate(ada.client))).toEqual([KEY, 'mine:ada'])
    expect(keysOf(dehydrate(bob.client))).toEqual([KEY, 'mine:bob'])
    expect(keysOf(dehydrate(bob.client, ['mine:bob', OTHER]))).toEqual(['mine:bob'])
  })

  test('without a browser `onDevice` keeps nothing that two users could share', async () => {
    const { open } = createWorld()
    const storage = onDevice()
    const client = open({ storage, isServer: true }).client
    await client.model<Todos>(KEY).ready
    client.model<Todos>(KEY).create(['todos'], { text: 'Secret' })
    await client.flush()
    expect(client.isDurable).toBe(false)
    const other = open({ storage, isServer: true }).client
    expect(other.model(KEY).status.queued).toBe(0)
    expect(storage.open({ user: '', environment: createTestEnvironment() })).toBeUndefined()
  })
})

describe('the text', () => {
  test('cannot end the script that it stands in, whatever is in the documents', async () => {
    const document = { todos: { [VILE]: { text: VILE } } }
    const { open, render } = createWorld({ [`todos:${VILE}`]: document })
    const text = await render([`todos:${VILE}`])
    expect(text).not.toMatch(/[<>&\u2028\u2029]/)
    const { client } = open()
    hydrate(client, text)
    expect(client.model(`todos:${VILE}`).read()).toEqual(document)
  })

  test('of another protocol is left alone, and what is none is refused', async () => {
    const { open, render } = createWorld()
    const { client } = open()
    const text = await render()
    hydrate(client, text.replace(/"protocol":\d+/, '"protocol":99'))
    expect(client.model(KEY).isLoaded).toBe(false)
    for (const bad of ['', '{', 'null', '[]', '{"protocol":1}', '<p>']) {
      expect(() => hydrate(client, bad)).toThrow(
        expect.objectContaining({ code: 'OPTIONS_INVALID' }),
      )
    }
  })
})

describe('in the browser', () => {
  test('a model is there at once as it was on the server, and nothing is asked', async () => {
    const { open } = createWorld()
    const server = open({ isServer: true })
    await server.client.prefetch([KEY])
    const { client, environment, network } = open()
    hydrate(client, dehydrate(server.client))
    const model = client.model<Todos>(KEY)
    expect(model.isLoaded).toBe(true)
    expect(textsOf(model.read())).toEqual(['Milk'])
    expect(model.status).toEqual(server.client.model(KEY).status)
    await model.ready
    await environment.settle()
    expect(network.sent).toEqual([])
    expect(network.lives).toEqual([])
  })

  test('it follows on from there, over the live connection, without a load', async () => {
    const { open, render } = createWorld()
    const text = await render()
    const bob = open().client.model<Todos>(KEY)
    await bob.ready
    bob.create(['todos'], { text: 'Bread' })
    await bob.flush()

    const { client, environment, network } = open()
    hydrate(client, text)
    const model = client.model<Todos>(KEY)
    expect(textsOf(model.read())).toEqual(['Milk'])
    onTestFinished(model.subscribe(() => {}))
    await environment.advance(100)
    expect(network.streams[0]?.request.models).toEqual({
      [KEY]: expect.objectContaining({ from: 0 }),
    })
    expect(textsOf(model.read())).toEqual(['Milk', 'Bread'])
    bob.create(['todos'], { text: 'Tea' })
    await bob.flush()
    await environment.settle()
    expect(textsOf(model.read())).toEqual(['Milk', 'Bread', 'Tea'])
    expect(model.status).toMatchObject({ state: 'live' })
    expect(network.sent).toEqual([])
  })

  test('its edits go out as those of any other', async () => {
    const { server, open, render } = createWorld()
    const { client, environment, network } = open()
    hydrate(client, await render())
    const receipt = client.model<Todos>(KEY).create(['todos'], { text: 'Bread' })
    await environment.advance(1_000)
    expect(await receipt.verdict).toMatchObject({ kind: 'applied' })
    expect(textsOf(server.master(KEY).snapshot().document)).toEqual(['Milk', 'Bread'])
    expect(network.sent.every(({ flush }) => flush)).toBe(true)
  })

  test('what is loaded or loading already stays as it is', async () => {
    const { open, render } = createWorld()
    const text = await render()
    const { client, environment, network } = open()
    const model = client.model<Todos>(KEY)
    const ready = model.ready
    hydrate(client, text)
    expect(model.isLoaded).toBe(false)
    await ready
    model.create(['todos'], { text: 'Bread' })
    hydrate(client, text)
    await client.prefetch([KEY])
    expect(textsOf(model.read())).toEqual(['Milk', 'Bread'])
    await environment.settle()
    expect(network.sent.filter(({ flush }) => !flush)).toHaveLength(1)
  })

  test('what nobody uses is forgotten after a while', async () => {
    const { open, render } = createWorld()
    const { client, environment } = open()
    hydrate(client, await render([KEY]))
    await client.prefetch([OTHER])
    expect(client.models).toHaveLength(2)
    await environment.advance(60_000)
    expect(client.models).toEqual([])
    expect(environment.timers).toBe(0)
  })
})

describe('a device that keeps things', () => {
  function createDevice() {
    const world = createWorld()
    const disk = createTestDisk()
    return { ...world, visit: () => world.open({ storage: onDevice({ storage: disk.open() }) }) }
  }

  test('edits that were left come onto the page in one step, and are sent once', async () => {
    const { server, visit, render } = createDevice()
    const before = visit()
    const earlier = before.client.model<Todos>(KEY)
    await earlier.ready
    before.network.dropRequests()
    earlier.create(['todos'], { text: 'Bread' })
    earlier.create(['todos'], { text: 'Tea' })
    await before.environment.advance(1_000)
    before.client.close()

    const text = await render()
    const { client, environment, network } = visit()
    hydrate(client, text)
    const model = client.model<Todos>(KEY)
    expect(textsOf(model.read())).toEqual(['Milk'])
    const shown: string[][] = []
    model.subscribe(() => shown.push(textsOf(model.read())))
    // Before the disk has answered.
    const receipt = model.create(['todos'], { text: 'Salt' })
    await environment.advance(60_000)
    expect(shown.slice(0, 2)).toEqual([
      ['Milk', 'Salt'],
      expect.toSatisfy((texts: string[]) => texts.length === 4),
    ])
    expect(await receipt.durable).toBe(true)
    expect(await receipt.verdict).toMatchObject({ kind: 'applied' })
    expect(textsOf(server.master(KEY).snapshot().document).toSorted()).toEqual([
      'Bread',
      'Milk',
      'Salt',
      'Tea',
    ])
    expect(network.sent.every(({ flush }) => flush)).toBe(true)
    client.close()

    const last = visit()
    await last.client.model(KEY).ready
    await last.environment.advance(10_000)
    expect(textsOf(last.client.model(KEY).read())).toHaveLength(4)
    expect(last.network.flushes.filter(({ commands }) => commands.length > 0)).toEqual([])
  })

  test('nothing is sent before it is on the device', async () => {
    const { open, render } = createDevice()
    const text = await render()
    const disk = createTestDisk().open()
    let openGate = () => {}
    const gate = new Promise<void>((resolve) => {
      openGate = resolve
    })
    const read: ClientStorage['read'] = async (prefix) => {
      await gate
      return disk.read(prefix)
    }
    const { client, environment, network } = open({
      storage: onDevice({ storage: withRead(disk, read) }),
    })
    hydrate(client, text)
    const model = client.model<Todos>(KEY)
    model.create(['todos'], { text: 'Bread' })
    const flushed = model.flush()
    await environment.settle()
    expect(network.sent).toEqual([])
    openGate()
    await flushed
    expect(network.flushes).toHaveLength(1)
  })

  test('a device that cannot be read keeps no edit from going out', async () => {
    const { server, open, render } = createDevice()
    const text = await render()
    const disk = createTestDisk().open()
    const read: ClientStorage['read'] = async (prefix) => {
      if (prefix.includes(KEY)) throw new Error('Another version.')
      return disk.read(prefix)
    }
    const storage = withRead(disk, read)
    const faults: unknown[] = []
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (fault) => void faults.push(fault))
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException')
      for (const other of others) process.on('uncaughtException', other)
    })
    const { client, environment } = open({ storage: onDevice({ storage }) })
    hydrate(client, text)
    const receipt = client.model<Todos>(KEY).create(['todos'], { text: 'Bread' })
    await environment.advance(1_000)
    expect(faults).toHaveLength(1)
    expect(await receipt.durable).toBe(false)
    expect(textsOf(server.master(KEY).snapshot().document)).toEqual(['Milk', 'Bread'])
  })

  test('a page from before what the device knows loses nothing of it', async () => {
    const { server, visit, render } = createDevice()
    const text = await render()
    const before = visit()
    const earlier = before.client.model<Todos>(KEY)
    await earlier.ready
    const { id } = earlier.create(['todos'], { text: 'Bread' })
    await before.environment.advance(1_000)
    before.network.dropRequests()
    // Builds on what the page does not have.
    earlier.update(['todos', id], { text: 'Brown bread' })
    await before.environment.advance(1_000)
    before.client.close()

    const { client, environment } = visit()
    hydrate(client, text)
    const model = client.model<Todos>(KEY)
    expect(textsOf(model.read())).toEqual(['Milk'])
    await environment.settle()
    expect(textsOf(model.read())).toEqual(['Milk', 'Brown bread'])
    onTestFinished(model.subscribe(() => {}))
    await environment.advance(60_000)
    expect(textsOf(server.master(KEY).snapshot().document)).toEqual(['Milk', 'Brown bread'])
    expect(model.rejections).toEqual([])
  })
})
