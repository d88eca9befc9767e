import type { Command, JsonObject, JsonValue } from '@flushout/core'
import { World, type Peer } from '@flushout/core/testing'
import { UndoStack } from '@flushout/core/undo'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { command as anyCommand, document, wide } from './support/arbitraries.ts'

// A parent that was made with a node stays when the node is taken back.
const command = anyCommand.map((one): Command => {
  if (one.action !== 'create') return one
  const { parentDefault: _, ...rest } = one
  return rest
})
const runs = { numRuns: Number(process.env['RUNS'] ?? 500) }

/** Undo or redo until there is nothing left. */
function all(once: () => unknown): void {
  while (once()) {
    // Goes on.
  }
}

/** What stands where, empty nodes left out. */
function leaves(value: JsonValue, path = '', found = new Map<string, string>()) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return found.set(path, JSON.stringify(value))
  }
  for (const [key, below] of Object.entries(value)) {
    leaves(below, `${path}/${JSON.stringify(key)}`, found)
  }
  return found
}

function changed(before: JsonObject, after: JsonObject): string[] {
  const [was, is] = [leaves(before), leaves(after)]
  return [...new Set([...was.keys(), ...is.keys()])].filter(
    (path) => was.get(path) !== is.get(path),
  )
}

/** The same command with values that nobody else sets: an equal one cannot be told from one's own. */
function byBob(one: Command): Command {
  if (one.action === 'delete' || !one.props) return one
  return { ...one, props: mark(one.props) as JsonObject }
}

function mark(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'of bob'
  return Object.fromEntries(Object.entries(value).map(([key, below]) => [key, mark(below)]))
}

function give(peer: Peer, commands: readonly Command[]): void {
  for (const one of commands) peer.proxy.apply(one)
}

describe('after any script', () => {
  test('undo of everything gives the document of before, and redo the one of after', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: command.map((one) => [one]) },
      { weight: 1, arbitrary: fc.array(command, { maxLength: 4 }) },
    )
    fc.assert(
      fc.property(
        document,
        fc.array(step, { maxLength: 12 }),
        fc.array(fc.boolean()),
        (...args) => {
          const [start, steps, flushes] = args
          const world = new World(start)
          const ada = world.join('ada')
          const stack = new UndoStack(ada.proxy)
          const flushAt = (index: number) => void (flushes[index] && ada.settle())
          const before = ada.proxy.read()
          steps.forEach((commands, index) => {
            if (commands.length === 1) give(ada, commands)
            else ada.proxy.batch(() => give(ada, commands))
            flushAt(index)
          })
          const after = ada.proxy.read()
          all(() => {
            const undone = stack.undo()
            expect(undone?.skipped ?? []).toEqual([])
            return undone
          })
          expect(ada.proxy.read()).toEqual(before)
          flushAt(steps.length)
          all(stack.redo)
          expect(ada.proxy.read()).toEqual(after)
          all(stack.undo)
          ada.settle()
          expect(world.master.read()).toEqual(before)
        },
      ),
      runs,
    )
  })

  test('nothing that somebody else has set since is touched', () => {
    const script = fc.array(command, { maxLength: 6 })
    const bob = fc.array(command.map(byBob), { maxLength: 6 })
    fc.assert(
      fc.property(document, script, bob, bob, (start, adas, bobs, later) => {
        const world = new World(start)
        const [ada, other] = [world.join('ada'), world.join('bob')]
        const stack = new UndoStack(ada.proxy)
        const read = () => world.master.read() as JsonObject
        give(ada, adas)
        world.settle()
        const theirs = new Set<string>()
        for (const [commands, revert] of [
          [bobs, stack.undo],
          [later, stack.redo],
        ] as const) {
          const before = read()
          give(other, commands)
          world.settle()
          const between = read()
          for (const path of changed(before, between)) theirs.add(path)
          all(revert)
          world.settle()
          expect(changed(between, read()).filter((path) => theirs.has(path))).toEqual([])
        }
      }),
      runs,
    )
  })

  test('all hold the same, whoever takes back what while it is on its way', () => {
    const doing = fc.oneof(
      { weight: 4, arbitrary: anyCommand },
      {
        weight: 4,
        arbitrary: fc.constantFrom('undo', 'redo', 'exchange', 'lose', 'pull' as const),
      },
    )
    const start = fc.constantFrom<JsonObject>({ todos: {} }, { todos: wide(34), a: { b: 1 } })
    const scripts = fc.array(fc.tuple(fc.nat({ max: 1 }), doing), { maxLength: 30 })
    fc.assert(
      fc.property(start, scripts, (initial, steps) => {
        const world = new World(initial, { proxy: { maxFlushCommands: 3 } })
        const people = ['ada', 'bob'].map((name) => {
          const peer = world.join(name)
          return { peer, stack: new UndoStack(peer.proxy) }
        })
        for (const [who, what] of steps) {
          const { peer, stack } = people[who]!
          if (typeof what === 'object') peer.proxy.apply(what)
          else if (what === 'undo' || what === 'redo') stack[what]()
          else if (what === 'exchange') peer.flush()
          else if (what === 'lose') {
            peer.send(peer.proxy.beginFlush({ pull: true })!)
            peer.proxy.cancelFlush()
          } else {
            const { from, hash } = peer.proxy.confirmed
            peer.proxy.receive(world.master.pull(from, hash))
          }
        }
        world.settle()
        for (const { peer, stack } of people) {
          expect(JSON.stringify(peer.proxy.read())).toBe(JSON.stringify(world.master.read()))
          all(stack.undo)
          all(stack.redo)
        }
        world.settle()
        for (const { peer } of people) {
          expect(JSON.stringify(peer.proxy.read())).toBe(JSON.stringify(world.master.read()))
        }
      }),
      runs,
    )
  })
})
