// What streams and the server's own code hear of the items of many models.
import { createKey, type Command, type FeedRequest } from '@flushout/core'
import { memoryStore, type FlushoutService, type FollowEvent } from '@flushout/server'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Brittle, Clock, Ear, Post, positionOf, serve, settle } from './support/live-world.ts'
import { add, KEY, Writer, wrapStore } from './support/world.ts'

const ANY = { pattern: '*:*:*', initial: { tasks: {} } }
const TEAM = [
  { pattern: 'team:*:member:*:tasks', initial: { tasks: {} } },
  { pattern: 'team:*:member:*:notes', initial: { tasks: {} } },
  { pattern: 'team:*:tasks', initial: { tasks: {} } },
]
const TASKS = { models: 'team:353:member:*:tasks', path: ['tasks'] }

function task(id: string, props: object = { text: id }): Command {
  return { action: 'create', path: ['tasks'], id, props: props as never }
}

async function write(service: FlushoutService, key: string, ...commands: Command[]) {
  const writer = new Writer(service, crypto.randomUUID(), { key })
  await writer.pull()
  return writer.flush(...commands)
}

async function listen(service: FlushoutService, feed: FeedRequest): Promise<Ear> {
  return Ear.open(service, { feeds: [feed] })
}

/** Hear what happens, as code of the server does. */
function follow(service: FlushoutService, feed: FeedRequest) {
  const events: FollowEvent[] = []
  const stop = service.follow(feed, (event) => events.push(event))
  onTestFinished(stop)
  return { events, stop, kinds: () => events.map(({ kind, key }) => `${kind} ${key}`) }
}

describe('the items of a node', () => {
  test('are told of by what happens to them, flush by flush', async () => {
    const service = serve(new Clock())
    const writer = new Writer(service, 'ada')
    await writer.pull()
    const feed = { path: ['todos'], position: 'rank' }
    const ear = await listen(service, { models: KEY, ...feed })
    const milk = ['todos', 'milk']
    await writer.flush(add('milk', { text: 'Milk', rank: 1 }))
    await writer.flush({ action: 'update', path: milk, props: { text: 'Oat milk' } })
    await writer.flush({ action: 'update', path: milk, props: { rank: 2 } })
    await writer.flush({ action: 'update', path: ['todos'], props: { color: 'red' } })
    await writer.flush({ action: 'update', path: [], props: { title: 'Home' } })
    await writer.flush(add('tea'), { action: 'delete', path: milk })
    await writer.flush({ action: 'delete', path: ['todos'] })
    const told = ear.all('feed')
    expect(told.map(({ events }) => events)).toEqual([
      [{ kind: 'publish', id: 'milk', item: { text: 'Milk', rank: 1 } }],
      [
        {
          kind: 'edit',
          id: 'milk',
          command: { action: 'update', path: [], props: { text: 'Oat milk' } },
        },
      ],
      [{ kind: 'position', id: 'milk', position: 2 }],
      [{ kind: 'config', props: { color: 'red' } }],
      // Nothing of the feed, but no gap in the count either.
      [],
      [
        { kind: 'publish', id: 'tea', item: { text: 'tea' } },
        { kind: 'retract', id: 'milk' },
      ],
      [{ kind: 'reset' }],
    ])
    expect(told.map(({ from, commandCount }) => [from, commandCount])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
      [5, 7],
      [7, 8],
    ])
    expect(told.at(-1)).toMatchObject({ key: KEY, feed, clientId: 'ada', hash: writer.hash })
  })

  test('can be followed one by one', async () => {
    const service = serve(new Clock())
    await service.snapshot(KEY)
    const ear = await listen(service, { models: KEY, path: ['todos'], item: 'tea' })
    const writer = new Writer(service, 'ada')
    await writer.flush(add('milk'), add('tea'))
    await writer.flush({ action: 'delete', path: ['todos', 'milk'] })
    await writer.flush({ action: 'delete', path: ['todos', 'tea'] })
    expect(ear.feed().map(({ kind }) => kind)).toEqual(['publish', 'retract'])
  })

  test('are to be read again after a flush too large to be told', async () => {
    const service = serve(new Clock())
    await service.snapshot(KEY)
    const ear = await listen(service, { models: KEY, path: ['todos'] })
    const writer = new Writer(service, 'ada')
    await writer.add('large', { text: '€'.repeat(30_000) })
    await writer.add('small')
    expect(ear.all('feed')).toMatchObject([
      { commandCount: 1, clientId: '', events: [{ kind: 'reset' }] },
      { from: 1, commandCount: 2, events: [{ kind: 'publish', id: 'small' }] },
    ])
  })

  test('two views of one model are told in one connection, each for itself', async () => {
    const service = serve(new Clock())
    await service.snapshot(KEY)
    const ear = await Ear.open(service, {
      models: { [KEY]: null },
      feeds: [{ models: KEY, path: ['todos'] }, { models: 'todos:*' }],
    })
    await new Writer(service, 'ada').add('milk')
    expect(ear.all('updates')).toHaveLength(1)
    const told = ear.all('feed').map(({ feed, events }) => ({ path: feed.path, events }))
    expect(told).toHaveLength(2)
    expect(told).toContainEqual({
      path: ['todos'],
      events: [expect.objectContaining({ kind: 'publish' })],
    })
    expect(told).toContainEqual({ path: [], events: [expect.objectContaining({ kind: 'edit' })] })
  })
})

