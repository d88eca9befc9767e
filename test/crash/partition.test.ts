// A server that stands still in the midst of a write, as one does that is cut
// off or out of memory, and comes back when the world has gone on.
import {
  createClient,
  httpTransport,
  type Client,
  type Model,
  type Receipt,
} from '@flushout/client'
import { expect, test } from 'vitest'
import { auditDatabase } from '../support/audit.ts'
import type { Failpoint } from '../support/failpoints.ts'
import { readModels } from '../support/stored-model.ts'
import { until } from '../support/until.ts'
import { Site } from './site.ts'
import type { TodoList } from './writer.ts'

const KEY = 'todos:shared'
const EDITS = 30

/** Ada on a server that will stand still, Bob on another one. */
class World implements AsyncDisposable {
  readonly site: Site
  readonly ada: Model<TodoList>
  readonly bob: Model<TodoList>
  readonly #clients: readonly Client[]

  private constructor(site: Site) {
    this.site = site
    const flush = { quietMs: 0, maxDelayMs: 2, pollMs: 50, retryBaseMs: 10, retryMaxMs: 50 }
    this.#clients = site.servers.map(({ address }) =>
      createClient({ transport: httpTransport({ url: `${address}/flushout` }), flush }),
    )
    const [ada, bob] = this.#clients.map((client) => client.model<TodoList>(KEY))
    this.ada = ada!
    this.bob = bob!
  }

  static async open(): Promise<World> {
    const world = new World(await Site.start(2, { lockTimeoutMs: 500 }))
    try {
      await Promise.all([world.ada.ready, world.bob.ready])
      await add(world.ada, 0).verdict
      return world
    } catch (error) {
      await world[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.site.stop()
  }

  /** Let Ada's server stand still at this point of her next edit, and give that. */
  async stopAt(at: Failpoint): Promise<Receipt> {
    const server = this.site.servers[0]!
    server.tell({ trap: { at, pass: 1, signal: 'SIGSTOP' } })
    // Answered in order: once this is, the trap is set.
    await server.countConflicts()
    const edit = add(this.ada, 1)
    await until(`the server stands still at ${at}`, () => server.hasReached(at))
    return edit
  }

  /** Let it run again. */
  wake(): void {
    this.site.servers[0]!.signal('SIGCONT')
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

test('a write that comes after others have written is refused, and done again on theirs', async () => {
  await using world = await World.open()
  const { site, bob } = world
  const { verdict } = await world.stopAt('before-commit')
  await addMany(bob)
  world.wake()

  expect((await verdict).kind).toBe('applied')
  expect(await site.servers[0]!.countConflicts()).toBe(1)
  expect(await world.agreed()).toEqual([0, ...range(2, EDITS), 1])
  expect(await auditDatabase(site.postgres.url)).toEqual([])
})

test('a write that Postgres has already is not done again', async () => {
  await using world = await World.open()
  const { site, bob } = world
  const { verdict } = await world.stopAt('commit-sent')
  await addMany(bob)
  world.wake()

  expect((await verdict).kind).toBe('applied')
  expect(await site.servers[0]!.countConflicts()).toBe(0)
  expect(await world.agreed()).toEqual([0, 1, ...range(2, EDITS)])
  expect(await auditDatabase(site.postgres.url)).toEqual([])
})

test('a lock that is held by a server that stands still is taken from it', async () => {
  await using world = await World.open()
  const { site, bob } = world
  // Her server learns by a lost race that it is not alone, and locks.
  await add(bob, 0).verdict
  const { verdict } = await world.stopAt('lock-held')
  await addMany(bob)
  const [before] = await readModels(site.postgres.url)
  world.wake()

  expect((await verdict).kind).toBe('applied')
  expect(await world.agreed()).toEqual([0, 0, ...range(2, EDITS), 1])
  const [after] = await readModels(site.postgres.url)
  expect(after!.head.commandCount).toBe(before!.head.commandCount + 1)
  expect(await auditDatabase(site.postgres.url)).toEqual([])
})
