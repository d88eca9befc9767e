import type { FeedEvent, LiveEvent } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { Feeds } from '../src/feeds.ts'
import { toUpdateListener, type FollowedEvent, type FollowedModelEvent } from '../src/follow.ts'

const TASKS = { models: 'team:*:tasks', path: ['tasks'] }

function open() {
  let changes = 0
  const feeds = new Feeds(() => {
    changes += 1
  })
  return {
    feeds,
    changes: () => changes,
    follow(feed: Parameters<Feeds['follow']>[0] = TASKS) {
      const heard: FollowedModelEvent[] = []
      return { heard, leave: feeds.follow(feed, (event) => heard.push(event)) }
    },
    /** The server tells what happened to the tasks of `key` from one count to another. */
    tell(key: string, from: number, to: number, ...events: FeedEvent[]) {
      const feed = { path: TASKS.path }
      feeds.hear({
        event: 'feed',
        key,
        feed,
        from,
        base: `h${from}`,
        commandCount: to,
        hash: `h${to}`,
        clientId: 'bob',
        events,
      })
    },
    since: () => feeds.request()[0]?.since,
  }
}

const at = (from: number) => ({ from, hash: `h${from}` })
const heads = (counts: Record<string, number>): LiveEvent => ({
  event: 'heads',
  heads: Object.fromEntries(
    Object.entries(counts).map(([key, count]) => [key, { commandCount: count, hash: `h${count}` }]),
  ),
})
const gone = (id: string): FeedEvent => ({ kind: 'retract', id })

