import { type Command, type Flush, type FlushAnswer, type JsonObject } from '@flushout/core'
import { Peer, World } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { strictFollowRules } from './support/follow-rules.ts'

const KEYS = ['a', 'b', 'c', 'todos', '7', 'x,y']
const key = fc.constantFrom(...KEYS)
const path = fc.oneof(
  fc.constant([]),
  fc.constant(['todos']),
  fc.tuple(fc.constant('todos'), key),
  fc.array(key, { maxLength: 3 }),
)
const value = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom(null, true, 'text', [], [1], {}, { a: 1 }, { b: { c: 2 } }),
)
const props = fc.dictionary(key, value, { maxKeys: 3 })
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record(
    { action: fc.constant('create' as const), path, id: key, props, parentDefault: props },
    { requiredKeys: ['action', 'path'] },
  ),
  fc.record(
    { action: fc.constant('update' as const), path, props, unset: fc.array(key, { maxLength: 2 }) },
    { requiredKeys: ['action', 'path'] },
  ),
  fc.record({ action: fc.constant('delete' as const), path }),
) as fc.Arbitrary<Command>

type Step =
  | { kind: 'apply'; peer: number; command: Command }
  | {
      kind: 'exchange'
      peer: number
      fault: 'none' | 'request' | 'answer' | 'repeat' | 'garbage' | 'late'
    }
  | { kind: 'hold' | 'end' | 'pull' | 'live'; peer: number }

const peer = fc.nat({ max: 2 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('apply' as const), peer, command }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('exchange' as const),
      peer,
      fault: fc.constantFrom('none', 'none', 'request', 'answer', 'repeat', 'garbage', 'late'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('hold', 'end', 'pull', 'live'), peer }),
  },
) as fc.Arbitrary<Step>

/** A flush that reached the master, whose answer is still on its way. */
const held = new WeakMap<Peer, { flush: Flush; answer: FlushAnswer }>()
const late = new WeakMap<Peer, FlushAnswer[]>()

function play(world: World, { kind, peer: index, ...rest }: Step): void {
  const peer = world.peers[index]!
  const { proxy } = peer
  const waiting = held.get(peer)
  if (kind === 'apply') {
    const before = {
      document: JSON.stringify(proxy.read()),
      status: proxy.status,
      count: proxy.commandCount,
    }
    const receipt = proxy.apply((rest as { command: Command }).command)
    if (!receipt.ok) {
      expect({
        document: JSON.stringify(proxy.read()),
        status: proxy.status,
        count: proxy.commandCount,
      }).toEqual(before)
    }
  } else if (kind === 'hold' && !waiting) {
    const flush = proxy.beginFlush({ pull: true })!
    held.set(peer, { flush, answer: peer.send(flush) })
  } else if (kind === 'end' && waiting) {
    held.delete(peer)
    expect(proxy.endFlush(waiting.answer).ok).toBe(true)
  } else if (kind === 'pull') {
    const { from, hash } = proxy.confirmed
    const answer = world.master.pull(from, hash)
    proxy.receive(JSON.parse(JSON.stringify(answer)))
  } else if (kind === 'live') {
    // What a stream would bring: the whole history, known entries included.
    const answer = world.master.pull(0, 'genesis')
    proxy.receive(JSON.parse(JSON.stringify(answer)))
  } else if (kind === 'exchange' && !waiting) {
    exchange(peer, (rest as { fault: string }).fault)
  }
}

function exchange(peer: Peer, fault: string): void {
  const flush = peer.proxy.beginFlush({ pull: true })!
  if (fault === 'request') return peer.proxy.cancelFlush()
  const answer = peer.send(flush)
  if (fault === 'answer') return peer.proxy.cancelFlush()
  if (fault === 'late') {
    peer.proxy.cancelFlush()
    late.set(peer, [...(late.get(peer) ?? []), answer])
    return
  }
  if (fault === 'garbage') {
    peer.proxy.endFlush({ ...answer, sync: { kind: 'updates', updates: [{ from: 1 }] } })
    return
  }
  expect(peer.proxy.endFlush(answer).ok).toBe(true)
  if (fault === 'repeat')
    expect(peer.proxy.endFlush(answer)).toEqual({ ok: false, code: 'NO_FLUSH' })
  for (const old of late.get(peer) ?? []) peer.proxy.endFlush(old)
  late.delete(peer)
}

function finish(world: World): void {
  for (const peer of world.peers) {
    const waiting = held.get(peer)
    if (waiting) peer.proxy.endFlush(waiting.answer)
  }
  world.settle()
}

const documents: JsonObject[] = [
  {},
  { todos: {} },
  {
    todos: Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`t${index}`, { n: index }]),
    ),
  },
  {
    todos: Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`t${index}`, {}])),
    a: { b: { c: 1 } },
  },
]

function checkAll(world: World): void {
  const master = world.master.snapshot()
  for (const { proxy } of world.peers) {
    // As text, because the order of keys is part of the promise.
    expect(JSON.stringify(proxy.read())).toBe(JSON.stringify(master.document))
    expect(proxy.commandCount).toBe(master.commandCount)
    expect(proxy.confirmed.hash).toBe(master.hash)
    expect(proxy.status).toMatchObject({ queued: 0, inFlight: 0 })
  }
}

function runAll(world: World, steps: readonly Step[]): void {
  for (const name of ['ada', 'bob', 'cem']) world.join(name)
  for (const one of steps) play(world, one)
  finish(world)
  checkAll(world)
}

const script = fc.array(step, { maxLength: 40 })
const document = fc.constantFrom(...documents)

describe('after any script', () => {
  for (const maxHistoryBytes of [0, 600, 100_000]) {
    test(`every client equals the master, ${maxHistoryBytes} bytes of history kept`, () => {
      fc.assert(
        fc.property(document, script, (start, steps) => {
          runAll(new World(start, { master: { maxHistoryBytes } }), steps)
        }),
        { numRuns: Number(process.env['RUNS'] ?? 7_000) },
      )
    })
  }

  const nobody = { interceptors: [] }
  const rules = { interceptors: strictFollowRules }
  for (const [side, master, proxy] of [
    ['both sides', rules, rules],
    ['the master', rules, nobody],
    ['the proxies', nobody, rules],
  ] as const) {
    test(`every client equals the master, with rules that have commands follow others on ${side}`, () => {
      fc.assert(
        fc.property(
          document,
          fc.constantFrom(0, 600, 100_000),
          script,
          (start, maxHistoryBytes, steps) => {
            const world = new World(start, { master: { ...master, maxHistoryBytes }, proxy })
            runAll(world, steps)
          },
        ),
        { numRuns: Number(process.env['RUNS'] ?? 3_000) },
      )
    })
  }
})
