import {
  CommandProxy,
  Master,
  type Command,
  type FlushAnswer,
  type Interceptor,
  type JsonObject,
  type LogRecord,
  type LostCommand,
  type ProxyOptions,
  type Receipt,
  type Snapshot,
} from '@flushout/core'
import { createTestIds, testDigest, throughJson } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { command, wide } from './support/arbitraries.ts'
import { countFollowUps, strictFollowRules } from './support/follow-rules.ts'

type Step =
  | { kind: 'apply'; tab: number; command: Command; wait: boolean }
  | {
      kind:
        | 'exchange'
        | 'hold'
        | 'end'
        | 'lose'
        | 'repeat'
        | 'garbage'
        | 'pull'
        | 'late'
        | 'away'
        | 'nap'
      tab: number
    }

const TABS = 2
const tab = fc.nat({ max: TABS - 1 })
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('apply' as const),
      tab,
      command,
      wait: fc.nat({ max: 4 }).map((n) => n === 0),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'exchange',
        'hold',
        'end',
        'lose',
        'repeat',
        'garbage',
        'pull',
        'late',
        'away',
        'nap',
      ),
      tab,
    }),
  },
) as fc.Arbitrary<Step>

// They draw numbers, change props and refuse, so that each is asked the same again.
const rules: Interceptor[] = [
  (_document, given, { random, side }) => {
    if (given.action !== 'create' || side === 'master') return undefined
    return { props: { ...given.props, color: Math.floor(random() * 1e6) } }
  },
  (document, given, { side }) => {
    if (side === 'proxy' || given.action !== 'update' || !given.props) return undefined
    if (document.size(given.path) > 6) return { reject: { message: 'too many' } }
    return Object.hasOwn(given.props, 'a') ? { props: { ...given.props, c: 3 } } : undefined
  },
  ...strictFollowRules,
]

/**
 * How a tab keeps what was confirmed: written as it comes, all of it at once, or not at
 * all, so that it goes on from what the master has by then.
 */
type Keeping = 'never away' | 'log' | 'snapshot' | 'loaded anew'

/** One page after another with the same client id, and what is on its disk. */
class Tab {
  readonly #master: Master
  readonly #options: ProxyOptions
  readonly #keeping: Keeping
  proxy: CommandProxy
  #disk: { snapshot: Snapshot; records: LogRecord[] }
  // Of pages that are gone.
  readonly #lost: LostCommand[] = []
  #held: FlushAnswer | undefined
  #old: unknown

  constructor(name: string, master: Master, keeping: Keeping, interceptors: Interceptor[]) {
    this.#master = master
    this.#keeping = keeping
    this.#options = {
      createId: createTestIds(name),
      now: () => 0,
      interceptors,
      maxFlushCommands: 3,
      keepsConfirmed: true,
    }
    this.#disk = { snapshot: throughJson(master.snapshot()), records: [] }
    this.proxy = new CommandProxy(this.#disk.snapshot, this.#options)
  }