describe('a feed of models that are not held', () => {
  test('tells what happens in all that fit, and how far each is then', () => {
    const world = open()
    const { heard } = world.follow()
    world.tell('team:1:tasks', 0, 2, gone('a'), gone('b'))
    world.tell('team:2:tasks', 7, 8, gone('c'))
    world.tell('other:1:tasks', 0, 1, gone('d'))
    const by = { clientId: 'bob' }
    expect(heard).toEqual([
      { kind: 'retract', id: 'a', key: 'team:1:tasks', commandCount: 2, ...by },
      { kind: 'retract', id: 'b', key: 'team:1:tasks', commandCount: 2, ...by },
      { kind: 'retract', id: 'c', key: 'team:2:tasks', commandCount: 8, ...by },
    ])
    expect(world.since()).toEqual({ 'team:1:tasks': at(2), 'team:2:tasks': at(8) })
  })

  test('is asked for from now on at first, and later from where it was heard', () => {
    const world = open()
    world.follow({ ...TASKS, position: 'order' })
    expect(world.feeds.request()).toEqual([{ ...TASKS, position: 'order' }])
    world.feeds.hear(heads({ 'team:1:tasks': 5, 'other:1:tasks': 5 }))
    expect(world.feeds.request()).toEqual([
      { ...TASKS, position: 'order', since: { 'team:1:tasks': at(5) } },
    ])
  })

  test('moves on only with what is told, not with how far a model is', () => {
    const world = open()
    world.follow()
    world.feeds.hear(heads({ 'team:1:tasks': 5 }))
    world.feeds.hear(heads({ 'team:1:tasks': 9 }))
    expect(world.since()).toEqual({ 'team:1:tasks': at(5) })
    world.tell('team:1:tasks', 5, 6)
    expect(world.since()).toEqual({ 'team:1:tasks': at(6) })
  })

  test('tells nothing twice, whichever connection brings it', () => {
    const world = open()
    const { heard } = world.follow()
    for (let times = 0; times < 2; times += 1) {
      world.tell('team:1:tasks', 0, 1, gone('a'))
      world.tell('team:1:tasks', 1, 2, gone('b'))
    }
    world.tell('team:1:tasks', 2, 2, { kind: 'reset' })
    expect(heard).toHaveLength(2)
  })

  test('tells a reset where something is missing in between', () => {
    const world = open()
    const { heard } = world.follow()
    world.tell('team:1:tasks', 0, 1)
    world.tell('team:1:tasks', 3, 4, gone('a'))
    expect(heard).toEqual([{ kind: 'reset', key: 'team:1:tasks', clientId: '', commandCount: 4 }])
    expect(world.since()).toEqual({ 'team:1:tasks': at(4) })
  })

  test('tells a reset where what a model is said to hold did not come', () => {
    const world = open()
    const { heard } = world.follow()
    const key = 'team:1:tasks'
    const say = (count: number) => world.feeds.hear(heads({ [key]: count }))
    world.tell(key, 0, 1)
    // Late, and then there.
    say(2)
    world.tell(key, 1, 2)
    for (const count of [2, 3]) say(count)
    expect(heard).toEqual([])
    say(4)
    expect(heard).toEqual([{ kind: 'reset', key, clientId: '', commandCount: 4 }])
    expect(world.since()).toEqual({ [key]: at(4) })
    say(4)
    world.tell(key, 3, 4, gone('a'))
    world.tell(key, 4, 5, gone('b'))
    expect(heard.map(({ kind }) => kind)).toEqual(['reset', 'retract'])
  })

  test('follows a reset into another past', () => {
    const world = open()
    const { heard } = world.follow()
    world.tell('team:1:tasks', 7, 8)
    world.tell('team:1:tasks', 3, 3, { kind: 'reset' })
    world.tell('team:1:tasks', 3, 4, gone('a'))
    expect(heard.map(({ kind }) => kind)).toEqual(['reset', 'retract'])
  })

  test('tells what becomes of the models, and begins anew with one that was made anew', () => {
    const world = open()
    const { heard } = world.follow()
    const key = 'team:1:tasks'
    world.feeds.hear({ event: 'model', key, change: 'create', config: { title: 'T' } })
    world.tell(key, 0, 3)
    world.feeds.hear({ event: 'model', key, change: 'delete' })
    world.feeds.hear({ event: 'model', key: 'other:1:tasks', change: 'delete' })
    world.feeds.hear({ event: 'model', key, change: 'create' })
    world.tell(key, 0, 1, gone('a'))
    expect(heard).toEqual([
      { kind: 'create', key, config: { title: 'T' } },
      { kind: 'delete', key },
      { kind: 'create', key },
      { kind: 'retract', id: 'a', key, clientId: 'bob', commandCount: 1 },
    ])
  })

  test('tells that nothing more comes of a model that it heard of, or of the pattern', () => {
    const world = open()
    const { heard } = world.follow()
    world.tell('team:1:tasks', 0, 1)
    const because = { code: 'FORBIDDEN', message: 'Not for you.' }
    for (const models of ['team:1:tasks', 'team:2:tasks', TASKS.models]) {
      world.feeds.hear({ event: 'refused', models, ...because, retry: 'never' })
    }
    expect(heard).toEqual([
      { kind: 'refused', key: 'team:1:tasks', ...because },
      { kind: 'refused', key: TASKS.models, ...because },
    ])
  })

  test('of other items hears nothing of these', () => {
    const world = open()
    const { heard } = world.follow({ models: TASKS.models, path: ['people'] })
    const { heard: ofOne } = world.follow({ ...TASKS, item: 'a' })
    world.tell('team:1:tasks', 0, 1, gone('a'))
    expect([...heard, ...ofOne]).toEqual([])
  })

  test('is asked for once however many follow it, until the last has left', () => {
    const world = open()
    const [one, two] = [world.follow(), world.follow()]
    expect(world.feeds.request()).toHaveLength(1)
    expect(world.changes()).toBe(1)
    one.leave()
    one.leave()
    world.tell('team:1:tasks', 0, 1, gone('a'))
    expect([one.heard.length, two.heard.length]).toEqual([0, 1])
    expect(world.changes()).toBe(1)
    two.leave()
    expect(world.changes()).toBe(2)
    expect(world.feeds.request()).toEqual([])
  })
})

describe('a feed of a model that is held', () => {
  test('tells the items of each flush of others, and a reset for a snapshot', () => {
    const heard: FollowedEvent[] = []
    const listener = toUpdateListener(
      { path: ['todos'] },
      () => 9,
      (event) => heard.push(event),
    )
    listener({
      from: 3,
      hash: 'h',
      clientId: 'bob',
      sequence: 1,
      commands: [
        { action: 'create', path: ['todos'], id: 'a', props: { text: 'Milk' } },
        { action: 'update', path: [], props: { title: 'Groceries' } },
      ],
    })
    listener('snapshot')
    expect(heard).toEqual([
      { kind: 'publish', id: 'a', item: { text: 'Milk' }, clientId: 'bob', commandCount: 5 },
      { kind: 'reset', clientId: '', commandCount: 9 },
    ])
  })
})
