// Who may create, update and delete which nodes.
import { PROTOCOL, type Command, type JsonObject, type User } from '@flushout/core'
import { defineModel, type Can, type NodeView } from '@flushout/core/define'
import { World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

const TASKS = {
  admins: { root: true },
  tasks: { a: { text: 'Milk', owner: 'ada', place: { shop: 'here' } }, b: { owner: 'bob' } },
}

/** Only the owner changes a task, in these words; everybody adds some; the rest is forbidden. */
const can: Can = (user, action, node) => {
  if (!user) return undefined
  if (node.document.read(['admins', user.id]) === true) return true
  if (action === 'create' && node.path.join('.') === 'tasks') return true
  if (node.path[0] !== 'tasks' || node.path.length < 2) return undefined
  const owner = node.document.read([...node.path.slice(0, 2), 'owner'])
  return owner === user.id || 'Only the owner of a task may do that.'
}

function play(rule: Can, user: User | undefined) {
  const { interceptors, findRefusal } = defineModel({ pattern: 'team:$id', rules: { can: rule } })
  const world = new World<JsonObject>(TASKS, { master: { interceptors } })
  const { proxy } = world.join('page', { interceptors, ...(user && { user }) })
  let sequence = 0
  return {
    world,
    findRefusal: findRefusal!,
    /** What the page says, and what the server says to who goes round the page. */
    try(command: Command) {
      const { rejection } = proxy.apply(command)
      sequence += 1
      const sender = { clientId: 'forger', sequence, from: 0, hash: '' }
      const { verdicts } = world.master.apply(
        { protocol: PROTOCOL, ...sender, commands: [command] },
        { user, now: 0, seed: '' },
      )
      expect(verdicts).toEqual(rejection ? [{ index: 0, kind: 'rejected', rejection }] : [])
      return rejection?.message
    },
  }
}

const rename: Command = { action: 'update', path: ['tasks', 'a'], props: { text: 'Oat milk' } }
const NOT_OWNER = 'Only the owner of a task may do that.'

describe('with `can`', () => {
  test('who is told true may, and who is told why not hears it on both sides', () => {
    expect(play(can, { id: 'ada' }).try(rename)).toBeUndefined()
    const { world, ...bob } = play(can, { id: 'bob' })
    expect(bob.try(rename)).toBe(NOT_OWNER)
    expect(world.master.commandCount).toBe(0)
  })

  test.each<[string, Can]>([
    ['says nothing', () => undefined],
    ['says no', () => false],
    ['says something else', (() => 1) as unknown as Can],
    ['answers later', (async () => true) as unknown as Can],
    ['fails later', (() => Promise.reject(new Error('late'))) as unknown as Can],
  ])('that %s, nobody may, whatever the verb', (_what, rule) => {
    const { world, ...ada } = play(rule, { id: 'ada' })
    expect(ada.try(rename)).toBe('You may not update this.')
    expect(ada.try({ action: 'create', path: ['tasks'], id: 'c' })).toBe('You may not create this.')
    expect(ada.try({ action: 'delete', path: ['tasks', 'a'] })).toBe('You may not delete this.')
    expect(world.master.commandCount).toBe(0)
  })

  test('that throws, nobody may, and what it threw is told to nobody', () => {
    const { findRefusal, world, ...ada } = play(
      () => {
        throw new Error('secret')
      },
      { id: 'ada' },
    )
    const why = ada.try(rename)
    expect(why).toBe('A rule for this command failed.')
    expect(findRefusal({ id: 'ada' }, 'update', world.master, ['tasks', 'a'])).toEqual({
      code: 'INTERCEPTOR_FAILED',
      message: why,
      at: ['tasks', 'a'],
    })
  })

  test('who is not logged in is nobody', () => {
    expect(play(can, undefined).try(rename)).toBe('You may not update this.')
  })

  test.each<[string, Command, string | undefined]>([
    ['a node that is replaced by an update of its parent', set(['tasks'], { a: { text: '' } }), ''],
    ['a node that is taken away by one', unset(['tasks'], 'a'), ''],
    ['all of them, by an update of the document', set([], { tasks: {} }), ''],
    ['a field of one, by a delete', { action: 'delete', path: ['tasks', 'a', 'text'] }, NOT_OWNER],
    ['a node in it', { action: 'delete', path: ['tasks', 'a', 'place'] }, NOT_OWNER],
    ['a node that is to be put there', { action: 'create', path: [], id: 'other' }, ''],
  ])('there is no way round it: it is asked about %s', (_what, command, why) => {
    const { world, ...bob } = play(can, { id: 'bob' })
    expect(bob.try(command)).toEqual(why || expect.stringMatching(/^You may not/))
    expect(world.master.read()).toEqual(TASKS)
  })

  test('an update that replaces a node is asked about as a delete and a create, too', () => {
    const asked: string[] = []
    const listen: Can = (_user, action, { path }) => {
      asked.push(`${action} ${path.join('.')}`)
      return true
    }
    play(listen, { id: 'ada' }).try(set(['tasks'], { a: {}, n: 1 }))
    expect(new Set(asked)).toEqual(new Set(['update tasks', 'delete tasks.a', 'create tasks']))
  })

  test('a create that makes its parent on the way is asked about both', () => {
    const inLogs: Can = (_user, action, { path }) => action === 'create' && path[0] === 'logs'
    const create: Command = { action: 'create', path: ['logs'], id: 'x', parentDefault: {} }
    expect(play(inLogs, { id: 'ada' }).try(create)).toBe('You may not create this.')
  })

  test('it sees the node before the command, what is to be set, and all around', () => {
    const seen: unknown[] = []
    const look: Can = (user, action, { path, read, document, props, unset: gone }: NodeView) => {
      seen.push([user, action, path, read('text'), read('place', 'shop'), read('x'), props, gone])
      return document.read(['tasks', 'b', 'owner']) === 'bob'
    }
    const ada = play(look, { id: 'ada' })
    ada.try({ action: 'update', path: ['tasks', 'a'], props: { text: 'x' }, unset: ['place'] })
    const told = [{ text: 'x' }, ['place']]
    expect(seen[0]).toEqual([
      { id: 'ada' },
      'update',
      ['tasks', 'a'],
      'Milk',
      'here',
      undefined,
      ...told,
    ])
  })

  test('asked in advance, it answers as to the command', () => {
    const { findRefusal, world, ...bob } = play(can, { id: 'bob' })
    const refusal = findRefusal({ id: 'bob' }, 'update', world.master, ['tasks', 'a'])
    expect(refusal).toEqual({ code: 'FORBIDDEN', message: bob.try(rename), at: ['tasks', 'a'] })
    expect(findRefusal({ id: 'ada' }, 'update', world.master, ['tasks', 'a'])).toBeUndefined()
  })

  test('what a rule has follow is done, though the user may not do it', () => {
    const { interceptors } = defineModel({
      pattern: 'team:$id',
      rules: { can: (_user, _action, { path }) => path[0] === 'tasks' },
      intercept: [
        (_document, { path = [] }) =>
          path[0] === 'tasks'
            ? { follow: [{ action: 'create', path: ['log'], props: { at: path.join('.') } }] }
            : undefined,
      ],
    })
    const world = new World<JsonObject>({ ...TASKS, log: {} }, { master: { interceptors } })
    const ada = world.join('ada', { user: { id: 'ada' }, interceptors })
    ada.proxy.apply(rename)
    ada.settle()
    expect(Object.values(world.master.read(['log']) as JsonObject)).toEqual([{ at: 'tasks.a' }])
  })

  test('a wide node is not read to find out that it is one', () => {
    const rows = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`r${index}`, {}]))
    const { interceptors } = defineModel({ pattern: 'a', rules: { can: () => true } })
    const reads: string[] = []
    const { master } = new World<JsonObject>({ rows })
    const view = {
      read(path: readonly string[] = []) {
        reads.push(path.join('.'))
        return master.read(path)
      },
      keys: (path?: readonly string[]) => master.keys(path),
      size: (path?: readonly string[]) => master.size(path),
    }
    for (const command of [set([], { rows: {} }), { action: 'delete', path: ['rows'] } as const]) {
      const context = { side: 'master', user: undefined, now: 0, random: () => 0 } as const
      interceptors[0]!(view, command, context)
    }
    expect(reads).toEqual([])
  })
})

test('without `can`, nothing is asked', () => {
  expect(defineModel({ pattern: 'team:$id' })).not.toHaveProperty('findRefusal')
  expect(defineModel({ pattern: 'team:$id', rules: {} }).interceptors).toEqual([])
})

function set(path: readonly string[], props: JsonObject): Command {
  return { action: 'update', path, props }
}

function unset(path: readonly string[], key: string): Command {
  return { action: 'update', path, unset: [key] }
}
