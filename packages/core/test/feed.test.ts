import {
  toAppliedFlush,
  toFeedEvents,
  type Command,
  type Feed,
  type FeedEvent,
  type JsonObject,
  type JsonValue,
} from '@flushout/core'
import { throughJson, World } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyCommand } from './support/apply-command.ts'
import { command, document, path } from './support/arbitraries.ts'
import { checked } from './support/engine.ts'

const AT: Feed = { path: ['team', 'todos'], position: 'order' }
const ITEM: Feed = { ...AT, item: 'a' }

function eventsOf(feed: Feed, ...commands: Command[]): FeedEvent[] {
  return toFeedEvents({ from: 0, hash: 'h', clientId: 'ada', sequence: 1, commands }, feed)
}

const reset: FeedEvent = { kind: 'reset' }
const update = (path: string[], props: JsonObject, unset?: string[]): Command => ({
  action: 'update',
  path,
  props,
  ...(unset && { unset }),
})
const create = (path: string[], id: string, props?: JsonObject, parentDefault?: JsonObject) =>
  ({
    action: 'create',
    path,
    id,
    ...(props && { props }),
    ...(parentDefault && { parentDefault }),
  }) satisfies Command
const remove = (...path: string[]): Command => ({ action: 'delete', path })
const edit = (id: string, command: Command): FeedEvent => ({ kind: 'edit', id, command })
const publish = (id: string, item: JsonObject): FeedEvent => ({ kind: 'publish', id, item })

// [what it is, the command, events of all items, events of the item `a`]
const TABLE: [string, Command, FeedEvent[], FeedEvent[]?][] = [
  ['a new item', create(['team', 'todos'], 'a', { t: 1 }), [publish('a', { t: 1 })]],
  ['an item without props', create(['team', 'todos'], 'a'), [publish('a', {})]],
  ['another item', create(['team', 'todos'], 'b', {}), [publish('b', {})], []],
  ['a deleted item', remove('team', 'todos', 'a'), [{ kind: 'retract', id: 'a' }]],
  [
    'another position',
    update(['team', 'todos', 'a'], { order: 2 }),
    [{ kind: 'position', id: 'a', position: 2 }],
  ],
  [
    'a position and something else',
    update(['team', 'todos', 'a'], { order: 2, t: 1 }),
    [edit('a', update([], { order: 2, t: 1 }))],
  ],
  [
    'a position that is set while something else is removed',
    update(['team', 'todos', 'a'], { order: 2 }, ['t']),
    [edit('a', update([], { order: 2 }, ['t']))],
  ],
  [
    'a position that is removed',
    update(['team', 'todos', 'a'], {}, ['order']),
    [edit('a', update([], {}, ['order']))],
  ],
  ['an edit', update(['team', 'todos', 'a'], { t: 2 }), [edit('a', update([], { t: 2 }))]],
  [
    'an edit inside an item',
    update(['team', 'todos', 'a', 'tags'], { order: 2 }),
    [edit('a', update(['tags'], { order: 2 }))],
  ],
  [
    'a new node in an item',
    create(['team', 'todos', 'a'], 'x', {}, {}),
    [edit('a', create([], 'x', {}, {}))],
  ],
  ['a node deleted in an item', remove('team', 'todos', 'a', 'x'), [edit('a', remove('x'))]],
  ['an edit of another item', remove('team', 'todos', 'b', 'x'), [edit('b', remove('x'))], []],
  [
    'props of the container',
    update(['team', 'todos'], { title: 'T', tags: [1], by: null }),
    [{ kind: 'config', props: { title: 'T', tags: [1], by: null } }],
    [],
  ],
  ['a container that is touched only', update(['team', 'todos'], {}, []), []],
  ['an object set in the container', update(['team', 'todos'], { b: {} }), [reset], []],
  ['something unset in the container', update(['team', 'todos'], {}, ['b']), [reset], []],
  ['a value in the place of an item', update(['team', 'todos'], { a: {} }), [reset]],
  ['an item unset', update(['team', 'todos'], {}, ['a']), [reset]],
  [
    'an item that may have come with its container',
    create(['team', 'todos'], 'a', { t: 1 }, {}),
    [publish('a', { t: 1 })],
  ],
  [
    'an item whose container may have come with props',
    create(['team', 'todos'], 'a', {}, { title: 'T' }),
    [publish('a', {})],
  ],
  [
    'an item whose container may have come with other items',
    create(['team', 'todos'], 'a', {}, { b: {} }),
    [reset],
    [publish('a', {})],
  ],
  [
    'another item whose container may have come with this one',
    create(['team', 'todos'], 'b', {}, { a: {} }),
    [reset],
  ],
  ['the container deleted', remove('team', 'todos'), [reset]],
  ['what is above the container deleted', remove('team'), [reset]],
  ['the container replaced', update(['team'], { todos: {} }), [reset]],
  ['the container unset', update(['team'], {}, ['todos']), [reset]],
  ['what is above the container replaced', update([], { team: {} }), [reset]],
  ['the container made', create(['team'], 'todos', {}), [reset]],
  ['what is above the container made', create([], 'team', { todos: {} }), [reset]],
  ['a neighbour that may bring the container', create(['team'], 'x', {}, { todos: {} }), [reset]],
  ['a neighbour of the container made', create(['team'], 'x', {}, {}), []],
  ['a neighbour of the container deleted', remove('team', 'x'), []],
  ['props beside the container', update(['team'], { title: 'T' }, ['x']), []],
  ['something elsewhere', update(['other', 'todos', 'a'], { t: 1 }), []],
]

