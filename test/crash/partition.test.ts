// A server that stands still in the midst of a write, as one does that is cut
// off or out of memory, and comes back when the world has gone on.
import {
  createClient,
  httpTransport,
  type Client,
  type FlushTiming,
  type Model,
  type Receipt,
  type Transport,
} from '@flushout/client'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditDatabase } from '../support/audit.ts'
import type { Failpoint } from '../support/failpoints.ts'
import { readModels, type AuditedModel } from '../support/stored-model.ts'
import { until } from '../support/until.ts'
import { Site } from './site.ts'
import type { TodoList } from './writer.ts'

const EDITS = 30
const TIMEOUT_MS = 120_000

let site: Site
beforeAll(async () => {
  site = await Site.start(2, { lockTimeoutMs: 500 })
}, TIMEOUT_MS)
afterAll(() => site.stop())

/** A model of its own, with Ada on a server that will stand still and Bob on another one. */
class World implements Disposable {
  readonly key = `todos:${randomUUID()}`
  readonly ada: Model<TodoList>
  readonly bob: Model<TodoList>
  readonly #clients: readonly Client[]
  readonly #conflicts: number
  // Where Ada's requests go.
  #adasServer = 0

  private constructor(timing: FlushTiming, conflicts: number) {
    this.#conflicts = conflicts
    const flush = { quietMs: 0, pollMs: 50, retryBaseMs: 10, retryMaxMs: 50, ...timing }
    const [here, there] = site.servers.map(({ address }) =>
      httpTransport({ url: `${address}/flushout` }),
    )
    const route = () => (this.#adasServer === 0 ? here! : there!)
    const routed: Transport = {
      load: (key, signal) => route().load(key, signal),
      flush: (key, flush, signal) => route().flush(key, flush, signal),
    }
    this.#clients = [routed, there!].map((transport) => createClient({ transport, flush }))
    const [ada, bob] = this.#clients.map((client) => client.model<TodoList>(this.key))
    this.ada = ada!
    this.bob = bob!
  }

  static async open(timing: FlushTiming = {}): Promise<World> {
    const world = new World(timing, await site.servers[0]!.countConflicts())
    await Promise.all([world.ada.ready, world.bob.ready])
    await add(world.ada, 0).verdict
    return world
  }

  [Symbol.dispose](): void {
    this.wake()
    for (const client of this.#clients) client.close()
  }

  /** Let Ada's server stand still at this point of her next edit, and give that. */
  async stopAt(at: Failpoint): Promise<Receipt> {
    const server = site.servers[0]!
    server.tell({ trap: { at, pass: 1, signal: 'SIGSTOP' } })
    await server.countConflicts() // Answered in order: once it is, the trap is set.
    const edit = add(this.ada, 1)
    await until(`the server stands still at ${at}`, () => server.hasReached(at))
    return edit
  }

  /** Send what Ada has from now on to Bob's server. */
  failOver(): void {
    this.#adasServer = 1
  }

  /** Let it run again. */
  wake(): void {
    site.servers[0]!.signal('SIGCONT')
  }

  /** How many races the server that stood still has lost. */
  async countConflicts(): Promise<number> {
    return (await site.servers[0]!.countConflicts()) - this.#conflicts
  }

  /** What is stored of the model. */
  async stored(): Promise<AuditedModel> {
    const models = await readModels(site.postgres.url)
    return models.find(({ key }) => key === this.key)!
  }

  /** The n of each todo in the order of the document, once both show the same. */
  async agreed(): Promise<number[]> {
    const { ada, bob } = this
    const stop = [ada.watch(), bob.watch()]
    const show = () => [ada, bob].map((model) => JSON.stringify(model.read()))
    await until('both show the same', () => new Set(show()).size === 1)
    for (const end of stop) end()
    return Object.values(ada.read()!.todos).map(({ n }) => n)
  }
}

function add(model: Model<TodoList>, n: number): Receipt {
  return model.create(['todos'], { by: model.key, n })
}

async function addMany(model: Model<TodoList>): Promise<void> {
  for (let n = 2; n < EDITS; n += 1) expect((await add(model, n).verdict).kind).toBe('applied')
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)

test(
  'a write that comes after others have written is refused, and done again on theirs',
  async () => {
    using world = await World.open()
    const { bob } = world
    const { verdict } = await world.stopAt('before-commit')
    await addMany(bob)
    world.wake()

    expect((await verdict).kind).toBe('applied')
    expect(await world.countConflicts()).toBe(1)
    expect(await world.agreed()).toEqual([0, ...range(2, EDITS), 1])
    expect(await auditDatabase(site.postgres.url)).toEqual([])
  },
  TIMEOUT_MS,
)

test(
  'a write that Postgres has already is not done again',
  async () => {
    using world = await World.open()
    const { bob } = world
    const { verdict } = await world.stopAt('commit-sent')
    await addMany(bob)
    world.wake()

    expect((await verdict).kind).toBe('applied')
    expect(await world.countConflicts()).toBe(0)
    expect(await world.agreed()).toEqual([0, 1, ...range(2, EDITS)])
    expect(await auditDatabase(site.postgres.url)).toEqual([])
  },
  TIMEOUT_MS,
)

// Where the edit stands in the end tells whether its second sending took effect.
test.for([
  ['before-commit', [0, ...range(2, EDITS), 1]],
  ['commit-sent', [0, 1, ...range(2, EDITS)]],
] as const)(
  'an edit that stands still %s and is sent again to another server takes effect once',
  { timeout: TIMEOUT_MS },
  async ([at, order]) => {
    using world = await World.open({ timeoutMs: 1000 })
    const { bob } = world
    const { verdict } = await world.stopAt(at)
    await addMany(bob)
    world.failOver()
    expect((await verdict).kind).toBe('applied')
    expect(await world.agreed()).toEqual(order)

    const before = await world.stored()
    world.wake()
    // It has answered everything from before when it answers this.
    await fetch(`${site.servers[0]!.address}/flushout/models/${world.key}`)
    expect(await world.countConflicts()).toBe(at === 'before-commit' ? 1 : 0)
    const after = await world.stored()
    expect(after.head).toEqual(before.head)
    expect(await auditDatabase(site.postgres.url)).toEqual([])
  },
)

test(
  'a lock that is held by a server that stands still is taken from it',
  async () => {
    using world = await World.open()
    const { bob } = world
    // Her server learns by a lost race that it is not alone, and locks.
    await add(bob, 0).verdict
    const { verdict } = await world.stopAt('lock-held')
    await addMany(bob)
    const before = await world.stored()
    world.wake()

    expect((await verdict).kind).toBe('applied')
    expect(await world.agreed()).toEqual([0, 0, ...range(2, EDITS), 1])
    const after = await world.stored()
    expect(after.head.commandCount).toBe(before.head.commandCount + 1)
    expect(await auditDatabase(site.postgres.url)).toEqual([])
  },
  TIMEOUT_MS,
)
