import type { Command, JsonObject } from '@flushout/core'
import { World, type Peer } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSameJson } from '../src/json.ts'
import { applyCommand } from './support/apply-command.ts'
import { command, wide } from './support/arbitraries.ts'
import { checked } from './support/engine.ts'

// Mostly what one does to a wide list, so that few commands meet, and some do.
const item = fc.constantFrom(
  't1',
  't2',
  't3',
  't4',
  '5',
  '10',
  't6',
  't7',
  't8',
  't9',
  't11',
  'new',
)
const props = fc.dictionary(fc.constantFrom('n', 'm'), fc.nat({ max: 2 }), { maxKeys: 2 })
const list: fc.Arbitrary<readonly string[]> = fc.constantFrom(['todos'], ['a', 'todos'])
const below = fc.tuple(list, item).map(([path, id]) => [...path, id])
const edit = fc.oneof(
  { weight: 6, arbitrary: update(below) },
  { weight: 1, arbitrary: update(list) },
  { weight: 2, arbitrary: fc.record({ action: fc.constant('delete' as const), path: below }) },
  {
    weight: 2,
    arbitrary: fc.record(
      { action: fc.constant('create' as const), path: list, id: item, props, parentDefault: props },
      { requiredKeys: ['action', 'path', 'id'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat({ max: 1 }), below, props)
      .map(([n, path, props]) => expecting(path, props, { n })),
  },
  {
    weight: 1,
    // What is further down.
    arbitrary: fc
      .tuple(list, props)
      .map(([path, props]) => expecting(path, props, { t1: { n: 1 } })),
  },
  { weight: 1, arbitrary: command },
) as fc.Arbitrary<Command>

function expecting(path: readonly string[], props: JsonObject, expected: JsonObject): Command {
  return { action: 'update', path, props, expects: { props: expected } }
}

function update(path: fc.Arbitrary<readonly string[]>) {
  return fc.record({ action: fc.constant('update' as const), path, props })
}

// Many are queued when a few of others come, in one of the ways in which they come.
const edits = (minLength: number, maxLength: number) => fc.array(edit, { minLength, maxLength })
const round = fc.record({
  mine: edits(4, 16),
  together: edits(0, 3),
  theirs: edits(1, 3),
  more: edits(0, 4),
  way: fc.constantFrom('live', 'live', 'live', 'answer', 'in flight', 'between'),
})
type Round = typeof round extends fc.Arbitrary<infer T> ? T : never

const documents = [
  { todos: wide(60), a: { todos: wide(40), b: 1 } },
  { todos: wide(33), a: { todos: wide(5) } },
  { todos: {} },
]

/** One who looks at the document after each step, and another whose flushes are always answered. */
class Story {
  readonly world: World
  readonly mine: Peer
  readonly theirs: Peer
  // By the count of commands that built them.
  readonly documents = new Map<number, JsonObject>()

  constructor(document: JsonObject) {
    this.world = new World(document)
    this.mine = this.world.join('ada')
    this.theirs = this.world.join('bob')
    this.note()
  }

  note(): void {
    const { commandCount, document } = this.world.master.snapshot()
    this.documents.set(commandCount, structuredClone(document))
  }

  play({ mine, together, theirs, more, way }: Round): void {
    const { proxy } = this.mine
    for (const one of mine) proxy.apply(one)
    const flush = way === 'in flight' ? proxy.beginFlush({ pull: true })! : undefined
    proxy.batch(() => together.forEach((one) => proxy.apply(one)), { atomic: true })
    this.#write(theirs)
    if (way === 'answer') this.mine.flush()
    else if (way === 'between') {
      const held = proxy.beginFlush({ pull: true })!
      for (const one of more) proxy.apply(one)
      const answer = this.mine.send(held)
      this.note()
      this.#write(theirs)
      expect(proxy.endFlush(answer).ok).toBe(true)
    } else this.#hear()
    this.check()
    if (flush) {
      const answer = this.mine.send(flush)
      this.note()
      this.#hear()
      this.check()
      expect(proxy.endFlush(answer).ok).toBe(true)
    } else for (const one of more) proxy.apply(one)
    this.check()
  }

  #write(commands: readonly Command[]): void {
    for (const one of commands) {
      this.theirs.proxy.apply(one)
      this.theirs.settle()
      this.note()
    }
  }

  #hear(): void {
    const { from, hash } = this.mine.proxy.confirmed
    this.mine.proxy.receive(structuredClone(this.world.master.pull(from, hash)))
  }

  /** The document is what is confirmed with what is pending on it, in order. */
  check(): void {
    this.note()
    const { proxy } = this.mine
    const confirmed = this.documents.get(proxy.confirmed.from)!
    expect(JSON.stringify(proxy.confirmedSnapshot().document)).toBe(JSON.stringify(confirmed))
    const landed = proxy.memory.hasLanded ? proxy.status.inFlight : 0
    const pending = proxy.pending.commands.slice(landed)
    let document = confirmed
    for (const unit of unitsOf(pending)) document = applyAll(document, unit)
    expect(JSON.stringify(proxy.read())).toBe(JSON.stringify(document))
  }
}

function unitsOf(pending: Peer['proxy']['pending']['commands']): Command[][] {
  const units: Command[][] = []
  pending.forEach(({ unit, command: one }, index) => {
    const isSame = unit !== undefined && pending[index - 1]?.unit === unit
    if (isSame) units.at(-1)!.push(one as Command)
    else units.push([one as Command])
  })
  return units
}

/** All of it or, where one cannot apply or finds something else than it expects, nothing. */
function applyAll(document: JsonObject, commands: readonly Command[]): JsonObject {
  let next = document
  for (const one of commands) {
    const found = isAsExpected(next, one) && applyCommand(next, checked(one))
    if (!found) return document
    next = found
  }
  return next
}

function isAsExpected(document: JsonObject, one: Command): boolean {
  if (one.action !== 'update' || !one.expects) return true
  const node = (one.path ?? []).reduce<JsonObject | undefined>(
    (at, key) => at?.[key] as JsonObject | undefined,
    document,
  )
  const expected = Object.entries(one.expects.props ?? {})
  return node !== undefined && expected.every(([key, value]) => isSameJson(node[key], value))
}

describe('while changes of others come', () => {
  test('what one command has read is not changed by those behind it that it meets', () => {
    const story = new Story(documents[0]!)
    const t1 = ['todos', 't1']
    const mine = [
      expecting(['todos'], { n: 0 }, { t1: { n: 1 } }),
      ...[{}, {}, {}, { n: 0 }].map((props): Command => ({ action: 'update', path: t1, props })),
    ]
    const theirs: Command[] = [{ action: 'create', path: ['todos'], id: 'new' }]
    story.play({ mine, together: [], theirs, more: [], way: 'live' })
    expect(story.mine.proxy.read(['todos', 'n'])).toBe(0)
  })

  test('the document is what is confirmed with all that is pending on top, after any script', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...documents),
        fc.array(round, { minLength: 1, maxLength: 4 }),
        (document, rounds) => {
          const story = new Story(document)
          for (const one of rounds) story.play(one)
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 600) },
    )
  })
})
