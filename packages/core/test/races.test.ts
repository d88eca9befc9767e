import type { Command, JsonObject } from '@flushout/core'
import { World } from '@flushout/core/testing'
import { describe, expect, test } from 'vitest'

/** What two clients do at once, first to arrive first, and what comes of it. */
interface Race {
  readonly title: string
  readonly first: Command
  readonly second: Command
  /** Of the second's command, where it is not applied as given. */
  readonly outcome?: 'dropped' | 'amended'
  readonly document: unknown
}

// What both start from.
const START: JsonObject = { a: { x: 1, y: 1 }, b: { c: { z: 1 } }, list: [1, 2], gone: {} }
const { a, b, list, gone } = START

const set = (path: string[], props: JsonObject, unset?: string[]): Command => ({
  action: 'update',
  path,
  props,
  ...(unset && { unset }),
})
const remove = (...path: string[]): Command => ({ action: 'delete', path })
const create = (
  path: string[],
  id: string,
  props: JsonObject,
  parentDefault?: JsonObject,
): Command => ({ action: 'create', path, id, props, ...(parentDefault && { parentDefault }) })

const races: Race[] = [
  {
    title: 'update and update of one prop: the later one wins',
    first: set(['a'], { x: 'first' }),
    second: set(['a'], { x: 'second' }),
    document: { a: { x: 'second', y: 1 }, b, list, gone },
  },
  {
    title: 'update and update of different props: both stay',
    first: set(['a'], { x: 'first' }),
    second: set(['a'], { y: 'second' }),
    document: { a: { x: 'first', y: 'second' }, b, list, gone },
  },
  {
    title: 'update of a prop and update of a node below: both stay',
    first: set(['b'], { n: 1 }),
    second: set(['b', 'c'], { z: 2 }),
    document: { a, b: { c: { z: 2 }, n: 1 }, list, gone },
  },
  {
    title: 'update of a node below a prop that another replaced: it applies to the new node',
    first: set(['b'], { c: { z: 9, w: 9 } }),
    second: set(['b', 'c'], { z: 2 }),
    document: { a, b: { c: { z: 2, w: 9 } }, list, gone },
  },
  {
    title: 'update of a node below a prop that became a value: it is dropped',
    first: set(['b'], { c: 5 }),
    second: set(['b', 'c'], { z: 2 }),
    outcome: 'dropped',
    document: { a, b: { c: 5 }, list, gone },
  },
  {
    title: 'update and replacing of the whole above: the replacing wins',
    first: set(['b', 'c'], { z: 2 }),
    second: set(['b'], { c: { z: 9 } }),
    document: { a, b: { c: { z: 9 } }, list, gone },
  },
  {
    title: 'update and unset of one prop: the later one wins',
    first: set(['a'], { x: 2 }),
    second: set(['a'], {}, ['x']),
    document: { a: { y: 1 }, b, list, gone },
  },
  {
    title: 'unset and update of one prop: the later one wins',
    first: set(['a'], {}, ['x']),
    second: set(['a'], { x: 2 }),
    document: { a: { y: 1, x: 2 }, b, list, gone },
  },
  {
    title: 'unset and unset of one prop: one removal',
    first: set(['a'], {}, ['x']),
    second: set(['a'], {}, ['x']),
    document: { a: { y: 1 }, b, list, gone },
  },
  {
    title: 'array and array: lists are values, the later one wins whole',
    first: set([], { list: [1, 2, 3] }),
    second: set([], { list: [0, 1, 2] }),
    document: { a, b, list: [0, 1, 2], gone },
  },
  {
    title: 'update and delete of one node: it is deleted',
    first: set(['a'], { x: 2 }),
    second: remove('a'),
    document: { b, list, gone },
  },
  {
    title: 'delete and update of one node: the update is dropped, not the node restored',
    first: remove('a'),
    second: set(['a'], { x: 2 }),
    outcome: 'dropped',
    document: { b, list, gone },
  },
  {
    title: 'delete and update of a node below: the update is dropped',
    first: remove('b'),
    second: set(['b', 'c'], { z: 2 }),
    outcome: 'dropped',
    document: { a, list, gone },
  },
  {
    title: 'update of a prop and delete of that prop: it is deleted',
    first: set(['a'], { x: 2 }),
    second: remove('a', 'x'),
    document: { a: { y: 1 }, b, list, gone },
  },
  {
    title: 'delete of a prop and update of it: it is set',
    first: remove('a', 'x'),
    second: set(['a'], { x: 2 }),
    document: { a: { y: 1, x: 2 }, b, list, gone },
  },
  {
    title: 'delete and delete of one node: one removal, both applied',
    first: remove('gone'),
    second: remove('gone'),
    document: { a, b, list },
  },
  {
    title: 'delete of a node and of one below it: the second is dropped',
    first: remove('b'),
    second: remove('b', 'c'),
    outcome: 'dropped',
    document: { a, list, gone },
  },
  {
    title: 'delete of a node and of the one above: both apply',
    first: remove('b', 'c'),
    second: remove('b'),
    document: { a, list, gone },
  },
  {
    title: 'create under a node and delete of it: all of it is deleted',
    first: create(['gone'], 'n', {}),
    second: remove('gone'),
    document: { a, b, list },
  },
  {
    title: 'delete of a node and create under it: the create is dropped',
    first: remove('gone'),
    second: create(['gone'], 'n', {}),
    outcome: 'dropped',
    document: { a, b, list },
  },
  {
    title: 'delete of a node and create under it with parentDefault: the parent is made anew',
    first: remove('gone'),
    second: create(['gone'], 'n', { n: 1 }, { made: true }),
    document: { a, b, list, gone: { made: true, n: { n: 1 } } },
  },
  {
    title: 'create and create of different ids: both, in order',
    first: create([], 'n', { by: 1 }),
    second: create([], 'm', { by: 2 }),
    document: { ...START, n: { by: 1 }, m: { by: 2 } },
  },
  {
    title: 'create and create of one id: both, the second renamed',
    first: create([], 'n', { by: 1 }),
    second: create([], 'n', { by: 2 }),
    outcome: 'amended',
    document: { ...START, n: { by: 1 }, 'master-1': { by: 2 } },
  },
  {
    title: 'create of one parent by parentDefault twice: one parent, both children',
    first: create(['new'], 'n', {}, { by: 1 }),
    second: create(['new'], 'm', {}, { by: 2 }),
    document: { ...START, new: { by: 1, n: {}, m: {} } },
  },
  {
    title: 'a value where parentDefault would make a parent: the create is dropped',
    first: set([], { new: 5 }),
    second: create(['new'], 'm', {}, {}),
    outcome: 'dropped',
    document: { ...START, new: 5 },
  },
  {
    title: 'update with a key and create of it: the create is renamed',
    first: set([], { n: 1 }),
    second: create([], 'n', { by: 2 }),
    outcome: 'amended',
    document: { ...START, n: 1, 'master-1': { by: 2 } },
  },
  {
    title: 'create of a key and update with it: the update replaces',
    first: create([], 'n', { by: 1 }),
    second: set([], { n: 2 }),
    document: { ...START, n: 2 },
  },
]

