import type { JsonObject, JsonValue, Path } from '@flushout/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CheckedCommand } from '../src/check.ts'
import type { Change } from '../src/document.ts'
import { measureJson } from '../src/json.ts'
import { MeasuredTree } from '../src/measured-tree.ts'
import { applyCommand } from './support/apply-command.ts'
import { document, path, value, wide } from './support/arbitraries.ts'
import { checked, frozen, identities, isDeeplyFrozen, open, script } from './support/engine.ts'

describe('after any script of commands', () => {
  test('the engine holds what the reference makes of it, keys in the same order', () => {
    fc.assert(
      fc.property(document, script, (document, commands) => {
        const tree = open(document)
        let reference = document
        for (const one of commands.map(checked)) {
          const next = applyCommand(reference, one)
          const changes: Change[] = []
          expect(tree.apply(one, changes) === undefined).toBe(next !== undefined)
          if (!next) expect(changes).toEqual([])
          reference = next ?? reference
          expect(JSON.stringify(tree.read())).toBe(JSON.stringify(reference))
          expect(tree.keys()).toEqual(Object.keys(reference))
          expect(tree.size()).toBe(Object.keys(reference).length)
        }
      }),
      { numRuns: 800 },
    )
  })

  test('reads of single places agree with the document', () => {
    fc.assert(
      fc.property(
        document,
        script,
        fc.array(path, { maxLength: 8 }),
        (document, commands, paths) => {
          const tree = open(document)
          for (const one of commands) tree.apply(checked(one), [])
          for (const path of paths) {
            // Before the whole, so that nothing is made in advance.
            const found = tree.read(path)
            const keys = tree.keys(path)
            const expected = path.reduce<JsonValue | undefined>(
              (value, key) =>
                typeof value === 'object' &&
                !Array.isArray(value) &&
                value &&
                Object.hasOwn(value, key)
                  ? (value as JsonObject)[key]
                  : undefined,
              tree.read(),
            )
            expect(found).toBe(expected)
            expect(tree.has(path)).toBe(expected !== undefined)
            const isNode =
              typeof expected === 'object' && expected !== null && !Array.isArray(expected)
            expect(keys).toEqual(isNode ? Object.keys(expected) : [])
            expect(tree.size(path)).toBe(keys.length)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('taking it back restores document, order and identities', () => {
    fc.assert(
      fc.property(document, script, script, (document, first, second) => {
        const tree = open(document)
        for (const one of first) tree.apply(checked(one), [])
        const before = identities(tree)
        const text = JSON.stringify(tree.read())
        const changes: Change[] = []
        for (const one of second) tree.apply(checked(one), changes)
        tree.undo(changes)
        expect(changes).toEqual([])
        expect(JSON.stringify(tree.read())).toBe(text)
        for (const [path, value] of identities(tree)) expect(value).toBe(before.get(path))
      }),
      { numRuns: 300 },
    )
  })

  test('all that was handed out on the way is deeply frozen, and was never written', () => {
    fc.assert(
      fc.property(document, script, (document, commands) => {
        const tree = open(document)
        const seen: [JsonValue, string][] = []
        const changes: Change[] = []
        for (const one of commands) {
          tree.apply(checked(one), changes)
          const value = tree.read()!
          seen.push([value, JSON.stringify(value)])
        }
        tree.undo(changes)
        for (const [value, text] of seen) {
          expect(isDeeplyFrozen(value)).toBe(true)
          expect(JSON.stringify(value)).toBe(text)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('only what a command changed has another identity', () => {
    fc.assert(
      fc.property(document, script, (document, commands) => {
        const tree = open(document)
        for (const one of commands.map(checked)) {
          const before = identities(tree)
          tree.apply(one, [])
          for (const [path, value] of identities(tree)) {
            const old = before.get(path)
            if (isReplaced(JSON.parse(path) as Path, one)) continue
            if (JSON.stringify(value) === JSON.stringify(old)) expect(value).toBe(old)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test('the list of keys is another one only when a key came or went', () => {
    fc.assert(
      fc.property(document, script, (document, commands) => {
        const tree = open(document)
        for (const one of commands.map(checked)) {
          const nodes = [...identities(tree).keys()].map((path) => JSON.parse(path) as Path)
          const before = nodes.map((path) => tree.keys(path))
          tree.apply(one, [])
          nodes.forEach((path, index) => {
            const keys = tree.keys(path)
            if (!tree.has(path)) return
            if (JSON.stringify(keys) === JSON.stringify(before[index])) {
              // A node that was replaced as a whole may have a list of its own.
              if (isReplaced(path, one)) return
              expect(keys).toBe(before[index])
            } else expect(keys).not.toBe(before[index])
            expect(Object.isFrozen(keys)).toBe(true)
          })
        }
      }),
      { numRuns: 200 },
    )
  })

  test('the size kept is the size measured', () => {
    fc.assert(
      fc.property(document, script, fc.nat(25), document, (document, commands, kept, other) => {
        const tree = new MeasuredTree(frozen(structuredClone(document)))
        for (const one of commands.slice(0, kept)) tree.apply(checked(one), [])
        const changes: Change[] = []
        for (const one of commands.slice(kept)) tree.apply(checked(one), changes)
        expect(tree.bytes).toBe(measureJson(tree.read()!))
        tree.undo(changes)
        expect(tree.bytes).toBe(measureJson(tree.read()!))
        tree.replace(frozen(structuredClone(other)))
        expect(tree.bytes).toBe(measureJson(other))
      }),
      { numRuns: 300 },
    )
  })
})

function isReplaced(path: Path, command: CheckedCommand): boolean {
  if (command.action !== 'update') return false
  const at = command.path
  const key = path[at.length]
  return (
    path.length > at.length &&
    at.every((segment, index) => segment === path[index]) &&
    key !== undefined &&
    Object.hasOwn(command.props ?? {}, key)
  )
}

test('setting what is there already changes no identity', () => {
  fc.assert(
    fc.property(document, value, (document, value) => {
      const tree = open({ ...document, a: value })
      const before = tree.read()
      const keys = tree.keys()
      tree.apply(checked({ action: 'update', props: { a: structuredClone(value) } }), [])
      expect(tree.read()).toBe(before)
      expect(tree.keys()).toBe(keys)
    }),
    { numRuns: 300 },
  )
})

test('setting a wide node to what it is changes no identity, though it was written to', () => {
  const tree = open({ todos: wide(40) })
  tree.apply(checked({ action: 'update', path: ['todos', 't1'], props: { done: true } }), [])
  const before = tree.read() as { todos: JsonObject }
  tree.apply(checked({ action: 'update', props: structuredClone(before) }), [])
  expect(tree.read(['todos'])).toBe(before.todos)
  tree.apply(checked({ action: 'update', path: ['todos', 't1'], props: { done: false } }), [])
  expect(tree.read(['todos', 't1'])).toEqual({ n: 1, done: false })
})

test('setting an object with its keys in another order changes the order', () => {
  for (const document of [{ a: { x: 1, y: 2 } }, { ...wide(40), a: { x: 1, y: 2 } }]) {
    const tree = open(document)
    tree.apply(checked({ action: 'update', props: { a: { y: 2, x: 1 } } }), [])
    expect(JSON.stringify(tree.read(['a']))).toBe('{"y":2,"x":1}')
  }
})
