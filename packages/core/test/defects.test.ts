// Defects that systems of this kind had in their commands and documents, each
// under its number, and that must not come back. Those of the exchange between
// the two sides are in defects-exchange.test.ts.
import { type Command, CommandProxy, Master, type Snapshot } from '@flushout/core'
import { createTestIds, testDigest, World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

function open(document: object = {}, options: ConstructorParameters<typeof World>[1] = {}) {
  const world = new World<Record<string, any>>(document as Record<string, any>, options)
  const ada = world.join('ada')
  return { world, ada, proxy: ada.proxy, bob: world.join('bob') }
}

/** What both sides say to a command: the proxy to its user, the master to a client that sent it anyway. */
function refusals(document: Record<string, any>, command: unknown) {
  const { proxy, world } = open(document)
  const before = JSON.stringify(document)
  const local = proxy.apply(command as Command).rejection
  const flush = {
    ...proxy.beginFlush({ pull: true })!,
    sequence: 1,
    commands: [command as Command],
  }
  const [verdict] = world.master.apply(flush, { user: undefined, now: 0, seed: '' }).verdicts
  expect(JSON.stringify(proxy.read())).toBe(before)
  expect(JSON.stringify(world.master.snapshot().document)).toBe(before)
  expect(world.master.commandCount).toBe(0)
  return { local, master: verdict && 'rejection' in verdict ? verdict.rejection : undefined }
}

function expectRefused(document: Record<string, any>, command: unknown, rejection: object) {
  const { local, master } = refusals(document, command)
  expect(local).toMatchObject(rejection)
  expect(master).toEqual(local)
}

describe('commands', () => {
  test('X1: an action that is misspelt, "detete" too, gets a verdict and changes nothing', () => {
    for (const action of ['detete', 'Delete', '', 'toString', 'constructor']) {
      expectRefused({ a: 1 }, { action, path: ['a'] }, { code: 'COMMAND_UNKNOWN' })
    }
    for (const action of [undefined, null, 1, ['delete']]) {
      expectRefused({ a: 1 }, { action, path: ['a'] }, { code: 'COMMAND_UNKNOWN' })
    }
  })

  test('X2: names that lead to a prototype are refused in paths, keys and ids', () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const props = JSON.parse(`{"deep":[{"${name}":{"polluted":1}}]}`) as object
      for (const command of [
        { action: 'create', path: [name] },
        { action: 'create', id: name },
        { action: 'create', id: 'x', props },
        { action: 'create', path: ['new'], id: 'x', parentDefault: props },
        { action: 'update', path: ['a', name], props: { polluted: 1 } },
        { action: 'update', props },
        { action: 'update', unset: [name] },
        { action: 'delete', path: ['a', name] },
      ]) {
        expectRefused({ a: {} }, command, { code: 'KEY_FORBIDDEN' })
      }
    }
    expect({}).not.toHaveProperty('polluted')
  })

  test('X3: a path through null is refused by name, not by a TypeError', () => {
    expectRefused(
      { a: { b: null } },
      { action: 'update', path: ['a', 'b'], props: { x: 1 } },
      { code: 'NOT_A_NODE', at: ['a', 'b'] },
    )
    expectRefused(
      { a: null },
      { action: 'create', path: ['a', 'b', 'c'] },
      { code: 'NOT_A_NODE', at: ['a'] },
    )
    expectRefused(
      { a: null },
      { action: 'delete', path: ['a', 'b'] },
      { code: 'NOT_A_NODE', at: ['a'] },
    )
  })

  test('X4: the document itself cannot be deleted', () => {
    expectRefused({ undefined: 1 }, { action: 'delete', path: [] }, { code: 'ROOT_UNDELETABLE' })
    expectRefused({ undefined: 1 }, { action: 'delete' }, { code: 'ROOT_UNDELETABLE' })
  })

  test('X5: arrays are values, which no command reaches into', () => {
    const document = { list: [1, { a: 1 }] }
    for (const command of [
      { action: 'delete', path: ['list', '0'] },
      { action: 'create', path: ['list'], id: '1000000' },
      { action: 'create', path: ['list'], id: 'length' },
      { action: 'update', path: ['list'], props: { '2': 3 } },
      { action: 'update', path: ['list', '1'], props: { a: 2 } },
    ]) {
      expectRefused(document, command, { code: 'NOT_A_NODE', at: ['list'] })
    }
  })

  test('X6: undefined is refused where it would be lost on the way; unset removes a key on both sides', () => {
    expectRefused(
      { a: 1 },
      { action: 'update', props: { a: undefined } },
      { code: 'VALUE_INVALID', at: ['a'] },
    )
    const { world, proxy } = open({ a: 1, b: 2 })
    proxy.update([], {}, { unset: ['a', 'gone'] })
    world.settle()
    for (const { proxy } of world.peers) expect(proxy.read()).toEqual({ b: 2 })
    expect(world.master.snapshot().document).toEqual({ b: 2 })
  })

  test('X7: parentDefault survives an interceptor that amends the create', () => {
    const { world, proxy } = open(
      {},
      { master: { interceptors: [() => ({ props: { stamped: 1 } })] } },
    )
    const { id } = proxy.create(['todos'], {}, { parentDefault: { title: 'Todos' } })
    world.settle()
    expect(world.master.snapshot().document).toEqual({
      todos: { title: 'Todos', [id]: { stamped: 1 } },
    })
  })

  test('X8: parentDefault replaces no value, and is an object', () => {
    for (const value of [null, 0, '', false, [], 'text']) {
      const command = { action: 'create', path: ['a'], id: 'x', parentDefault: {} }
      expectRefused({ a: value }, command, { code: 'NOT_A_NODE', at: ['a'] })
    }
    for (const parentDefault of [1, 'text', null, []]) {
      expectRefused(
        {},
        { action: 'create', path: ['a'], id: 'x', parentDefault },
        { code: 'COMMAND_INVALID' },
      )
    }
  })

  test('X9: no parent is left behind when the child is refused', () => {
    const props = { n: Number.NaN }
    const command = { action: 'create', path: ['todos'], id: 'x', props, parentDefault: {} }
    expectRefused({}, command, { code: 'VALUE_INVALID', at: ['todos', 'x', 'n'] })
    expectRefused(
      {},
      { action: 'create', path: ['todos'], id: 'x', parentDefault: { x: 1 } },
      { code: 'ID_INVALID' },
    )
  })

  test('X20: a proposed id is tested among own keys, and is a string that is not empty', () => {
    const { proxy } = open({})
    for (const id of ['toString', 'hasOwnProperty', 'valueOf']) {
      expect(proxy.create([], { n: 1 }, { id }).id).toBe(id)
      expect(proxy.read([id])).toEqual({ n: 1 })
    }
    for (const id of ['', 7, null, true, {}, ['a'], '\ud800']) {
      expectRefused({}, { action: 'create', id }, { code: 'ID_INVALID' })
    }
  })

  test('X29: fields that no command has, and paths that are none, are refused', () => {
    expectRefused(
      { a: {} },
      { action: 'delete', path: ['a'], props: {} },
      { code: 'COMMAND_INVALID' },
    )
    expectRefused({}, { action: 'update', props: {}, user: 'eve' }, { code: 'COMMAND_INVALID' })
    expectRefused({ a: {} }, { action: 'update', path: 'a', props: {} }, { code: 'PATH_INVALID' })
    expectRefused({ '1': {} }, { action: 'update', path: [1], props: {} }, { code: 'PATH_INVALID' })
    expectRefused({}, { action: 'update', path: null }, { code: 'PATH_INVALID' })
    for (const props of [null, 1, 'text', []])
      expectRefused({}, { action: 'update', props }, { code: 'COMMAND_INVALID' })
    for (const command of [null, 1, 'delete', []]) {
      expect(refusals({}, command).local!.code).toMatch(/^COMMAND_(INVALID|UNKNOWN)$/)
    }
    expectRefused(
      {},
      { action: 'update', props: { a: 1 }, unset: ['a'] },
      { code: 'COMMAND_INVALID', at: ['a'] },
    )
  })

  test('X32: a refusal names the segment at fault as a path, whatever it is called', () => {
    expectRefused(
      { 'a,b': {} },
      { action: 'update', path: ['a,b', 'c.d', 'e'] },
      {
        code: 'PATH_NOT_FOUND',
        message: 'There is no "a,b" › "c.d" in the document.',
        at: ['a,b', 'c.d'],
      },
    )
    expectRefused(
      { '': {} },
      { action: 'update', path: ['', ''] },
      { code: 'PATH_NOT_FOUND', at: ['', ''] },
    )
  })

  test('X33: ids that are made here do not move to the front of their node', () => {
    const { proxy } = open({ last: {} })
    const { id } = proxy.create([])
    expect(proxy.keys()).toEqual(['last', id])
    expect(id).not.toMatch(/^\d+$/)
  })
})