describe('a pattern', () => {
  test('fits the models it names, those to come included, and no others', async () => {
    const service = serve(new Clock(), { models: TEAM })
    const key = (member: string, kind = 'tasks', team = '353') =>
      createKey('team', team, 'member', member, kind)
    const names = ['ada', 'a:b', '*', 'a.b', '100%', 'a%3Ab', 'ü']
    for (const name of names.slice(0, 3)) await service.snapshot(key(name))
    const ear = await listen(service, TASKS)
    for (const name of names) await write(service, key(name), task(`of ${name}`))
    const others = [key('ada', 'notes'), key('ada', 'tasks', '354'), 'team:353:tasks']
    for (const other of others) await write(service, other, task('other'))
    await settle()
    const heard = ear.all('feed').filter(({ events }) => events.length > 0)
    expect(heard.map((event) => event.key)).toEqual(names.map((name) => key(name)))
    expect(ear.changes).toEqual(names.slice(3).map((name) => `create ${key(name)}`))
    const named = ear.all('heads').flatMap(({ heads }) => Object.keys(heads))
    expect(new Set(named)).toEqual(new Set(names.map((name) => key(name))))
  })

  test('tells everything of a model that is made under its eyes, or that it is to be read', async () => {
    const clock = new Clock()
    const service = serve(clock, { models: TEAM, live: { pollMs: 1e9 } })
    const ear = await listen(service, TASKS)
    const mine = follow(service, TASKS)
    const keys = Array.from({ length: 50 }, (_, n) => `team:353:member:m${n}:tasks`)
    await Promise.all(
      keys.map(async (key, n) => {
        // Some are written to at once, some a little later.
        if (n % 3 === 0) await service.models.create(key)
        await settle(n % 5)
        await write(service, key, task('first'))
        await write(service, key, task('second'))
      }),
    )
    await settle(40)
    for (const key of keys) {
      expect(ear.changes.filter((change) => change === `create ${key}`)).toHaveLength(1)
      const events = ear.all('feed').filter((event) => event.key === key)
      expect(events.at(-1)).toMatchObject({ commandCount: 2 })
      const kinds = ear.feed(key).map((event) => ('id' in event ? event.id : event.kind))
      // What came before it was found is made up for by reading it.
      expect(['first,second', 'reset,second', 'reset']).toContain(kinds.join())
      expect(mine.kinds().filter((kind) => kind === `create ${key}`)).toHaveLength(1)
    }
  })

  test('shows only what its reader may read, and not that there is anything else', async () => {
    const service = serve(new Clock(), {
      models: TEAM,
      authorize: (user, _action, key) => !user || !key.includes('secret'),
    })
    await service.snapshot('team:353:member:secret1:tasks')
    const ear = await Ear.open(service, { feeds: [TASKS] }, { id: 'ada' })
    await service.snapshot('team:353:member:secret2:tasks')
    await write(service, 'team:353:member:secret1:tasks', task('a'))
    await write(service, 'team:353:member:secret3:tasks', task('a'))
    await service.models.configure('team:353:member:secret1:tasks', { title: 'secret' })
    await service.models.delete('team:353:member:secret1:tasks')
    await settle()
    expect(ear.events.map(({ event }) => event)).toEqual(['ready'])
  })

  test('shows a model as soon as it may be read', async () => {
    const isHidden = new Set(['team:353:member:ada:tasks'])
    const service = serve(new Clock(), {
      models: TEAM,
      authorize: (user, _action, key) => !user || !isHidden.has(key),
    })
    for (const name of ['ada', 'bob']) await service.snapshot(`team:353:member:${name}:tasks`)
    const ear = await Ear.open(service, { feeds: [TASKS] }, { id: 'eve' })
    isHidden.clear()
    service.permissionsChanged({ userId: 'eve' })
    await settle()
    expect(ear.changes).toEqual(['create team:353:member:ada:tasks'])
    await write(service, 'team:353:member:ada:tasks', task('a'))
    expect(ear.feed('team:353:member:ada:tasks')).toHaveLength(1)
  })

  test('goes on where it was, and tells what came and went meanwhile', async () => {
    const service = serve(new Clock(), { models: TEAM })
    const key = (name: string) => `team:353:member:${name}:tasks`
    for (const name of ['ada', 'bob', 'cat']) await service.snapshot(key(name))
    const since = {
      [key('ada')]: await positionOf(service, key('ada')),
      [key('bob')]: await positionOf(service, key('bob')),
      [key('cat')]: { from: 7, hash: 'another' },
      'team:999:member:x:tasks': { from: 0, hash: 'x' },
    }
    await write(service, key('ada'), task('a'), task('b'))
    await write(service, key('ada'), { action: 'delete', path: ['tasks', 'a'] })
    await service.models.delete(key('bob'))
    await service.models.create(key('dan'), { config: { title: 'Dan' } })
    const ear = await Ear.open(service, { feeds: [{ ...TASKS, since }] })
    const kinds = (name: string) => ear.feed(key(name)).map(({ kind }) => kind)
    expect(kinds('ada')).toEqual(['publish', 'publish', 'retract'])
    expect(kinds('cat')).toEqual(['reset'])
    expect(ear.all('model')).toEqual([
      { event: 'model', key: key('dan'), change: 'create', config: { title: 'Dan' } },
      { event: 'model', key: key('bob'), change: 'delete' },
    ])
  })

  test('says nothing of a model that went, to who may not know that there was one', async () => {
    const service = serve(new Clock(), { models: TEAM, authorize: (user) => !user })
    const since = { 'team:353:member:ada:tasks': { from: 0, hash: 'x' } }
    const ear = await Ear.open(service, { feeds: [{ ...TASKS, since }] }, { id: 'eve' })
    expect(ear.events.map(({ event }) => event)).toEqual(['ready'])
  })

  test('tells of config and of deletion, and of the same key made again', async () => {
    const service = serve(new Clock(), { models: TEAM })
    const key = 'team:353:member:ada:tasks'
    await service.models.create(key)
    const ear = await listen(service, TASKS)
    await service.models.configure(key, { title: 'Mine' })
    await settle()
    await service.models.delete(key)
    await settle()
    await service.models.create(key, { document: { tasks: {} }, config: { title: 'Again' } })
    await settle()
    await write(service, key, task('a'))
    expect(ear.all('model')).toEqual([
      { event: 'model', key, change: 'configure', config: { title: 'Mine' } },
      { event: 'model', key, change: 'delete' },
      { event: 'model', key, change: 'create', config: { title: 'Again' } },
    ])
    expect(ear.feed(key)).toMatchObject([{ kind: 'publish', id: 'a' }])
  })

  test('that is left leaves nothing behind', async () => {
    const clock = new Clock()
    const post = new Post()
    const store = post.wrap(memoryStore())
    const service = serve(clock, { models: TEAM, store })
    for (const name of ['ada', 'bob']) await service.snapshot(`team:353:member:${name}:tasks`)
    const ears = [await listen(service, TASKS), await listen(service, TASKS)]
    const { stop } = follow(service, TASKS)
    await settle()
    expect(service.usage).toMatchObject({ streams: 3, channels: 2 })
    for (const { connection } of ears) connection.close()
    expect(service.usage).toMatchObject({ streams: 1, channels: 2 })
    stop()
    expect(service.usage).toMatchObject({ streams: 0, channels: 0 })
    await clock.pass(2000)
    expect(post.listeners).toBe(0)
    expect(clock.timers).toBe(0)
  })

  test('of which a stream takes little for now is told bit by bit', async () => {
    const service = serve(new Clock(), { models: TEAM })
    const names = Array.from({ length: 60 }, (_, n) => `m${n + 10}`)
    for (const name of names) {
      const config = { title: 'x'.repeat(2000) }
      await service.models.create(`team:353:member:${name}:tasks`, { config })
    }
    const ear = Ear.begin(service, { feeds: [{ ...TASKS, since: {} }] })
    // Each time it takes one thing and is full again.
    ear.isFull = true
    while (ear.changes.length < names.length && !ear.isEnded) {
      await settle(4)
      ear.drip()
    }
    expect(ear.isEnded).toBe(false)
    expect(ear.changes).toHaveLength(names.length)
    expect(new Set(ear.changes).size).toBe(names.length)
  })

  test('whose models cannot be asked for now is ended, and begins again as if new', async () => {
    let isUp = false
    const service = serve(new Clock(), {
      models: TEAM,
      authorize: (user) => {
        if (user && !isUp) throw new Error('No permissions.')
        return true
      },
    })
    await service.snapshot('team:353:member:ada:tasks')
    const ear = await Ear.open(service, { feeds: [TASKS] }, { id: 'ada' })
    expect(ear.isEnded).toBe(true)
    isUp = true
  })
})