describe('when two clients meet', () => {
  for (const { title, first, second, outcome, document } of races) {
    test(`${title}, whoever hears of it how`, () => {
      for (const maxHistoryBytes of [100_000, 0]) {
        for (const isNoticedBefore of [false, true]) {
          const world = new World<JsonObject>(START, { master: { maxHistoryBytes } })
          const [ada, bob] = [world.join('ada'), world.join('bob')]
          const applied = ada.proxy.apply(first)
          const raced = bob.proxy.apply(second)
          expect([applied.ok, raced.ok]).toEqual([true, true])
          ada.settle()
          // By live news before its own flush, or by the answer to that.
          if (isNoticedBefore)
            bob.proxy.receive(world.master.pull(bob.proxy.confirmed.from, bob.proxy.confirmed.hash))
          world.settle()
          expect(applied.outcome).toEqual({ kind: 'applied' })
          const text = JSON.stringify(world.master.snapshot().document)
          for (const { proxy } of world.peers) expect(JSON.stringify(proxy.read())).toBe(text)
          if (outcome === 'amended') {
            // Renamed by the master, or here before it was sent.
            expect(text).toBe(JSON.stringify(document).replace('master-1', raced.id))
            expect(raced.id).not.toBe('n')
          } else {
            expect(raced.outcome!.kind).toBe(outcome ?? 'applied')
            expect(text).toBe(JSON.stringify(document))
          }
          expect(bob.proxy.rejections).toHaveLength(outcome === 'dropped' ? 1 : 0)
        }
      }
    })
  }
})
