import type { JsonObject, Path } from '@flushout/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CheckedCommand } from '../src/check.ts'
import type { Change, DocumentTree } from '../src/document.ts'
import { applyCommand } from './support/apply-command.ts'
import { document, wide } from './support/arbitraries.ts'
import { checked, frozen, identities, open, script } from './support/engine.ts'

/** What a rebase does: take back, go another way, put on again. */
function rebase(tree: DocumentTree, pending: CheckedCommand[], advance: () => void): Path[] {
  const lists: Change[][] = []
  for (const one of pending) {
    const changes: Change[] = []
    tree.apply(one, changes)
    lists.push(changes)
  }
  identities(tree)
  return tree.settle(() => {
    for (const changes of lists.toReversed()) tree.undo(changes)
    advance()
    for (const one of pending) tree.apply(one, [])
  })
}

describe('a rebase', () => {
  test('that ends where it began names no paths and keeps every identity', () => {
    fc.assert(
      fc.property(document, script, script, (document, first, second) => {
        const tree = open(document)
        for (const one of first) tree.apply(checked(one), [])
        const pending = second.map(checked)
        const text = JSON.stringify(tree.read())
        const paths = rebase(tree, pending, () => {
          expect(JSON.stringify(tree.read())).toBe(text)
        })
        const before = identities(tree)
        expect(paths).toEqual([])
        expect(
          tree.settle(() => tree.replace(frozen(structuredClone(tree.read() as JsonObject)))),
        ).toEqual([])
        for (const [path, value] of identities(tree)) expect(value).toBe(before.get(path))
      }),
      { numRuns: 300 },
    )
  })

  test('names every path that is different, and keeps the identity of all that is equal', () => {
    fc.assert(
      fc.property(
        document,
        script,
        script,
        document,
        fc.boolean(),
        (document, mine, theirs, other, isWhole) => {
          const tree = open(document)
          const pending = mine.map(checked)
          const lists: Change[][] = []
          for (const one of pending) {
            const changes: Change[] = []
            tree.apply(one, changes)
            lists.push(changes)
          }
          const before = identities(tree)
          const paths = tree.settle(() => {
            for (const changes of lists.toReversed()) tree.undo(changes)
            if (isWhole) tree.replace(frozen(structuredClone(other)))
            else for (const one of theirs) tree.apply(checked(one), [])
            for (const one of pending) tree.apply(one, [])
          })
          const after = identities(tree)
          for (const name of new Set([...before.keys(), ...after.keys()])) {
            const path = JSON.parse(name) as Path
            const was = JSON.stringify(before.get(name))
            const is = JSON.stringify(after.get(name))
            const isNamed = paths.some((one) =>
              one.every((key, index) => index >= path.length || key === path[index]),
            )
            // Whoever listens there must be called.
            if (was !== is) expect(isNamed, `${name} changed unsaid`).toBe(true)
            else expect(after.get(name)).toBe(before.get(name))
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('keeps a wide node that was created and edited before', () => {
    const tree = open({})
    const pending = [
      checked({ action: 'create', id: 'todos', props: wide(40) }),
      checked({ action: 'update', path: ['todos', 't1'], props: { done: true } }),
    ]
    const paths = rebase(tree, pending, () => {
      tree.apply(checked({ action: 'update', props: { title: 'Shop' } }), [])
    })
    expect(paths).toEqual([['title']])
  })

  test('names a wide node whose keys came back in another order, and no other', () => {
    const tree = open({ todos: wide(40), other: wide(40) })
    const mine = (['todos', 'other'] as const).flatMap((list) => [
      checked({ action: 'create', path: [list], id: 'x' }),
      checked({ action: 'update', path: [list], props: { y: 1 } }),
    ])
    const changes: Change[] = []
    for (const one of mine) tree.apply(one, changes)
    const keys = tree.keys(['other'])
    const paths = tree.settle(() => {
      tree.undo(changes)
      tree.apply(checked({ action: 'update', path: ['todos'], props: { y: 1 } }), [])
      for (const one of mine) tree.apply(one, [])
    })
    expect(paths).toEqual([['todos']])
    expect(tree.keys(['todos']).slice(-2)).toEqual(['y', 'x'])
    expect(tree.keys(['other'])).toBe(keys)
  })

  test('names a wide node that was created before and has lost or got a key since', () => {
    for (const theirs of [
      { action: 'delete', path: ['todos', 't2'] },
      { action: 'create', path: ['todos'], id: 'new' },
    ] as const) {
      const tree = open({})
      const mine = [
        checked({ action: 'create', id: 'todos', props: wide(40) }),
        checked({ action: 'update', path: ['todos', 't1'], props: { done: true } }),
      ]
      const changes: Change[] = []
      for (const one of mine) tree.apply(one, changes)
      const before = tree.read(['todos', 't1'])
      const paths = tree.settle(() => {
        tree.undo(changes)
        for (const one of [...mine, checked(theirs)]) tree.apply(one, [])
      })
      expect(paths).toContainEqual(['todos'])
      expect(tree.read(['todos', 't1'])).toBe(before)
    }
  })

  test('to a snapshot with one changed item names that item alone, and keeps the list of keys', () => {
    const tree = open({ todos: wide(100) })
    tree.apply(checked({ action: 'update', path: ['todos', 't1'], props: { done: true } }), [])
    const before = tree.read() as { todos: JsonObject }
    const keys = tree.keys(['todos'])
    const next = { todos: { ...before.todos, t2: { n: 'other' } } }
    expect(tree.settle(() => tree.replace(frozen(structuredClone(next))))).toEqual([
      ['todos', 't2', 'n'],
    ])
    expect(tree.read()).toEqual(next)
    expect(tree.keys(['todos'])).toBe(keys)
    expect(tree.read(['todos', 't1'])).toBe(before.todos['t1'])
  })

  test('to a snapshot with the same keys in another order follows the order', () => {
    const tree = open({ a: 1, b: 2, c: 3 })
    expect(tree.settle(() => tree.replace(frozen({ c: 3, a: 1, b: 2 })))).toEqual([[]])
    expect(JSON.stringify(tree.read())).toBe('{"c":3,"a":1,"b":2}')
    tree.apply(checked({ action: 'update', props: { d: 4 } }), [])
    expect(tree.keys()).toEqual(['c', 'a', 'b', 'd'])
    const nested = open({ a: { x: 1, y: 2 } })
    expect(nested.settle(() => nested.replace(frozen({ a: { y: 2, x: 1 } })))).toEqual([['a']])
    expect(nested.keys(['a'])).toEqual(['y', 'x'])
  })

  test('to any snapshot ends with the snapshot, order of keys included', () => {
    fc.assert(
      fc.property(document, script, document, script, (first, mine, second, more) => {
        const tree = open(first)
        for (const one of mine) tree.apply(checked(one), [])
        tree.replace(frozen(structuredClone(second)))
        expect(JSON.stringify(tree.read())).toBe(JSON.stringify(second))
        let reference = second
        for (const one of more.map(checked)) {
          tree.apply(one, [])
          reference = applyCommand(reference, one) ?? reference
        }
        expect(JSON.stringify(tree.read())).toBe(JSON.stringify(reference))
      }),
      { numRuns: 300 },
    )
  })
})
