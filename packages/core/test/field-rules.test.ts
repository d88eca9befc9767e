// Which fields clients write, and which they write once.
import { PROTOCOL, type Command, type JsonObject, type JsonValue } from '@flushout/core'
import { defineModel, type ModelRules } from '@flushout/core/define'
import { World } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const DOCUMENT = {
  tasks: { a: { text: 'Milk', owner: 'ada', at: 1, log: { n: 1 } }, b: { text: 'Bread' } },
  profile: { owner: 'ada', name: 'Ada' },
  stats: { views: 7 },
}

const rules: ModelRules = {
  clientEditable: [
    ['tasks', '*', 'text'],
    ['tasks', '*', 'place'],
    ['profile', 'name'],
  ],
  setOnce: [
    ['tasks', '*', 'owner'],
    ['profile', 'owner'],
    ['tasks', '*', 'from'],
  ],
}

function play(
  own: ModelRules = rules,
  intercept: Parameters<typeof defineModel>[0]['intercept'] = [],
) {
  const { interceptors } = defineModel({ pattern: 'team:$id', rules: own, intercept })
  const { master } = new World<JsonObject>(DOCUMENT, { master: { interceptors } })
  let sequence = 0
  const send = (command: Command) => {
    sequence += 1
    const sender = { clientId: 'mallory', sequence, from: 0, hash: '' }
    const flush = { protocol: PROTOCOL, ...sender, commands: [command] } as const
    const { verdicts } = master.apply(flush, { user: undefined, now: 5, seed: '' })
    return verdicts[0]?.kind === 'rejected' ? verdicts[0].rejection : undefined
  }
  return { master, send }
}

const update = (path: readonly string[], props: JsonObject, ...unset: string[]): Command => ({
  action: 'update',
  path,
  props,
  ...(unset.length > 0 && { unset }),
})
const create = (path: readonly string[], id: string, props: JsonObject = {}): Command => ({
  action: 'create',
  path,
  id,
  props,
})
const remove = (...path: string[]): Command => ({ action: 'delete', path })
const A = ['tasks', 'a']

describe('clients write', () => {
  test.each<[string, Command]>([
    ['a field that they may', update(A, { text: 'Oat milk' })],
    ['all that is in it', update(A, { place: { shop: 'x' } })],
    ['what others are as they are', update(A, { text: 'x', at: 1, owner: 'ada' })],
    ['a new item', create(['tasks'], 'c', { text: 'Tea', owner: 'bob' })],
    ['a new item by an update', update(['tasks'], { c: { text: 'Tea', owner: 'bob' } })],
    ['a new item with nothing in it', create(['tasks'], 'c')],
    ['nothing, by taking away what is not there', update(A, {}, 'from', 'due')],
    ['the end of an item', remove('tasks', 'a')],
    ['the end of an item by an update', update(['tasks'], {}, 'a')],
    ['the end of a field', remove('tasks', 'a', 'text')],
    ['once what is set once', update(['tasks', 'b'], { owner: 'bob', from: { user: 'bob' } })],
  ])('%s', (_what, command) => {
    expect(play().send(command)).toBeUndefined()
  })

  test('an item together with the part that holds it, where that is missing', () => {
    const { send } = play({ clientEditable: [['profile', 'logs', '*', 'text']] })
    const log = { path: ['profile', 'logs'], id: 'x', props: { text: 'x' } }
    expect(send({ action: 'create', ...log, parentDefault: { at: 1 } })?.at).toEqual([
      'profile',
      'logs',
      'at',
    ])
    expect(send({ action: 'create', ...log, parentDefault: {} })).toBeUndefined()
  })
})

describe('nobody writes', () => {
  test.each<[string, Command, string]>([
    ['a field that only the server writes', update(A, { at: 2 }), 'tasks.a.at'],
    ['it beside one that they may', update(A, { text: 'x', at: 2 }), 'tasks.a.at'],
    ['it by taking it away', update(A, {}, 'at'), 'tasks.a.at'],
    ['it by a delete', remove('tasks', 'a', 'at'), 'tasks.a.at'],
    ['it with a new item', create(['tasks'], 'c', { at: 1 }), 'tasks.c.at'],
    [
      'it with an item that an update puts there',
      update(['tasks'], { c: { at: 1 } }),
      'tasks.c.at',
    ],
    ['a field that nobody named', update(A, { admin: true }), 'tasks.a.admin'],
    ['a node that nobody named', create(A, 'sub'), 'tasks.a.sub'],
    ['a node in a part that nobody named', create(['stats'], 'x'), 'stats.x'],
    ['an item as a whole', update(['tasks'], { a: { text: 'x' } }), 'tasks.a'],
    ['all items as a whole', update([], { tasks: {} }), 'tasks'],
    ['a value in the place of an item', update(['tasks'], { a: 1 }), 'tasks.a'],
    ['the end of all items', remove('tasks'), 'tasks'],
    ['the end of a part', update([], {}, 'stats'), 'stats'],
    ['the end of a node in an item', remove('tasks', 'a', 'log'), 'tasks.a.log'],
    ['the root', update([], { title: 'x' }), 'title'],
  ])('%s', (_what, command, at) => {
    const { send, master } = play()
    const path = at.split('.')
    const words = path.map((key) => JSON.stringify(key)).join(' › ')
    const message = `This may not be changed: ${words}.`
    expect(send(command)).toEqual({ code: 'FIELD_LOCKED', message, at: path })
    expect(master.read()).toEqual(DOCUMENT)
  })
})

