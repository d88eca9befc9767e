import {
  endOf,
  toAppliedFlush,
  type AppliedFlush,
  type Command,
  type CommandProxy,
  type LogEntry,
  type PullAnswer,
} from '@flushout/core'
import { throughJson, World, type Peer } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { command, wide } from './support/arbitraries.ts'

// Large enough that updates are shorter than a snapshot.
const LONG = { bulk: wide(300), list: {} }

function open() {
  const world = new World<Record<string, any>>(LONG)
  return { world, ada: world.join('ada'), bob: world.join('bob') }
}

/** What `proxy` tells from now on: whose flush, and its commands. */
function hear(proxy: CommandProxy<any>) {
  const heard: (string | [clientId: string, commands: readonly Command[] | undefined])[] = []
  proxy.subscribeUpdates((update) => {
    heard.push(update === 'snapshot' ? update : [update.clientId, update.commands])
  })
  return heard
}

const update = (props: Record<string, number>): Command => ({
  action: 'update',
  path: ['list'],
  props,
})

function updatesOf({ sync }: PullAnswer): readonly AppliedFlush[] {
  return sync.kind === 'updates' ? sync.updates : []
}

describe('who listens for updates', () => {
  test('hears of each flush of others, and not of those of its own', () => {
    const { ada, bob } = open()
    const heard = hear(ada.proxy)
    ada.proxy.update(['list'], { a: 1 })
    ada.flush()
    bob.proxy.update(['list'], { b: 1 })
    bob.flush()
    bob.proxy.batch(() => {
      bob.proxy.update(['list'], { b: 2 })
      bob.proxy.update(['list'], { b: 3 })
    })
    bob.flush()
    ada.proxy.update(['list'], { a: 2 })
    expect(heard).toEqual([])
    ada.flush()
    const { clientId } = bob.proxy
    expect(heard).toEqual([
      [clientId, [update({ b: 1 })]],
      [clientId, [update({ b: 2 }), update({ b: 3 })]],
    ])
  })

  test('hears of an update once, however often it comes', () => {
    const { world, ada, bob } = open()
    const heard = hear(ada.proxy)
    const { from, hash } = ada.proxy.confirmed
    bob.proxy.update(['list'], { b: 1 })
    bob.flush()
    const news = throughJson(world.master.pull(from, hash))
    expect(ada.proxy.receive(news)).toBe('applied')
    ada.proxy.receive(news)
    ada.flush()
    expect(heard).toHaveLength(1)
    bob.proxy.update(['list'], { b: 2 })
    bob.flush()
    const more = throughJson(world.master.pull(from, hash))
    const updates = updatesOf(more)
    const twice = { ...more, sync: { kind: 'updates', updates: updates.flatMap((u) => [u, u]) } }
    expect(ada.proxy.receive(twice)).toBe('applied')
    expect(heard).toHaveLength(2)
  })

  test('is not told of its own flush that comes as news before its answer', () => {
    const { world, ada } = open()
    const heard = hear(ada.proxy)
    const { from, hash } = ada.proxy.confirmed
    ada.proxy.update(['list'], { a: 1 })
    const answer = ada.send(ada.proxy.beginFlush()!)
    expect(ada.proxy.receive(throughJson(world.master.pull(from, hash)))).toBe('applied')
    ada.proxy.endFlush(answer)
    expect(heard).toEqual([])
  })

  test('is told of a snapshot once, whatever was done to get there', () => {
    const { world, ada, bob } = open()
    const heard = hear(ada.proxy)
    bob.proxy.update(['list'], { b: 1 })
    bob.flush()
    const { commandCount, hash } = world.master
    const snapshot = throughJson(world.master.snapshot())
    ada.proxy.receive({ commandCount, hash, sync: { kind: 'snapshot', snapshot } })
    expect(heard).toEqual(['snapshot'])
  })

  test('hears nothing of a snapshot that is older than the news of before', () => {
    const { world, ada, bob } = open()
    const heard = hear(ada.proxy)
    const { from, hash } = ada.proxy.confirmed
    const snapshot = throughJson(world.master.snapshot())
    const answer = ada.send(ada.proxy.beginFlush({ pull: true })!)
    bob.proxy.update(['list'], { b: 1 })
    bob.flush()
    ada.proxy.receive(throughJson(world.master.pull(from, hash)))
    ada.proxy.endFlush({ ...answer, sync: { kind: 'snapshot', snapshot } })
    expect(heard).toEqual([[bob.proxy.clientId, [update({ b: 1 })]]])
  })

  test('hears nothing of news that do not fit', () => {
    const { world, ada, bob } = open()
    const heard = hear(ada.proxy)
    for (const b of [1, 2]) {
      bob.proxy.update(['list'], { b })
      bob.flush()
    }
    const { from, hash } = ada.proxy.confirmed
    const news = throughJson(world.master.pull(from, hash))
    const updates = updatesOf(news)
    expect(
      ada.proxy.receive({ ...news, sync: { kind: 'updates', updates: updates.slice(1) } }),
    ).toBe('gap')
    const short = { ...news, sync: { kind: 'updates', updates: updates.slice(0, 1) } }
    expect(ada.proxy.receive(short)).toBe('gap')
    expect(heard).toEqual([])
  })

  test('takes nothing that begins at its count on another past', () => {
    const { world, ada, bob } = open()
    const heard = hear(ada.proxy)
    const { from, hash } = ada.proxy.confirmed
    bob.proxy.update(['list'], { b: 1 })
    bob.flush()
    const news = throughJson(world.master.pull(from, hash))
    const before = ada.proxy.read()
    expect(ada.proxy.receive(news, 'another')).toBe('gap')
    expect(ada.proxy.read()).toBe(before)
    expect(ada.proxy.confirmed).toEqual({ from, hash })
    expect(heard).toEqual([])
    expect(ada.proxy.receive(news, hash)).toBe('applied')
  })

  test('takes no answer that leads to its count by another past', () => {
    const { world, ada, bob } = open()
    const { from, hash } = ada.proxy.confirmed
    bob.proxy.update(['list'], { b: 1 })
    bob.flush()
    const news = throughJson(world.master.pull(from, hash))
    const updates = updatesOf(news).map((update) => ({ ...update, hash: 'lost' }))
    ada.proxy.receive({ ...news, hash: 'lost', sync: { kind: 'updates', updates } })
    const flush = { ...ada.proxy.beginFlush({ pull: true })!, from, hash }
    const answer = ada.send(flush)
    expect(ada.proxy.endFlush(answer)).toEqual({ ok: false, code: 'ANSWER_INVALID' })
    ada.proxy.cancelFlush()
    ada.flush()
    expect(ada.proxy.confirmed.hash).toBe(world.master.hash)
  })

  test('can read all that was changed, pending edits on top, after everybody else was told', () => {
    const { ada, bob } = open()
    const told: unknown[] = []
    ada.proxy.subscribe(() => told.push('document'), ['list'])
    ada.proxy.subscribeUpdates(() =>
      told.push({ ...ada.proxy.read().list }, ada.proxy.confirmed.from),
    )
    bob.proxy.update(['list'], { b: 1 })
    bob.flush()
    bob.proxy.update(['list'], { b: 2 })
    bob.flush()
    ada.proxy.update(['list'], { a: 1 })
    told.length = 0
    ada.flush()
    expect(told).toEqual(['document', { b: 2, a: 1 }, 3, { b: 2, a: 1 }, 3])
  })

  test('hears in order, also of what it brings about itself', () => {
    const { ada, bob } = open()
    bob.proxy.update(['list'], { n: 1 })
    bob.flush()
    let isFirst = true
    ada.proxy.subscribeUpdates(() => {
      if (!isFirst) return
      isFirst = false
      bob.proxy.update(['list'], { n: 2 })
      bob.flush()
      ada.flush()
    })
    const heard = hear(ada.proxy)
    ada.flush()
    expect(heard.map((one) => one[1])).toEqual([[update({ n: 1 })], [update({ n: 2 })]])
  })

  test('does not keep the others from being told by what it throws', () => {
    const { ada, bob } = open()
    ada.proxy.subscribeUpdates(() => {
      throw new Error('bad listener')
    })
    const heard = hear(ada.proxy)
    let isStatusTold = false
    ada.proxy.subscribeStatus(() => {
      isStatusTold = true
    })
    for (const n of [1, 2]) {
      bob.proxy.update(['list'], { n })
      bob.flush()
    }
    expect(() => ada.flush()).toThrow('bad listener')
    expect(heard).toHaveLength(2)
    expect(isStatusTold).toBe(true)
  })

  test('hears nothing more when it has left, and nothing from before it came', () => {
    const { ada, bob } = open()
    bob.proxy.update(['list'], { n: 1 })
    bob.flush()
    ada.flush()
    const heard: unknown[] = []
    const leave = ada.proxy.subscribeUpdates((update) => heard.push(update))
    ada.proxy.update(['list'], { a: 1 })
    ada.flush()
    expect(heard).toEqual([])
    leave()
    bob.proxy.update(['list'], { n: 2 })
    bob.flush()
    ada.flush()
    expect(heard).toEqual([])
  })
})

