import {
  CommandProxy,
  type Command,
  type FlushAnswer,
  type Interceptor,
  type JsonObject,
  type PendingSession,
  type Receipt,
} from '@flushout/core'
import { createTestIds, throughJson, World, type Peer } from '@flushout/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { command, wide } from './support/arbitraries.ts'
import { countFollowUps, followRules } from './support/follow-rules.ts'

type Step =
  | { kind: 'apply'; tab: number; command: Command; wait: boolean }
  | { kind: 'exchange' | 'hold' | 'end' | 'lose' | 'pull' | 'show' | 'hide'; tab: number }

const TABS = 3
const tab = fc.nat({ max: TABS - 1 })
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('apply' as const),
      tab,
      command,
      wait: fc.nat({ max: 5 }).map((n) => n === 0),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('exchange', 'hold', 'end', 'lose', 'pull', 'show', 'show', 'hide'),
      tab,
    }),
  },
) as fc.Arbitrary<Step>

/** The tabs of one browser, each of which shows what the others wait for, now and then. */
class Browser {
  readonly world: World
  readonly receipts: Receipt[] = []
  readonly #interceptors: readonly Interceptor[]
  readonly #held = new Map<Peer, FlushAnswer>()
  // Who took over a snapshot does not know what of the others is in it.
  readonly #jumped = new Set<CommandProxy>()
  // What the master held, by the hash of the history that led there.
  readonly #documents = new Map<string, string>()

  constructor(document: JsonObject, withRules: boolean) {
    const interceptors = withRules ? followRules : []
    this.#interceptors = interceptors
    this.world = new World(document, {
      master: { interceptors },
      proxy: { maxFlushCommands: 3, interceptors },
    })
    for (let index = 0; index < TABS; index += 1) this.world.join(`tab${index}`)
    for (const { proxy } of this.world.peers) {
      proxy.subscribeUpdates((update) => void (update === 'snapshot' && this.#jumped.add(proxy)))
    }
    this.#note()
  }

  play(one: Step): void {
    const peer = this.world.peers[one.tab]!
    const { proxy } = peer
    const held = this.#held.get(peer)
    if (one.kind === 'apply') this.receipts.push(proxy.apply(one.command, { wait: one.wait }))
    if (one.kind === 'show') this.#show(peer)
    if (one.kind === 'hide') proxy.showOthers([])
    if (one.kind === 'end' && held) {
      this.#held.delete(peer)
      expect(proxy.endFlush(held).ok).toBe(true)
    }
    if (one.kind === 'pull' && proxy.confirmed.hash !== '') {
      const { from, hash } = proxy.confirmed
      proxy.receive(throughJson(this.world.master.pull(from, hash)))
    }
    if (['exchange', 'hold', 'lose'].includes(one.kind) && !held) {
      const answer = peer.send(proxy.beginFlush({ pull: true })!)
      this.#note()
      if (one.kind === 'lose') proxy.cancelFlush()
      else if (one.kind === 'hold') this.#held.set(peer, answer)
      else expect(proxy.endFlush(answer).ok).toBe(true)
    }
    this.#checkConfirmed(proxy)
  }

  /** Once all have heard what all others wait for, those with equal documents below show the same. */
  agree(): void {
    const { peers } = this.world
    // What one renames, since its id is taken, the others hear in the next round, and what
    // follows a command may be another then. (What a rule refuses by then is hidden where it
    // was given only, so there is no such rule here.) Each depends on what is before it only.
    let told = ''
    for (let round = 0; round < 100; round += 1) {
      const before = told
      for (const peer of peers) this.#show(peer)
      told = JSON.stringify(peers.map(pendingOf))
      if (told === before) break
    }
    const shown = new Map<string, string>()
    for (const { proxy } of peers.filter((peer) => !this.#jumped.has(peer.proxy))) {
      const { hash } = proxy.confirmed
      const text = JSON.stringify(proxy.read())
      expect(shown.get(hash) ?? text).toBe(text)
      shown.set(hash, text)
    }
  }

  settle(): void {
    for (let index = 0; index < TABS; index += 1) this.play({ kind: 'end', tab: index })
    // Whoever gave what is pending longest waits for nobody, so that it goes on.
    while (this.#pending > 0) {
      const before = this.#pending
      for (const peer of this.world.peers) {
        peer.proxy.showOthers(this.world.peers.filter((other) => other !== peer).map(pendingOf))
        peer.flush()
      }
      expect(this.#pending).toBeLessThan(before)
    }
    this.world.settle()
    for (const { proxy } of this.world.peers) proxy.showOthers([])
  }

  get #pending(): number {
    const counts = this.world.peers.map(({ proxy: { status } }) => status.queued + status.inFlight)
    return counts.reduce((a, b) => a + b)
  }

  #show(peer: Peer): void {
    const others = this.world.peers.filter((other) => other !== peer).map(pendingOf)
    peer.proxy.showOthers(others)
    // As if all had been there from the start, in this order.
    if (this.#jumped.has(peer.proxy)) return
    const anew = new CommandProxy(peer.proxy.confirmedSnapshot(), {
      createId: createTestIds('anew'),
      now: () => 0,
      interceptors: this.#interceptors,
      memory: peer.proxy.memory,
      others: others.map((other) => withoutConfirmed(other, this.world, peer.proxy)),
    })
    expect(JSON.stringify(peer.proxy.read())).toBe(JSON.stringify(anew.read()))
  }

  #note(): void {
    const { hash, document } = this.world.master.snapshot()
    this.#documents.set(hash, JSON.stringify(document))
  }

  /** What is confirmed is what the master had, whatever is shown on top of it. */
  #checkConfirmed(proxy: CommandProxy): void {
    const { hash, document } = proxy.confirmedSnapshot()
    expect(JSON.stringify(document)).toBe(this.#documents.get(hash))
  }
}

/** What a tab has to tell the others about itself. */
function pendingOf({ proxy }: Peer): PendingSession {
  return throughJson(proxy.pending)
}

/** Without what `proxy` holds as confirmed already. */
function withoutConfirmed(
  { clientId, commands }: PendingSession,
  { master }: World,
  proxy: CommandProxy,
): PendingSession {
  const history = master.since({ from: 0, hash: 'genesis' }) ?? []
  const last = history.findLast(
    (entry) => entry.clientId === clientId && entry.from < proxy.confirmed.from,
  )
  return {
    clientId,
    commands: commands.filter(({ sequence = Infinity }) => sequence > (last?.sequence ?? 0)),
  }
}

describe('after any script of tabs that show each other what they wait for', () => {
  test('nothing of it is taken for confirmed, all is sent once, and all hold the same', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<JsonObject>({ bulk: wide(300), todos: {} }, { todos: wide(34) }),
        fc.boolean(),
        fc.array(step, { maxLength: 40 }),
        (document, withRules, steps) => {
          const browser = new Browser(document, withRules)
          for (const one of steps) browser.play(one)
          browser.agree()
          browser.settle()
          const { master, peers } = browser.world
          for (const { proxy } of peers) {
            expect(JSON.stringify(proxy.read())).toBe(JSON.stringify(master.read()))
            expect(proxy.status).toMatchObject({ queued: 0, inFlight: 0 })
          }
          const kinds = browser.receipts.map(({ outcome }) => outcome?.kind)
          expect(kinds).not.toContain(undefined)
          const applied = kinds.filter((kind) => kind === 'applied' || kind === 'amended')
          const followUps = countFollowUps(master.since({ from: 0, hash: 'genesis' })!)
          expect(applied).toHaveLength(master.commandCount - followUps)
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 1_500) },
    )
  })
})
