// A server that stands still in the midst of a write, as one does that is cut
// off or out of memory, and comes back when the world has gone on.
import { createClient, httpTransport, type Client, type Model } from '@flushout/client'
import { expect, test as base } from 'vitest'
import { auditDatabase } from '../support/audit.ts'
import type { Failpoint } from '../support/failpoints.ts'
import { readModels } from '../support/stored-model.ts'
import { until } from '../support/until.ts'
import { Site } from './site.ts'
import type { TodoList } from './writer.ts'

const KEY = 'todos:shared'
const EDITS = 30

/** Ada on a server that will stand still, Bob on another one. */
interface World {
  readonly site: Site
  readonly ada: Model<TodoList>
  readonly bob: Model<TodoList>
  /** Let Ada's server stand still at this point of her next edit, and give that. */
  stopAt(at: Failpoint): Promise<{ readonly verdict: Promise<{ kind: string }> }>
  /** Let it run again. */
  wake(): void
  /** The n of each todo in the order of the document; the same for all, or it throws. */
  agreed(): Promise<number[]>
}

const test = base.extend<{ world: World }>({
  world: async ({ task: _ }, use) => {
    const site = await Site.start(2, { lockTimeoutMs: 500 })
    const clients: Client[] = site.servers.map(({ address }) =>
      createClient({
        transport: httpTransport({ url: `${address}/flushout` }),
        flush: { quietMs: 0, maxDelayMs: 2, pollMs: 50, retryBaseMs: 10, retryMaxMs: 50 },
      }),
    )
    try {
      const [ada, bob] = clients.map((client) => client.model<TodoList>(KEY)) as [
        Model<TodoList>,
        Model<TodoList>,
      ]
      await Promise.all([ada.ready, bob.ready])
      await add(ada, 0).verdict
      await use(makeWorld(site, ada, bob))
    } finally {
      for (const client of clients) client.close()
      await site.stop()
    }
  },
})

function makeWorld(site: Site, ada: Model<TodoList>, bob: Model<TodoList>): World {
  const server = site.servers[0]!
  return {
    site,
    ada,
    bob,
    async stopAt(at) {
      server.tell({ trap: { at, pass: 1, signal: 'SIGSTOP' } })
      // Answered in order: once this is, the trap is set.
      await server.countConflicts()
      const { verdict } = add(ada, 1)
      await until(`the server stands still at ${at}`, () => server.hasReached(at))
      return { verdict }
    },
    wake: () => server.signal('SIGCONT'),
    async agreed() {
      const stop = [ada.watch(), bob.watch()]
      await until(
        'both show the same',
        () => JSON.stringify(ada.read()) === JSON.stringify(bob.read()),
      )
      for (const end of stop) end()
      return Object.values(ada.read()!.todos).map(({ n }) => n)
    },
  }
}

function add(model: Model<TodoList>, n: number) {
  return model.create(['todos'], { by: model.key, n })
}

async function addMany(model: Model<TodoList>): Promise<void> {
  for (let n = 2; n < EDITS; n += 1) expect((await add(model, n).verdict).kind).toBe('applied')
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)

test('a write that comes after others have written is refused, and done again on theirs', async ({
  world,
}) => {
  const { site, bob } = world
  const { verdict } = await world.stopAt('before-commit')
  await addMany(bob)
  world.wake()

  expect((await verdict).kind).toBe('applied')
  expect(await site.servers[0]!.countConflicts()).toBe(1)
  expect(await world.agreed()).toEqual([0, ...range(2, EDITS), 1])
  expect(await auditDatabase(site.postgres.url)).toEqual([])
})

test('a write that Postgres has already is not done again', async ({ world }) => {
  const { site, bob } = world
  const { verdict } = await world.stopAt('commit-sent')
  await addMany(bob)
  world.wake()

  expect((await verdict).kind).toBe('applied')
  expect(await site.servers[0]!.countConflicts()).toBe(0)
  expect(await world.agreed()).toEqual([0, 1, ...range(2, EDITS)])
  expect(await auditDatabase(site.postgres.url)).toEqual([])
})

test('a lock that is held by a server that stands still is taken from it', async ({ world }) => {
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
