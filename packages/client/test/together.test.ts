import type { FollowedEvent, FollowedModelEvent } from '@flushout/client'
import { readFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { showOthers } from './readme/together.ts'
import { add, join, KEY, listen, serveLive, serveTodos } from './support/play.ts'

const code = (wanted: string): unknown => expect.objectContaining({ code: wanted })
const peer = (name: string) => ({ userId: null, state: { name } })

describe('a model that is followed', () => {
  test('tells what others do as it happens, and nothing of what is done here', async () => {
    const server = serveLive()
    const ada = await listen(server)
    const heard: FollowedEvent[] = []
    const leave = ada.model.follow({ path: ['todos'] }, (event) => heard.push(event))
    ada.type('Milk')
    await ada.environment.advance(100)
    await add(server, 'Bread')
    await ada.environment.advance(100)
    expect(heard).toEqual([
      expect.objectContaining({ kind: 'publish', item: { text: 'Bread' }, commandCount: 2 }),
    ])
    leave()
    await add(server, 'Eggs')
    await ada.environment.advance(100)
    expect(heard).toHaveLength(1)
    expect(ada.texts()).toEqual(['Milk', 'Bread', 'Eggs'])
  })

  test('tells the same where news have to be asked for', async () => {
    const server = serveTodos()
    const ada = join(server, { flush: { pollMs: 1_000 } })
    const heard: FollowedEvent[] = []
    ada.model.follow({ path: ['todos'] }, (event) => heard.push(event))
    await ada.environment.advance(100)
    ada.model.apply({ action: 'update', path: [], props: { note: 'Long. '.repeat(100) } })
    await ada.environment.advance(100)
    await add(server, 'Bread')
    await ada.environment.advance(2_000)
    expect(heard).toEqual([expect.objectContaining({ kind: 'publish', item: { text: 'Bread' } })])
  })

  test('tells of a load nothing, and of a snapshot that anything may be another', async () => {
    const server = serveTodos()
    const ada = join(server, { flush: { pollMs: 1_000 } })
    const heard: FollowedEvent[] = []
    ada.model.follow({ path: ['todos'] }, (event) => heard.push(event))
    await ada.environment.advance(100)
    expect(ada.model.isLoaded).toBe(true)
    expect(heard).toEqual([])
    server.restore(KEY, { todos: { a: { text: 'Old' } } })
    await ada.environment.advance(3_000)
    expect(heard).toEqual([{ kind: 'reset', clientId: '', commandCount: 0 }])
  })
})

describe('a client that follows models', () => {
  test('asks for them without loading any, and hears of them', async () => {
    const server = serveLive()
    const { client, network, environment } = join(server)
    const heard: FollowedModelEvent[] = []
    const leave = client.follow({ models: 'todos:*', path: ['todos'] }, (event) =>
      heard.push(event),
    )
    await environment.advance(50)
    expect(network.sent).toEqual([])
    const head = { commandCount: 1, hash: 'h' }
    const feed = { path: ['todos'] }
    const events = [{ kind: 'retract', id: 'a' }] as const
    server.hub.tell({ event: 'model', key: KEY, change: 'create' })
    server.hub.tell({
      event: 'feed',
      key: KEY,
      feed,
      from: 0,
      base: 'g',
      ...head,
      clientId: 'b',
      events,
    })
    await environment.settle()
    expect(heard).toEqual([
      { kind: 'create', key: KEY },
      { kind: 'retract', id: 'a', key: KEY, clientId: 'b', commandCount: 1 },
    ])
    leave()
    await environment.advance(50)
    expect(server.hub.open).toBe(0)
    client.close()
    expect(() => client.follow({ models: KEY }, () => {})).toThrow(code('CLIENT_CLOSED'))
  })
})

describe('presence', () => {
  test('shows the others while there is a connection, and tells them what is shared', async () => {
    const server = serveLive()
    const { client, model, environment } = await listen(server)
    const { presence } = model
    expect(model.presence).toBe(presence)
    const shown: string[] = []
    presence.subscribe(() => {
      shown.push(presence.others.map(({ state }) => state['name'] as string).join(' ') || 'nobody')
    })
    presence.share({ name: 'Ada' })
    await environment.advance(50)
    presence.share({ editing: 'a' })
    await environment.advance(150)
    expect(server.hub.announced.map(({ models }) => models)).toEqual([
      { [KEY]: { name: 'Ada', editing: 'a' } },
    ])
    server.hub.tell({ event: 'presence', key: KEY, isAll: true, peers: { b: peer('Bob') } })
    await environment.settle()
    client.pause()
    client.resume()
    await environment.advance(50)
    server.hub.tell({ event: 'presence', key: KEY, isAll: true, peers: { c: peer('Cy') } })
    await environment.settle()
    expect(shown).toEqual(['Bob', 'nobody', 'Cy'])
  })

  test('keeps its model in the client, and leaves no timer behind', async () => {
    const server = serveLive()
    const { client, model, environment } = join(server, { keepAliveMs: 1_000 })
    const leave = model.presence.subscribe(() => {})
    await environment.advance(60_000)
    expect(client.model(KEY)).toBe(model)
    leave()
    await environment.advance(60_000)
    expect(client.model(KEY)).not.toBe(model)
    const withdraw = client.model(KEY).presence.share({ name: 'Ada' })
    withdraw()
    client.close()
    expect(environment.timers).toBe(0)
  })

  test('is nobody where the transport cannot hear of others', async () => {
    const { model, environment } = join(serveTodos())
    model.presence.subscribe(() => {})
    model.presence.share({ name: 'Ada' })
    await environment.advance(1_000)
    expect(model.presence.others).toEqual([])
  })
})

describe('the README', () => {
  const here = (file: string) => readFile(new URL(file, import.meta.url), 'utf8')

  test('has the code that runs here', async () => {
    expect(await here('../README.md')).toContain(
      `\`\`\`ts\n${await here('readme/together.ts')}\`\`\``,
    )
  })

  test('shows how to see what others do', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    const server = serveLive()
    const { client, environment } = join(server)
    showOthers(client)
    await environment.advance(100)
    await add(server, 'Bread')
    server.hub.tell({ event: 'model', key: 'todos:work', change: 'create' })
    server.hub.tell({ event: 'presence', key: KEY, peers: { b: peer('Bob') } })
    await environment.settle()
    const lines = log.mock.calls.map((words) => words.join(' '))
    log.mockRestore()
    expect(lines).toEqual(['new: Bread', 'todos:work create', 'here: Bob'])
  })
})
