// How much work one hostile flush makes for a master: counted, not timed. A flush
// holds 500 commands and 256 KB at most, so what is linear in it stays small.
import { type Command, type JsonObject, Master } from '@flushout/core'
import { createTestIds, testDigest } from '@flushout/core/testing'
import { expect, test } from 'vitest'
import { context, flushOf } from './support/original.ts'
import { countWork } from './support/work.ts'

interface Attack {
  readonly document?: JsonObject
  readonly commands: readonly Command[]
}

const list = <T>(length: number, make: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => make(index))
const keyed = <T>(count: number, make: (index: number) => T) =>
  Object.fromEntries(list(count, (index) => [`k${index}`, make(index)]))
const deep = (levels: number): JsonObject => (levels === 0 ? {} : { a: deep(levels - 1) })
const tree = (levels: number, width: number): JsonObject =>
  levels === 0 ? { v: 0 } : keyed(width, () => tree(levels - 1, width))
const write = (path: readonly string[], count: number): Command[] =>
  list(count, (n) => ({ action: 'update', path, props: { v: n } }))

/** The work of applying an attack, and of taking it back. */
function workOf({ document = {}, commands }: Attack): Promise<number> {
  const snapshot = { commandCount: 0, hash: 'hash-0', document }
  const master = new Master(snapshot, {
    createId: createTestIds('master'),
    digest: testDigest,
    maxDocumentBytes: 1e9,
  })
  return countWork(() => {
    master.stage(flushOf(commands), context)
    master.rollback()
  })
}

const BY_COMMANDS: Record<string, (count: number) => Attack> = {
  'writes far down': (count) => ({
    document: deep(62),
    commands: write(Array(62).fill('a') as string[], count),
  }),
  'writes into a wide node': (count) => ({
    document: { a: keyed(5000, () => ({})) },
    commands: list(count, (n) => ({ action: 'update', path: ['a', `k${n}`], props: { v: n } })),
  }),
  'deletes and creates in a wide node': (count) => ({
    document: { a: keyed(5000, () => ({})) },
    commands: list(count, (n) =>
      n % 2
        ? { action: 'create', path: ['a'], id: `k${n - 1}` }
        : { action: 'delete', path: ['a', `k${n}`] },
    ),
  }),
  'commands that are refused': (count) => ({
    commands: list(count, (n) => ({ action: 'update', path: [`k${n}`, 'a'], props: {} })),
  }),
}

test.each(Object.entries(BY_COMMANDS))(
  '%s cost in proportion to their number',
  async (_, attack) => {
    // What is paid once, as for making a wide node a branch, is in both.
    const [few, many] = [await workOf(attack(40)), await workOf(attack(400))]
    expect(many / few).toBeLessThan(15)
  },
)

const BY_SIZE: Record<string, (size: number) => Attack> = {
  'keys of props': (size) => ({ commands: [{ action: 'update', props: keyed(size, () => 1) }] }),
  'keys to unset': (size) => ({
    document: { a: keyed(size, () => 1) },
    commands: [{ action: 'update', path: ['a'], unset: Object.keys(keyed(size, () => 1)) }],
  }),
  'keys set and unset': (size) => ({
    commands: [
      { action: 'update', props: keyed(size, () => 1), unset: list(size, (n) => `other${n}`) },
    ],
  }),
  'items of a list': (size) => ({
    commands: [{ action: 'update', props: { a: list(size, () => ({})) } }],
  }),
  'keys of a path': (size) => ({
    commands: [{ action: 'delete', path: list(size, () => 'a') }],
  }),
  'keys that look like indexes': (size) => ({
    commands: [
      { action: 'update', props: Object.fromEntries(list(size, (n) => [`${n * 7919}`, 1])) },
    ],
  }),
}

test.each(Object.entries(BY_SIZE))('%s cost in proportion to their number', async (_, attack) => {
  const [small, large] = [await workOf(attack(500)), await workOf(attack(5000))]
  expect(large / small).toBeLessThan(15)
})

const BESIDE: Record<string, (size: number) => Attack> = {
  'a long list': (size) => ({
    document: { a: { list: list(size, () => 1), v: 0 } },
    commands: write(['a'], 50),
  }),
  'a tree of narrow nodes': (size) => ({
    document: { a: tree(3, Math.round(Math.cbrt(size))) },
    commands: write(['a', 'k1', 'k1', 'k1'], 50),
  }),
  'a wide node': (size) => ({
    document: { a: { wide: keyed(size, () => ({})), v: 0 } },
    commands: write(['a'], 50),
  }),
}

test.each(Object.entries(BESIDE))('a write does not cost more beside %s', async (_, attack) => {
  const [small, large] = [await workOf(attack(27)), await workOf(attack(15_000))]
  expect(large / small).toBeLessThan(6)
})

// Each path of a flush may have to be compared with each other one: 500 commands
// at most, 64 keys each. Most differ at their end, where the comparison begins.
const PAIRS: Record<string, Attack> = {
  'commands below refused creates': {
    commands: [
      ...list(250, (n) => ({ action: 'create', path: Array(62).fill('a'), id: `k${n}` }) as const),
      ...list(250, () => ({ action: 'update', path: [...Array(62).fill('a'), 'b'] }) as const),
    ],
  },
  'commands below renamed nodes': {
    document: deep(62),
    commands: [
      ...list(250, () => ({ action: 'create', path: Array(61).fill('a'), id: 'a' }) as const),
      ...list(250, (n) => ({ action: 'update', path: [...Array(61).fill('a'), `k${n}`] }) as const),
    ],
  },
}

test.each(Object.entries(PAIRS))('%s are compared with little work', async (_, attack) => {
  expect(await workOf(attack)).toBeLessThan(1_000_000)
})