type Step =
  | { kind: 'apply'; peer: number; command: Command }
  | { kind: 'exchange' | 'hold' | 'end' | 'lose' | 'pull' | 'late'; peer: number }

const peer = fc.nat({ max: 1 })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('apply' as const), peer, command }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('exchange', 'hold', 'end', 'lose', 'pull', 'late'),
      peer,
    }),
  },
) as fc.Arbitrary<Step>

describe('after any script', () => {
  test('each flush of another was told once, in order, or was part of a snapshot', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<object>(LONG, {}),
        fc.array(step, { maxLength: 30 }),
        (document, steps) => {
          const world = new World<Record<string, any>>(document as Record<string, any>)
          const history: LogEntry[] = []
          const players = ['ada', 'bob'].map((name) => new Player(world.join(name), world, history))
          for (const one of steps) players[one.peer]!.play(one)
          for (const player of [...players, ...players]) player.settle()
          for (const player of players) player.check()
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 1_500) },
    )
  })
})

/** A peer whose exchanges are held, lost and repeated, and what it hears of others meanwhile. */
class Player {
  readonly #peer: Peer<any>
  readonly #world: World<any>
  readonly #history: LogEntry[]
  readonly #told: AppliedFlush[] = []
  // What snapshots brought: from one count to another.
  readonly #jumps: [from: number, to: number][] = []
  #at = 0
  #held: unknown
  #old: unknown