describe.each([
  ['with a list of what clients write', rules],
  ['alone', { setOnce: rules.setOnce! }],
])('what is set once, %s, stays', (_what, own) => {
  test.each<[string, Command, string]>([
    ['when it is set again', update(A, { owner: 'eve' }), 'tasks.a.owner'],
    ['when it is set beside others', update(A, { text: 'x', owner: 'eve' }), 'tasks.a.owner'],
    ['when it is taken away', update(A, { text: 'x' }, 'owner'), 'tasks.a.owner'],
    ['when it is deleted', remove('tasks', 'a', 'owner'), 'tasks.a.owner'],
    ['when a node is put in its place', update(A, { owner: { id: 'eve' } }), 'tasks.a.owner'],
    ['when the part that holds it is deleted', remove('profile'), 'profile'],
    ['when a value is put in the place of that', update([], { profile: 1 }), 'profile'],
    ['when the item is replaced', update(['tasks'], { a: { owner: 'eve' } }), 'tasks.a'],
    ['when all items are', update([], { tasks: { a: { owner: 'eve' } } }), 'tasks'],
  ])('%s', (_how, command, at) => {
    const { send, master } = play(own)
    const rejection = send(command)!
    expect(rejection.code).toBe('FIELD_LOCKED')
    expect(rejection.at!.slice(0, at.split('.').length)).toEqual(at.split('.'))
    expect(master.read()).toEqual(DOCUMENT)
  })

  test('also where nothing is in it', () => {
    const { send } = play(own)
    expect(send(update(['tasks', 'b'], { from: {} }))).toBeUndefined()
    expect(send(update(['tasks', 'b', 'from'], { user: {} }))?.code).toBe('FIELD_LOCKED')
  })

  test('also in what is below it', () => {
    const { send } = play(own)
    expect(send(update(['tasks', 'b'], { from: { user: 'bob' } }))).toBeUndefined()
    for (const command of [
      update(['tasks', 'b', 'from'], { user: 'eve' }),
      update(['tasks', 'b', 'from'], { mail: 'eve' }),
      create(['tasks', 'b', 'from'], 'x'),
      remove('tasks', 'b', 'from'),
    ]) {
      const message = 'This was set once and stays: "tasks" › "b" › "from".'
      expect(send(command)).toEqual({ code: 'FIELD_LOCKED', message, at: ['tasks', 'b', 'from'] })
    }
  })
})

test('what the server puts in and has follow is not for clients, and is written', () => {
  const { send, master } = play(rules, [
    (_document, command) => {
      if (command.action !== 'create') return undefined
      const follow: Command[] = [update(['stats'], { views: 8 })]
      return { props: { ...command.props, at: 5 }, follow }
    },
  ])
  expect(send(create(['tasks'], 'c', { text: 'Tea' }))).toBeUndefined()
  expect(master.read(['tasks', 'c'])).toEqual({ text: 'Tea', at: 5 })
  expect(master.read(['stats', 'views'])).toBe(8)
})

describe('whatever somebody sends', () => {
  const key = fc.constantFrom(
    'tasks',
    'a',
    'b',
    'c',
    'text',
    'owner',
    'at',
    'profile',
    'name',
    'log',
  )
  const { value } = fc.letrec<{ value: JsonValue; node: JsonObject }>((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.constantFrom(1, 'eve', null), tie('node')),
    node: fc.dictionary(key, tie('value'), { maxKeys: 4 }) as fc.Arbitrary<JsonObject>,
  }))
  const props = fc.dictionary(key, value, { maxKeys: 3 }) as fc.Arbitrary<JsonObject>
  const path = fc.array(key, { maxLength: 4 })
  const command: fc.Arbitrary<Command> = fc.oneof(
    fc.record({ action: fc.constant('create' as const), path, id: key, props }),
    fc.record({
      action: fc.constant('create' as const),
      path,
      id: key,
      props,
      parentDefault: props,
    }),
    fc.record({ action: fc.constant('update' as const), path, props }),
    fc.record({
      action: fc.constant('update' as const),
      path,
      unset: fc.array(key, { maxLength: 2 }),
    }),
    fc.record({ action: fc.constant('delete' as const), path }),
  )

  test('what is not theirs is as it was, as long as its item is there', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 8 }), (commands) => {
        const { send, master } = play()
        for (const next of commands) {
          const before = master.read(A) as JsonObject | undefined
          send(next)
          const after = master.read(A) as JsonObject | undefined
          // A new item may have the id of one that was deleted.
          const isNew = before === undefined || after === undefined || !('at' in before)
          if (!isNew)
            expect([after['at'], after['owner'], after['log']]).toEqual(
              ['at', 'owner', 'log'].map((name) => before[name]),
            )
          expect(after ? Object.keys(after) : []).not.toContain('admin')
        }
        expect(master.read(['profile', 'owner'])).toBe('ada')
        expect(master.read(['stats'])).toEqual(DOCUMENT.stats)
        expect(master.keys()).toEqual(['tasks', 'profile', 'stats'])
      }),
      { numRuns: 3000 },
    )
  })
})
