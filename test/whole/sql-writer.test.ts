// docs/protocol.md shows how to write without a server. What it shows runs here,
// letter for letter, on a connection of its own.
import {
  Master,
  PROTOCOL,
  type Flush,
  type JsonObject,
  type LogEntry,
  type Snapshot,
} from '@flushout/core'
import { createService, postgresStore, type FlushoutService } from '@flushout/server'
import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { beforeAll, expect, inject, onTestFinished, test, vi } from 'vitest'
import { auditServed } from '../support/audit.ts'
import { createDatabase, type Database } from '../support/postgres.ts'
import { chainHash, readModels, replay } from '../support/stored-model.ts'

const KEY = 'todos:groceries'
// Long enough for updates to be the shorter way.
const NOTES = 'x'.repeat(1000)
const LOOKED_AT: Snapshot = {
  commandCount: 41,
  hash: 'hash-at-41',
  document: { todos: { milk: { text: 'Milk' }, tea: { text: 'Tea' } }, notes: NOTES },
}
const PATIENCE = { timeout: 10_000, interval: 10 }
const HOUR = 3_600_000

const world: { statement: string } = { statement: '' }

beforeAll(async () => {
  const page = await readFile(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
  const section = page.split('## Writing by SQL\n')[1]!.split('\n## ')[0]!
  world.statement = /```sql\n([^`]+)```/.exec(section)![1]!
})

/** A database with the model that the page speaks of. */
class Site {
  readonly url: string
  readonly writer: pg.Client

  private constructor(database: Database, writer: pg.Client) {
    this.url = database.url
    this.writer = writer
  }

  static async open(): Promise<Site> {
    const database = await createDatabase(inject('postgresUrl'))
    onTestFinished(() => database.drop())
    const store = postgresStore({ connectionString: database.url })
    await store.migrate()
    await store.create(KEY, LOOKED_AT)
    await store.close()
    const writer = new pg.Client({ connectionString: database.url })
    await writer.connect()
    onTestFinished(() => writer.end())
    return new Site(database, writer)
  }

  async openService(): Promise<FlushoutService> {
    const service = createService({
      store: postgresStore({ connectionString: this.url }),
      authorize: () => true,
      models: [{ pattern: 'todos:*' }],
      // Nothing is found by looking again: who hears of it was told.
      live: { pollMs: HOUR, heartbeatMs: HOUR },
    })
    onTestFinished(() => service.close())
    return service
  }

  /** Run the statement of the page, or one in which `values` stand instead of its own. */
  async write(values: Readonly<Record<string, string>> = {}): Promise<JsonObject[]> {
    let sql = world.statement
    for (const [shown, instead] of Object.entries(values)) {
      expect(sql).toContain(shown)
      sql = sql.replace(shown, () => instead)
    }
    return (await this.writer.query(sql)).rows
  }
}

test('servers that have the model in memory go on from what SQL wrote', async () => {
  const site = await Site.open()
  const [one, two] = [await site.openService(), await site.openService()]
  for (const service of [one, two]) expect(await service.snapshot(KEY)).toEqual(LOOKED_AT)
  const [written] = await site.write()
  expect(written).toMatchObject({ command_count: '42' })
  const document = {
    todos: { milk: { text: 'Milk', done: true }, tea: { text: 'Tea' } },
    notes: NOTES,
  }
  for (const service of [one, two]) {
    expect(await service.snapshot(KEY)).toEqual({
      commandCount: 42,
      hash: written!['hash'],
      document,
    })
    const { sync } = await service.pull(KEY, { from: 41, hash: LOOKED_AT.hash })
    expect(sync).toMatchObject({ kind: 'updates', updates: [{ from: 41, sequence: 1 }] })
  }
  // And others write on top of it.
  const { commandCount } = await one.flush(KEY, {
    protocol: PROTOCOL,
    clientId: 'ada',
    sequence: 1,
    from: 41,
    hash: LOOKED_AT.hash,
    commands: [{ action: 'delete', path: ['todos', 'tea'] }],
  })
  expect(commandCount).toBe(43)
  const [model] = await readModels(site.url)
  expect(auditServed(model!, await two.snapshot(KEY))).toEqual([])
})

test('who follows the model hears of it at once', async () => {
  const site = await Site.open()
  const service = await site.openService()
  const heard: unknown[] = []
  const stop = service.follow({ models: KEY, path: ['todos'] }, (event) => void heard.push(event))
  await vi.waitFor(async () => {
    const { rows } = await site.writer.query(
      `select 1 from pg_stat_activity
       where datname = current_database() and query like 'listen %' and state = 'idle'`,
    )
    expect(rows).toHaveLength(1)
    expect(service.usage.channels).toBe(1)
  }, PATIENCE)
  await site.write()
  await vi.waitFor(() => expect(heard).toHaveLength(1), PATIENCE)
  expect(heard).toMatchObject([{ kind: 'edit', id: 'milk', key: KEY, commandCount: 42 }])
  stop()
})

test('its hash is the one that a master gives the same flush', async () => {
  const site = await Site.open()
  const digest = (text: string) => hash('sha256', text, 'base64url').slice(0, 22)
  await site.write({
    // As the master below makes it.
    'gen_random_uuid()::text as salt': `'${digest('salt seed')}' as salt`,
    'null::text': `'O''Neil "\\" ü \u2028 🙂'`,
    '"done":true': '"text":"\\u0000 \\\\ \\" ü/ 🙂","n":[1,-0.5,1e+21,null],"o":{}',
  })
  const [model] = await readModels(site.url)
  const entry = model!.log[0]! as LogEntry
  expect(entry.userId).toBe('O\'Neil "\\" ü \u2028 🙂')
  expect(entry.clientId).toMatch(/^sql-[0-9a-f-]{36}$/)
  expect(Math.abs(Date.now() - entry.at)).toBeLessThan(HOUR)
  expect(entry.hash).toBe(chainHash(LOOKED_AT.hash, entry))

  const master = new Master(LOOKED_AT, {
    createId: () => 'id',
    digest,
  })
  const { clientId, sequence, at, commands, userId } = entry
  const position = { from: 41, hash: LOOKED_AT.hash }
  const flush: Flush = { protocol: PROTOCOL, clientId, sequence, ...position, commands }
  master.apply(flush, { user: { id: userId! }, now: at, seed: 'seed' })
  expect(master.hash).toBe(entry.hash)
  expect(replay(model!)).toEqual(master.snapshot())
})

test('who looked before somebody else wrote writes nothing', async () => {
  const site = await Site.open()
  expect(await site.write()).toHaveLength(1)
  const [before] = await readModels(site.url)
  const texts: unknown[] = []
  site.writer.on('notification', ({ payload }) => void texts.push(payload))
  await site.writer.query('listen flushout_hints')
  expect(await site.write()).toEqual([])
  expect(await readModels(site.url)).toEqual([before])
  expect(texts).toEqual([])
  // Having looked again, they do.
  expect(await site.write({ 'hash-at-41': before!.head.hash })).toHaveLength(1)
})

test('of many writers at once one writes', async () => {
  const site = await Site.open()
  const service = await site.openService()
  const clients = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const client = new pg.Client({ connectionString: site.url })
      await client.connect()
      onTestFinished(() => client.end())
      return client
    }),
  )
  await service.snapshot(KEY)
  const flush = {
    protocol: PROTOCOL,
    clientId: 'ada',
    sequence: 1,
    from: 41,
    hash: LOOKED_AT.hash,
    commands: [{ action: 'update', path: ['todos', 'tea'], props: { done: true } }],
  } as const
  const [answer, ...written] = await Promise.all([
    service.flush(KEY, flush),
    ...clients.map((client) => client.query(world.statement)),
  ])
  const rows = written.reduce((sum, { rows: { length } }) => sum + length, 0)
  // The server tries again where it loses; who writes by SQL sees it.
  expect(rows).toBeLessThanOrEqual(1)
  expect(answer.commandCount).toBe(42 + rows)
  const [model] = await readModels(site.url)
  expect(auditServed(model!, await service.snapshot(KEY))).toEqual([])
  expect(model!.log).toHaveLength(1 + rows)
})