  constructor(peer: Peer<any>, world: World<any>, history: LogEntry[]) {
    this.#peer = peer
    this.#world = world
    this.#history = history
    const { proxy } = peer
    proxy.subscribeUpdates((update) => {
      if (update === 'snapshot') this.#jumps.push([this.#at, proxy.confirmed.from])
      else this.#told.push(update)
    })
    proxy.subscribeStatus(() => {
      this.#at = proxy.confirmed.from
    })
  }

  play(step: Step): void {
    const { proxy } = this.#peer
    if (step.kind === 'apply') proxy.apply(step.command)
    if (step.kind === 'exchange' || step.kind === 'lose' || step.kind === 'hold') {
      if (this.#held !== undefined) return
      const flush = proxy.beginFlush({ pull: true })!
      const { answer, entry } = this.#world.master.stage(throughJson(flush), {
        user: undefined,
        now: 0,
        seed: '',
      })
      this.#world.master.commit()
      if (entry) this.#history.push(entry)
      if (step.kind === 'lose') return proxy.cancelFlush()
      this.#held = throughJson(answer)
      if (step.kind === 'exchange') this.play({ ...step, kind: 'end' })
    }
    if (step.kind === 'end' && this.#held !== undefined) {
      proxy.endFlush(this.#held)
      this.#held = undefined
    }
    if (step.kind === 'late' && this.#old !== undefined) proxy.receive(this.#old)
    if (step.kind === 'pull' && proxy.confirmed.hash !== '') {
      const { from, hash } = proxy.confirmed
      this.#old = throughJson(this.#world.master.pull(from, hash))
      proxy.receive(this.#old)
    }
  }

  settle(): void {
    const { peer, kind } = { peer: 0, kind: 'exchange' } as const
    this.play({ peer, kind: 'end' })
    this.play({ peer, kind })
    this.play({ peer, kind })
  }

  check(): void {
    const isInSnapshot = (entry: LogEntry) =>
      this.#jumps.some(([from, to]) => from < endOf(entry) && endOf(entry) <= to)
    const foreign = this.#history.filter(({ clientId }) => clientId !== this.#peer.proxy.clientId)
    const told = new Set(this.#told.map(({ from }) => from))
    expect(foreign.filter((entry) => !told.has(entry.from) && !isInSnapshot(entry))).toEqual([])
    expect(this.#told).toEqual(
      foreign.filter(({ from }) => told.has(from)).map((entry) => toAppliedFlush(entry, false)),
    )
    expect(this.#told.some(({ from }) => this.#jumps.some(([a, b]) => a <= from && from < b))).toBe(
      false,
    )
  }
}