  play(one: Step): Receipt | undefined {
    const { proxy } = this
    if (one.kind === 'apply') return proxy.apply(one.command, { wait: one.wait })
    if (one.kind === 'away' || one.kind === 'nap') this.#leave(one.kind === 'nap')
    if (one.kind === 'pull' && proxy.confirmed.hash !== '') {
      const { from, hash } = proxy.confirmed
      this.#old = throughJson(this.#master.pull(from, hash))
      proxy.receive(this.#old)
    }
    if (one.kind === 'late' && this.#old !== undefined) proxy.receive(this.#old)
    if (one.kind === 'end' && this.#held) {
      expect(proxy.endFlush(this.#held).ok).toBe(true)
      this.#held = undefined
    }
    if (['exchange', 'hold', 'lose', 'repeat', 'garbage'].includes(one.kind) && !this.#held) {
      this.#exchange(one.kind)
    }
    return undefined
  }

  #exchange(kind: Step['kind']): void {
    const { proxy } = this
    const flush = proxy.beginFlush({ pull: true })!
    const context = { user: undefined, now: 0, seed: `${flush.clientId}:${flush.sequence}` }
    const answer = throughJson(this.#master.apply(throughJson(flush), context))
    if (kind === 'hold') this.#held = answer
    else if (kind === 'lose') proxy.cancelFlush()
    else if (kind === 'garbage') {
      proxy.endFlush({ ...answer, sync: { kind: 'updates', updates: [{ from: 1 }] } })
    } else expect(proxy.endFlush(answer).ok).toBe(true)
    if (kind === 'repeat') proxy.endFlush(answer)
  }

  /** The page ends, and another goes on; an answer under way may still reach it. */
  #leave(isHeard: boolean): void {
    const { flight } = this.proxy.memory
    if (this.#held && !(isHeard && flight)) {
      this.#held = undefined
      this.proxy.cancelFlush()
    }
    if (this.#keeping !== 'never away') this.#goOn()
    if (this.#held && this.#keeping !== 'never away') {
      expect(JSON.stringify(this.proxy.beginFlush())).toBe(JSON.stringify(flight))
    }
  }

  #goOn(): void {
    const { proxy } = this
    const taken = proxy.takeConfirmed()
    if (this.#keeping === 'snapshot') {
      this.#disk = throughJson({ snapshot: proxy.confirmedSnapshot(), records: [] })
    } else if (this.#keeping === 'loaded anew') {
      this.#disk = throughJson({ snapshot: this.#master.snapshot(), records: [] })
    } else if (taken && 'document' in taken) {
      this.#disk = { snapshot: throughJson(taken), records: [] }
    } else if (taken) this.#disk.records.push(...throughJson(taken))
    this.#lost.push(...proxy.rejections)
    this.proxy = new CommandProxy(this.#disk.snapshot, {
      ...this.#options,
      memory: throughJson(proxy.memory),
      records: this.#disk.records,
    })
  }

  settle(): void {
    this.play({ kind: 'end', tab: 0 })
    for (let round = 0; round < 20; round += 1) this.play({ kind: 'exchange', tab: 0 })
  }

  get lost(): unknown[] {
    const lost = [...this.#lost, ...this.proxy.rejections]
    return lost.map(({ command: { action, path }, kind, rejection }) => {
      return { action, path, kind, code: rejection.code }
    })
  }

  /** What anybody can see of it. */
  get view(): unknown {
    const { queued, inFlight, confirmed } = this.proxy.status
    const document = JSON.stringify(this.proxy.read())
    const { commandCount, memory } = this.proxy
    return { document, queued, inFlight, confirmed, commandCount, memory, lost: this.lost }
  }
}

function world(document: JsonObject, keeping: Keeping, withRules: boolean) {
  const interceptors = withRules ? rules : []
  const master = new Master(
    { commandCount: 0, hash: 'genesis', document },
    { createId: createTestIds('master'), digest: testDigest, interceptors },
  )
  const tabs = Array.from(
    { length: TABS },
    (_, index) => new Tab(`tab${index}`, master, keeping, interceptors),
  )
  return { master, tabs }
}

describe('put away and taken out at any step of any script', () => {
  for (const keeping of ['log', 'snapshot'] as const) {
    test(`a proxy is as if it had never been away, kept as ${keeping}`, () => {
      fc.assert(
        fc.property(
          fc.constantFrom<JsonObject>({ bulk: wide(60), todos: {} }, { todos: wide(34) }, {}),
          fc.boolean(),
          fc.array(step, { maxLength: 40 }),
          (document, withRules, steps) => {
            const there = world(document, 'never away', withRules)
            const back = world(document, keeping, withRules)
            for (const one of steps) {
              const receipts = [there, back].map(({ tabs }) => tabs[one.tab]!.play(one))
              expect(receipts[1]?.rejection).toEqual(receipts[0]?.rejection)
              expect(back.tabs[one.tab]!.view).toEqual(there.tabs[one.tab]!.view)
            }
            for (const { tabs } of [there, back, there, back]) for (const one of tabs) one.settle()
            for (const [index, one] of back.tabs.entries()) {
              expect(one.view).toEqual(there.tabs[index]!.view)
              expect(JSON.stringify(one.proxy.read())).toBe(JSON.stringify(back.master.read()))
              expect(one.proxy.confirmed.hash).toBe(back.master.hash)
            }
            expect(back.master.hash).toBe(there.master.hash)
          },
        ),
        { numRuns: Number(process.env['RUNS'] ?? 1_500) },
      )
    })
  }

  test('each command takes effect once or is told as lost, whatever the document is by then', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<JsonObject>({ bulk: wide(60), todos: {} }, { todos: wide(34) }, {}),
        fc.boolean(),
        fc.array(step, { maxLength: 40 }),
        (document, withRules, steps) => {
          const { master, tabs } = world(document, 'loaded anew', withRules)
          let given = 0
          for (const one of steps) if (tabs[one.tab]!.play(one)?.ok) given += 1
          for (const one of [...tabs, ...tabs]) one.settle()
          for (const { proxy } of tabs) {
            expect(JSON.stringify(proxy.read())).toBe(JSON.stringify(master.read()))
            expect(proxy.status).toMatchObject({ queued: 0, inFlight: 0 })
          }
          const lost = tabs.reduce((sum, one) => sum + one.lost.length, 0)
          const followUps = countFollowUps(master.since({ from: 0, hash: 'genesis' })!)
          expect(master.commandCount - followUps + lost).toBe(given)
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 1_500) },
    )
  })
})