describe('two servers', () => {
  function serveTwo() {
    const [clock, post, brittle] = [new Clock(), new Post(), new Brittle(memoryStore())]
    const options = { store: post.wrap(brittle.store), models: TEAM }
    return { clock, post, brittle, here: serve(clock, options), there: serve(clock, options) }
  }
  const key = 'team:353:member:ada:tasks'

  test('a model made on the other is heard of by notice', async () => {
    const { clock, here, there } = serveTwo()
    const ear = await listen(here, TASKS)
    const { kinds } = follow(here, TASKS)
    await write(there, key, task('a'))
    await write(there, key, task('b'))
    await clock.pass(0)
    expect(ear.changes).toEqual([`create ${key}`])
    expect(ear.feed(key).at(-1)).toMatchObject({ kind: 'publish', id: 'b' })
    await there.models.configure(key, { title: 'x' })
    await there.models.delete(key)
    await clock.pass(0)
    expect(kinds().slice(-2)).toEqual([`configure ${key}`, `delete ${key}`].slice(-2))
  })

  test('and by the next thing that happens to it, where that notice is lost', async () => {
    const { clock, post, here, there } = serveTwo()
    const ear = await listen(here, TASKS)
    post.isMuted = true
    await write(there, key, task('a'))
    await clock.pass(0)
    post.isMuted = false
    await write(there, key, task('b'))
    await clock.pass(0)
    expect(ear.changes).toEqual([`create ${key}`])
    expect(ear.all('feed').at(-1)).toMatchObject({ key, commandCount: 2 })
  })

  test('goes on where it was, too, if a notice of the model is faster than the look for it', async () => {
    const gate = { isShut: false, opened: Promise.resolve() }
    const store = memoryStore()
    const wrapped = wrapStore(store, {
      list: async (range) => {
        // Of the list of all that fit, not of the one that a notice names.
        if (gate.isShut && range.limit > 1) await gate.opened
        return store.list(range)
      },
    })
    const [clock, post] = [new Clock(), new Post()]
    const options = { store: post.wrap(wrapped), models: TEAM }
    const [here, there] = [serve(clock, options), serve(clock, options)]
    await write(there, key, task('a'))
    const since = { [key]: await positionOf(there, key) }
    let open = () => {}
    gate.isShut = true
    gate.opened = new Promise((resolve) => (open = resolve))
    const ear = Ear.begin(here, { feeds: [{ ...TASKS, since }] })
    await settle()
    await write(there, key, task('b'))
    await settle()
    open()
    await settle()
    expect(ear.changes).toEqual([])
    expect(ear.feed(key)).toMatchObject([{ kind: 'publish', id: 'b' }])
  })

  test('and by looking, where all notices are lost', async () => {
    const { clock, post, here, there } = serveTwo()
    post.isMuted = true
    const ear = await listen(here, TASKS)
    await write(there, key, task('a'))
    await clock.pass(16_000)
    expect(ear.changes).toEqual([`create ${key}`])
    // It was written to before it was found.
    expect(ear.feed(key)).toEqual([{ kind: 'reset' }])
    await write(there, key, task('b'))
    await clock.pass(3000)
    expect(ear.feed(key).at(-1)).toMatchObject({ kind: 'publish', id: 'b' })
    await there.models.delete(key)
    await clock.pass(3000)
    expect(ear.changes.at(-1)).toBe(`delete ${key}`)
  })

  test('code of a server that begins while the store is down hears as soon as it is back', async () => {
    const { clock, brittle, here, there } = serveTwo()
    await there.snapshot(key)
    brittle.isDown = true
    const mine = follow(here, TASKS)
    await clock.pass(5000)
    brittle.isDown = false
    await clock.pass(2000)
    await write(there, key, task('a'))
    await clock.pass(0)
    expect(mine.events).toMatchObject([{ kind: 'publish', key, id: 'a', commandCount: 1 }])
    mine.stop()
    await write(there, key, task('b'))
    await clock.pass(3000)
    expect(mine.events).toHaveLength(1)
  })

  test('code of a server misses nothing when the store fails under it', async () => {
    const { clock, brittle, here, there } = serveTwo()
    await write(there, key, task('a'))
    const mine = follow(here, TASKS)
    await settle()
    // A model that comes while nothing can be read ends what it hears by.
    await here.snapshot('team:353:member:new:tasks')
    brittle.isDown = true
    await clock.pass(3000)
    brittle.isDown = false
    await write(there, key, task('b'))
    await clock.pass(2000)
    await write(there, 'team:353:member:new:tasks', task('c'))
    await clock.pass(2000)
    const heard = mine.events.filter(({ kind }) => kind === 'publish')
    expect(heard).toMatchObject([{ id: 'b' }, { id: 'c' }])
  })
})

