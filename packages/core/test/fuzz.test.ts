import {
  type Command,
  CommandProxy,
  type Flush,
  type JsonObject,
  Master,
  type Rejection,
} from '@flushout/core'
import { createTestIds } from '@flushout/core/testing'
import { expect, test } from 'vitest'
import { measureJson } from '../src/json.ts'
import { createRandom } from '../src/random.ts'
import { wide } from './support/arbitraries.ts'
import { nested, NOT_JSON, ODD, ODD_JSON, ODD_KEYS } from './support/hostile-values.ts'

// Made by hand and not by fast-check: a hundred thousand pairs in a few seconds.
const KEYS = ['a', 'b', 'c', 'rows', '7']
const DOCUMENTS = [
  {},
  { a: { b: { c: {} } }, rows: {} },
  { rows: wide(40), a: null, b: [1, {}], c: 'text' },
  { a: { a: { a: { a: {} } } }, '7': { rows: wide(33) } },
  { a: nested(62, {}) as JsonObject, b: { a: wide(40), rows: { a: wide(33) } } },
]

function commandMaker(random: () => number) {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const some = <T>(make: () => T, most: number): T[] =>
    Array.from({ length: Math.floor(random() * (most + 1)) }, make)
  // Mostly plain, so that many commands apply.
  const key = () => pick(random() < 0.9 ? KEYS : ODD_KEYS)
  const value = (depth: number): unknown => {
    const dice = random()
    if (dice < 0.04) return pick(NOT_JSON)()
    if (dice < 0.1) return pick(ODD_JSON)()
    if (dice < 0.5 || depth > 3) return pick([1, 2, 'x', null, true])
    return dice < 0.6 ? some(() => value(depth + 1), 3) : props(depth + 1)
  }
  const path = () => {
    const dice = random()
    if (dice < 0.97) return some(key, 3)
    if (dice < 0.98) return Array.from({ length: 62 + Math.floor(random() * 4) }, () => 'a')
    return pick(ODD)
  }
  const props = (depth = 0) => Object.fromEntries(some(key, 3).map((name) => [name, value(depth)]))
  const often = (odds: number, fields: object) => (random() < odds ? fields : {})
  return (): unknown => {
    if (random() < 0.03) return pick(ODD)
    return {
      action: random() < 0.97 ? pick(['create', 'update', 'delete']) : pick(ODD),
      ...often(0.9, { path: path() }),
      ...often(0.3, { id: random() < 0.9 ? key() : pick(ODD) }),
      ...often(0.4, { props: random() < 0.95 ? props() : pick(ODD) }),
      ...often(0.1, { parentDefault: random() < 0.9 ? props() : pick(ODD) }),
      ...often(0.1, { unset: random() < 0.9 ? some(key, 2) : pick(ODD) }),
      ...often(0.01, { other: 1 }),
    }
  }
}

/** One document on both sides, that of the proxy and that of the master. */
function createPair(document: JsonObject) {
  const snapshot = { commandCount: 0, hash: 'genesis', document }
  // Ids of the same row, so that what one side makes the other makes too.
  const proxy = new CommandProxy<JsonObject>(snapshot, {
    createId: createTestIds('id'),
    now: () => 0,
  })
  const createId = createTestIds('id')
  createId()
  const master = new Master(snapshot, { createId, digest: () => 'digest', maxHistoryBytes: 0 })
  return { proxy, master }
}

const clean = [Object.prototype, Array.prototype, Function.prototype, String.prototype].map(
  (prototype) => ({ prototype, keys: Reflect.ownKeys(prototype) }),
)

test('a hundred thousand commands on many documents: none throws, and both sides say the same', () => {
  const random = createRandom('fuzz')
  const make = commandMaker(random)
  const seen = { applied: 0, refused: 0 }
  const codes = new Set<string>()
  for (let round = 0; round < 1000; round += 1) {
    const { proxy, master } = createPair(DOCUMENTS[round % DOCUMENTS.length] as JsonObject)
    for (let count = 0; count < 100; count += 1) {
      const command = make() as Command
      const before = [proxy.read(), master.read(), proxy.status, master.commandCount]
      const { rejection } = proxy.apply(command)
      const flush = {
        protocol: 1,
        clientId: `${count}`,
        sequence: 1,
        from: 0,
        hash: '',
        commands: [command],
      } as const
      expect(rejectionBy(master, flush)).toEqual(rejection)
      seen[rejection ? 'refused' : 'applied'] += 1
      if (!rejection) continue
      codes.add(rejection.code)
      const after = [proxy.read(), master.read(), proxy.status, master.commandCount]
      if (after.some((value, index) => value !== before[index])) {
        expect.fail(`Refused with ${rejection.code}, and yet something changed.`)
      }
    }
    expect(JSON.stringify(proxy.read())).toBe(JSON.stringify(master.snapshot().document))
    expect(proxy.commandCount).toBe(master.commandCount)
    // What went in is what JSON carries to everybody else.
    const document = proxy.read()
    expect(JSON.stringify(JSON.parse(JSON.stringify(document)))).toBe(JSON.stringify(document))
    expect(master.documentBytes).toBe(measureJson(master.snapshot().document))
  }
  // The fuzz is worth something only if it goes everywhere.
  expect(seen.applied).toBeGreaterThan(10_000)
  expect(seen.refused).toBeGreaterThan(10_000)
  expect([...codes].toSorted()).toEqual([
    'COMMAND_INVALID',
    'COMMAND_UNKNOWN',
    'ID_INVALID',
    'KEY_FORBIDDEN',
    'NOT_A_NODE',
    'PATH_INVALID',
    'PATH_NOT_FOUND',
    'ROOT_UNDELETABLE',
    'TOO_DEEP',
    'VALUE_INVALID',
  ])
  for (const { prototype, keys } of clean) expect(Reflect.ownKeys(prototype)).toEqual(keys)
})

function rejectionBy(master: Master, flush: Flush): Rejection | undefined {
  const [verdict] = master.apply(flush, { user: undefined, now: 0, seed: '' }).verdicts
  return verdict && 'rejection' in verdict ? verdict.rejection : undefined
}