describe('documents', () => {
  test('X10: snapshots and documents are deeply frozen, and never written again', () => {
    const given = { todos: { a: { tags: ['x'] } } }
    const { world, proxy } = open(given)
    const before = proxy.read()
    const snapshot = world.master.snapshot()
    const texts = JSON.stringify([before, snapshot])
    proxy.update(['todos', 'a'], { done: true })
    world.settle()
    expect(JSON.stringify([before, snapshot])).toBe(texts)
    given.todos.a.tags.push('y')
    expect(proxy.read(['todos', 'a', 'tags'])).toEqual(['x'])
    expect(() => (before['todos'].a.tags as string[]).push('z')).toThrow(TypeError)
    expect(() => delete (snapshot.document as Record<string, any>)['todos'].a).toThrow(TypeError)
  })

  test('X11: a queued command shares nothing with the object of its caller', () => {
    const { proxy } = open()
    const command = { action: 'update', path: [] as string[], props: { a: { list: [1] } } }
    proxy.apply(command as Command)
    command.props.a.list.push(2)
    command.path.push('gone')
    expect(proxy.beginFlush()!.commands).toEqual([
      { action: 'update', path: [], props: { a: { list: [1] } } },
    ])
    expect(proxy.read()).toEqual({ a: { list: [1] } })
  })

  test('X12: a snapshot in an answer keeps its count and content while the master goes on', () => {
    const { world, ada, bob } = open({}, { master: { maxHistoryBytes: 0 } })
    bob.proxy.update([], { b: 1 })
    bob.flush()
    const flush = ada.proxy.beginFlush({ pull: true })!
    const { sync } = world.master.apply(flush, { user: { id: 'ada' }, now: 0, seed: '' })
    bob.proxy.update([], { b: 2 })
    bob.flush()
    expect(sync).toMatchObject({ snapshot: { commandCount: 1, document: { b: 1 } } })
  })

  test('X13: a document that looks like a snapshot is a document; what is no snapshot is refused', () => {
    const document = { commandCount: 7, document: { a: 1 }, hash: 'x' }
    expect(open(document).proxy.read()).toEqual(document)
    expect(open(document).proxy.commandCount).toBe(0)
    const options = { createId: createTestIds('id'), now: () => 0, digest: testDigest }
    for (const bad of [
      null,
      undefined,
      {},
      { commandCount: 0, hash: '', document: null },
      { commandCount: 0, hash: '', document: [] },
      { commandCount: -1, hash: '', document: {} },
      { commandCount: 1.5, hash: '', document: {} },
      { commandCount: 0, document: {} },
    ]) {
      const refusal = expect.objectContaining({ code: 'OPTIONS_INVALID' })
      expect(() => new CommandProxy(bad as Snapshot, options)).toThrow(refusal)
      expect(() => new Master(bad as Snapshot, options)).toThrow(refusal)
    }
  })

  test('X30: beginning and ending a flush makes no copy of the document', () => {
    const { ada, proxy } = open({ todos: { a: {}, b: {} } })
    proxy.update(['todos', 'a'], { done: true })
    const before = proxy.read()
    const flush = proxy.beginFlush()!
    expect(proxy.read()).toBe(before)
    proxy.endFlush(ada.send(flush))
    expect(proxy.read()).toBe(before)
  })
})