describe('code of the server', () => {
  test('hears of each event once, after the commit, until it says stop', async () => {
    const service = serve(new Clock())
    await service.snapshot(KEY)
    const events: FollowEvent[] = []
    const stop = service.follow({ models: 'todos:*', path: ['todos'] }, (event) => {
      events.push(event)
      if (events.length === 3) stop()
    })
    await settle()
    const ada = new Writer(service, 'ada')
    await ada.add('a')
    await ada.flush(add('b'), add('c'), add('d'))
    await ada.add('e')
    await settle()
    expect(events).toEqual([
      { kind: 'publish', key: KEY, id: 'a', item: { text: 'a' }, commandCount: 1, clientId: 'ada' },
      { kind: 'publish', key: KEY, id: 'b', item: { text: 'b' }, commandCount: 4, clientId: 'ada' },
      { kind: 'publish', key: KEY, id: 'c', item: { text: 'c' }, commandCount: 4, clientId: 'ada' },
    ])
  })

  test('goes on with what it heard of if the store fails before it was told of all there is', async () => {
    const clock = new Clock()
    const memory = memoryStore()
    let fail = (_error: Error): void => {}
    const firstLook = new Promise<never>((_resolve, reject) => {
      fail = reject
    })
    let looks = 0
    const store = wrapStore(memory, {
      list(options) {
        const isLook = options.limit > 1 && (looks += 1) === 1
        return isLook ? firstLook : memory.list(options)
      },
    })
    const service = serve(clock, { store, models: TEAM })
    const key = 'team:353:member:ada:tasks'
    const mine = follow(service, TASKS)
    await settle()
    await write(service, key, task('a'))
    fail(new Error('The store is down.'))
    await settle()
    await write(service, key, task('b'))
    await clock.pass(2000)
    const ids = mine.events.flatMap((event) => ('id' in event ? event.id : []))
    expect(ids).toEqual(['a', 'b'])
  })

  test('follows more models than a stream may', async () => {
    const service = serve(new Clock(), { limits: { streamModels: 2 }, models: [ANY] })
    const keys = Array.from({ length: 5 }, (_, n) => `a:b:${n}`)
    for (const key of keys) await service.snapshot(key)
    const { kinds } = follow(service, { models: 'a:b:*', path: ['tasks'] })
    await settle()
    for (const key of keys) await write(service, key, task('a'))
    await settle()
    expect(kinds()).toEqual(keys.map((key) => `publish ${key}`))
  })
})
