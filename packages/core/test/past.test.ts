import {
  Blame,
  CommandProxy,
  difference,
  applyAll,
  type Command,
  type HistoryEntry,
  type JsonObject,
} from '@flushout/core'
import { createTestIds } from '@flushout/core/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

const key = fc.constantFrom('a', 'b', 'c', '1', '')
const value = fc.oneof(
  fc.integer({ min: 0, max: 2 }),
  fc.constant(null),
  fc.constant([1, { x: 1 }]),
)
const { document } = fc.letrec<{ document: JsonObject }>((tie) => ({
  document: fc.dictionary(key, fc.oneof({ maxDepth: 4 }, value, tie('document')), {
    noNullPrototype: true,
  }) as fc.Arbitrary<JsonObject>,
}))

function createProxy(start: JsonObject): CommandProxy {
  const snapshot = { commandCount: 0, hash: '', document: start }
  return new CommandProxy(snapshot, { createId: createTestIds('t'), now: () => 0 })
}

test('a difference makes the one document of the other', () => {
  fc.assert(
    fc.property(document, document, (before, after) => {
      const proxy = createProxy(before)
      const receipts = applyAll(proxy, () => difference(before, after))
      expect(receipts.every(({ ok }) => ok)).toBe(true)
      expect(proxy.read()).toEqual(after)
    }),
  )
})

test('a difference touches nothing that is the same', () => {
  const before = { title: 'A', todos: { a: { text: 'x', tags: ['t'] }, b: { text: 'y' } }, old: 1 }
  const after = { title: 'A', todos: { a: { text: 'z', tags: ['t'] }, c: { n: 1 } } }
  expect(difference(before, after)).toEqual([
    { action: 'delete', path: ['todos', 'b'] },
    { action: 'update', path: ['todos', 'a'], props: { text: 'z' } },
    { action: 'create', path: ['todos'], id: 'c', props: { n: 1 } },
    { action: 'update', path: [], unset: ['old'] },
  ])
  expect(difference(before, before)).toEqual([])
})

/** What is known of the node `todos/a` after commands that are given the oldest first. */
function blame(...commands: Command[]) {
  const blamed = new Blame(['todos', 'a'])
  const entries = commands.map((command, index): HistoryEntry => ({
    from: index,
    to: index + 1,
    clientId: 'c',
    userId: 'ada',
    at: 0,
    commands: [command],
  }))
  for (const entry of entries.toReversed()) blamed.add(entry)
  const fields = Object.entries(blamed.of(['text', 'done', 'tags']))
  return {
    ...Object.fromEntries(fields.map(([field, { to }]) => [field, to])),
    isComplete: blamed.isComplete,
  }
}

test('a field was written by the last command that set it, or made its node', () => {
  expect(
    blame(
      { action: 'update', path: ['todos', 'a'], props: { text: 'before' } },
      { action: 'create', path: ['todos'], id: 'a', props: { text: 'x' } },
      { action: 'create', path: ['todos', 'a', 'tags'], id: 't', props: {} },
      { action: 'update', path: ['todos', 'a'], props: { done: true } },
      { action: 'update', path: ['todos', 'a'], unset: ['due'] },
      { action: 'update', path: ['todos', 'b'], props: { text: 'another' } },
    ),
  ).toEqual({ text: 2, tags: 3, done: 4, due: 5, isComplete: true })
})

test('who may have made a node did so only if nobody before is known', () => {
  const perhaps: Command = {
    action: 'create',
    path: ['todos', 'a'],
    id: 'child',
    props: {},
    parentDefault: { text: 'x' },
  }
  expect(blame(perhaps, perhaps)).toEqual({ child: 2, text: 1, isComplete: false })
  const made: Command = { action: 'create', path: ['todos'], id: 'a', props: {} }
  expect(blame(made, perhaps)).toEqual({ child: 2, text: 1, done: 1, tags: 1, isComplete: true })
})