describe('what a flush did to the items of a feed', () => {
  test.each(TABLE)('%s', (_, command, expected, ofItem = expected) => {
    expect(eventsOf(AT, command)).toEqual(expected)
    expect(eventsOf(ITEM, command)).toEqual(ofItem)
  })

  test('the children of the document itself are items where no path is given', () => {
    const events = eventsOf(
      {},
      create([], 'a', {}),
      update(['a'], { order: 1 }),
      update([], { b: 1 }),
    )
    expect(events).toEqual([
      publish('a', {}),
      edit('a', update([], { order: 1 })),
      { kind: 'config', props: { b: 1 } },
    ])
    expect(eventsOf({}, { action: 'create', id: 'a' })).toEqual([publish('a', {})])
  })

  test('all is told in the order in which it was done', () => {
    const list = ['team', 'todos']
    expect(
      eventsOf(AT, create(list, 'a', {}), remove(...list, 'a'), create(list, 'a', { t: 1 })),
    ).toEqual([publish('a', {}), { kind: 'retract', id: 'a' }, publish('a', { t: 1 })])
  })

  test('a reset is the only event of its flush, since who reads again finds the rest too', () => {
    const list = ['team', 'todos']
    const commands = [
      create(list, 'a', {}),
      remove(...list),
      create(['team'], 'todos'),
      create(list, 'b'),
    ]
    expect(eventsOf(AT, ...commands)).toEqual([reset])
  })

  test('a flush without its commands, as in the answer to it, is told as nothing', () => {
    expect(toFeedEvents({ from: 0, hash: 'h', clientId: 'ada', sequence: 1 }, AT)).toEqual([])
  })
})

describe('events and items', () => {
  const feed: fc.Arbitrary<Feed> = fc.record(
    { path, item: fc.constantFrom('a', 'b', 't1'), position: fc.constantFrom('a', '7') },
    { requiredKeys: ['path'] },
  )
  const flushes = fc.array(fc.array(command, { minLength: 1, maxLength: 4 }), { maxLength: 8 })

  test('replayed on the items, with all read again at a reset, events give the items of the document', () => {
    fc.assert(
      fc.property(document, feed, flushes, (document, feed, flushes) => {
        const { master } = new World(document)
        let items = itemsOf(document, feed)
        flushes.forEach((commands, index) => {
          const flush = {
            protocol: 1,
            clientId: 'ada',
            sequence: index + 1,
            from: 0,
            hash: '',
          } as const
          const { entry } = master.stage(
            { ...flush, commands },
            { user: undefined, now: 0, seed: '' },
          )
          const now = itemsOf(master.read() as JsonObject, feed)
          const events = entry ? toFeedEvents(toAppliedFlush(entry, false), feed) : []
          for (const event of throughJson(events)) items = replay(items, event, now, feed.position)
          expect(items).toEqual(now)
        })
      }),
      { numRuns: Number(process.env['RUNS'] ?? 3_000) },
    )
  })
})

/** The nodes that a feed is about, by id. */
function itemsOf(document: JsonObject, { path = [], item }: Feed): JsonObject {
  const container = path.reduce<JsonValue | undefined>(
    (value, key) => (isNode(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    document,
  )
  if (!isNode(container)) return {}
  const entries = Object.entries(container)
  return Object.fromEntries(
    entries.filter(([id, value]) => isNode(value) && [id, undefined].includes(item)),
  )
}

/** What a listener does that keeps a map of items by events alone. */
function replay(items: JsonObject, event: FeedEvent, now: JsonObject, position = ''): JsonObject {
  const without = (...ids: string[]) =>
    Object.fromEntries(Object.entries(items).filter(([id]) => !ids.includes(id)))
  switch (event.kind) {
    case 'publish':
      return { ...items, [event.id]: event.item }
    case 'retract':
      return without(event.id)
    case 'config':
      return without(...Object.keys(event.props))
    case 'position':
      return apply(items, update([event.id], { [position]: event.position }))
    case 'edit': {
      const { id, command } = event
      return apply(items, { ...command, path: [id, ...(command.path ?? [])] })
    }
    case 'reset':
      return now
  }
}

function apply(items: JsonObject, command: Command): JsonObject {
  const next = applyCommand(items, checked(command))
  expect(next, `what ${JSON.stringify(command)} makes of the items`).toBeDefined()
  return next!
}

function isNode(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
