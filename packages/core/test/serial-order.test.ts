import type { Path } from '@flushout/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SerialOrder, toUnits, type Unit } from '../src/serial-order.ts'

/** All values lie at one of these; a path stands for all of them at or below it. */
const LEAVES = ['aa', 'ab', 'ba', 'bb']
const leavesOf = (paths: readonly Path[]) =>
  LEAVES.filter((leaf) => paths.some((path) => leaf.startsWith(path.join(''))))

/** Who wrote each leaf, one after the other. */
type Writers = Readonly<Record<string, readonly number[]>>

/** What each leaf holds after these units, as far as `isSeen`. */
function play(units: readonly Unit[], order: readonly number[]): Writers {
  const held: Record<string, number[]> = {}
  for (const index of order) {
    for (const leaf of leavesOf(units[index]!.writes)) (held[leaf] ??= []).push(index)
  }
  return held
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  )
}

const textOf = (held: Writers, leaves: readonly string[]) =>
  JSON.stringify(leaves.map((leaf) => held[leaf] ?? []))

/** Whether some order of the units gives each what it had read, and the same in the end. */
function isExplained(units: readonly Unit[]): boolean {
  const log = [...units.keys()]
  const end = textOf(play(units, log), LEAVES)
  const read = units.map((unit, index) => {
    const seen = log.filter((other) => {
      const { from, clientId } = units[other]!
      return other < index && (from < unit.since || clientId === unit.clientId)
    })
    return textOf(play(units, seen), leavesOf(unit.reads))
  })
  return permutations(log).some(
    (order) =>
      textOf(play(units, order), LEAVES) === end &&
      order.every((index, place) => {
        const before = play(units, order.slice(0, place))
        return textOf(before, leavesOf(units[index]!.reads)) === read[index]
      }),
  )
}

const key = fc.constantFrom('a', 'b')
const path = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(key, key) },
  { weight: 2, arbitrary: fc.tuple(key) },
  fc.constant([]),
)
const draft = fc.record({
  clientId: fc.constantFrom('ada', 'bob', 'eve'),
  writes: fc.array(path, { maxLength: 2 }),
  reads: fc.array(path, { maxLength: 2 }),
  behind: fc.nat({ max: 5 }),
})

describe('a serial order', () => {
  test('is found exactly if some order of all explains what was read and what is there', () => {
    let conflicts = 0
    let missed = 0
    fc.assert(
      fc.property(fc.array(draft, { maxLength: 6 }), (drafts) => {
        const order = new SerialOrder(0)
        const log: Unit[] = []
        for (const { behind, ...unit } of drafts) {
          const from = log.length
          const next = { ...unit, from, since: Math.max(0, from - behind) }
          const conflict = order.findConflict(next)
          expect(conflict === undefined).toBe(isExplained([...log, next]))
          if (conflict) conflicts += 1
          if (conflict) continue
          if (next.since < from) missed += 1
          log.push(next)
          order.add([next])
        }
      }),
      { numRuns: 1_000 },
    )
    expect(conflicts).toBeGreaterThan(100)
    expect(missed).toBeGreaterThan(100)
  })

  test('is not believed where a group that is in it may have missed what nobody knows', () => {
    const none = { writes: [], reads: [], since: 0 }
    const order = new SerialOrder(10)
    // It read `bb` before the history that is known, and wrote what the next one read.
    order.add([{ ...none, clientId: 'ada', from: 10, writes: [['aa']], reads: [['bb']], since: 9 }])
    const next = { ...none, clientId: 'bob', from: 11, reads: [['aa']], since: 10 }
    expect(order.findConflict(next)).toEqual(['aa'])
    expect(order.findConflict({ ...next, since: 11 })).toBeUndefined()
  })
})

test('the units of an entry are its atomic groups, and commands with what follows them', () => {
  const update = (name: string) => ({ action: 'update', path: [name], props: { n: 1 } }) as const
  const units = toUnits({
    from: 7,
    clientId: 'ada',
    commands: ['a', 'b', 'c', 'd', 'e', 'f'].map(update),
    notes: [
      { index: 1, cause: 0 },
      { index: 2, label: 'Two', count: 2 },
      { index: 4, atomic: true, count: 2, reads: { since: 3, paths: [['z']] } },
    ],
  })
  expect(units.map(({ from, writes, reads }) => [from, writes.join(' '), reads])).toEqual([
    [7, 'a,n b,n', []],
    [9, 'c,n', []],
    [10, 'd,n', []],
    [11, 'e,n f,n', [['z']]],
  ])
})
