// A database that is put back to a backup has forgotten what clients know.
import { createClient, directTransport, type Backend, type Model } from '@flushout/client'
import { allowAnyone, createService, postgresStore, type FlushoutService } from '@flushout/server'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { expect, inject, test, vi } from 'vitest'
import { createDatabase } from '../support/postgres.ts'

const KEY = 'todos:shared'

interface TodoList {
  readonly todos: { readonly [id: string]: { readonly text?: string } }
}

async function startService(url: string): Promise<FlushoutService> {
  const store = postgresStore({ connectionString: url })
  await store.migrate()
  const models = [{ pattern: 'todos:*', initial: { todos: {} } }]
  return createService({ store, authorize: allowAnyone, models })
}

const TABLES = ['model', 'flush', 'client']

/** Put what `to` holds, of one model or of all, back to what `from` holds. */
async function copyTables(
  from: string,
  to: string,
  { tables = TABLES, key = '%' }: { tables?: string[]; key?: string } = {},
): Promise<void> {
  const [source, target] = [from, to].map((connectionString) => new pg.Client({ connectionString }))
  await Promise.all([source!.connect(), target!.connect()])
  await target!.query('begin')
  for (const table of tables) {
    const { rows } = await source!.query(
      `select row_to_json(t)::text as row from flushout.${table} t where key like $1`,
      [key],
    )
    await target!.query(`delete from flushout.${table} where key like $1`, [key])
    for (const { row } of rows as { row: string }[]) {
      const insert = `insert into flushout.${table} select * from json_populate_record(null::flushout.${table}, $1)`
      await target!.query(insert, [row])
    }
  }
  await target!.query('commit')
  await Promise.all([source!.end(), target!.end()])
}

test('clients notice that the database was put back, keep what is queued, and say what is lost', async () => {
  const [database, backup] = await Promise.all(
    [1, 2].map(() => createDatabase(inject('postgresUrl'))),
  )
  let service = await startService(database!.url)
  const restored = await startService(backup!.url)
  const backend: Backend = {
    snapshot: (key) => service.snapshot(key),
    flush: (key, flush) => service.flush(key, flush),
  }
  const timing = { quietMs: 0, maxDelayMs: 2, pollMs: 10, retryBaseMs: 2, retryMaxMs: 20 }
  const client = createClient({ transport: directTransport(backend), flush: timing })
  try {
    const model = client.model<TodoList>(KEY)
    await model.ready
    const stop = model.watch()
    const create = (id: string) => model.create(['todos'], { text: id }, { id })
    await create('a').verdict
    await create('b').verdict
    await copyTables(database!.url, backup!.url)
    await create('after-the-backup').verdict
    expect(model.status.confirmed).toBe(3)

    client.pause()
    create('queued')
    model.update(['todos', 'a'], { text: 'A' })
    const orphan = model.update(['todos', 'after-the-backup'], { text: 'gone' })
    await service.close()
    service = restored
    client.resume()

    expect(await orphan.verdict).toMatchObject({
      kind: 'dropped',
      rejection: { code: 'PATH_NOT_FOUND' },
    })
    await vi.waitFor(() => expect(model.status).toMatchObject({ queued: 0, inFlight: 0 }))
    expect(model.read()).toEqual({
      todos: { a: { text: 'A' }, b: { text: 'b' }, queued: { text: 'queued' } },
    })
    expect(model.rejections).toHaveLength(1)
    expect(model.status).toMatchObject({ state: 'polling', confirmed: 4 })
    expect(await service.snapshot(KEY)).toMatchObject({ commandCount: 4, document: model.read() })
    stop()
  } finally {
    client.close()
    await Promise.all([service.close(), restored.close()])
    await Promise.all([database!.drop(), backup!.drop()])
  }
})

test('one model is put back while its server runs, and the runbook finds what does not fit', async () => {
  const [database, backup] = await Promise.all(
    [1, 2].map(() => createDatabase(inject('postgresUrl'))),
  )
  const [service, spare] = [await startService(database!.url), await startService(backup!.url)]
  const client = createClient({ transport: directTransport(service), flush: { quietMs: 0 } })
  const admin = new pg.Client({ connectionString: database!.url })
  await admin.connect()
  const page = await readFile(new URL('../../docs/reliability.md', import.meta.url), 'utf8')
  const check = /```sql\n([^`]+)```/.exec(page)![1]!
  const misfits = async () => (await admin.query(check)).rows.map(({ key }) => key as string)
  try {
    const [model, other] = [KEY, 'todos:other'].map((key) => client.model<TodoList>(key)) as [
      Model<TodoList>,
      Model<TodoList>,
    ]
    for (const { ready } of [model, other]) await ready
    const create = (id: string) => model.create(['todos'], { text: id }, { id })
    await create('a').verdict
    await copyTables(database!.url, backup!.url)
    await create('tail').verdict
    await other.create(['todos'], {}, { id: 'x' }).verdict
    expect(await misfits()).toEqual([])

    // Only its head, as if somebody had forgotten the other tables.
    await copyTables(backup!.url, database!.url, { tables: ['model'], key: KEY })
    expect(await misfits()).toEqual([KEY])
    await copyTables(backup!.url, database!.url, { key: KEY })
    expect(await misfits()).toEqual([])

    const { verdict } = create('b')
    expect(await verdict).toEqual({ kind: 'applied' })
    expect(Object.keys(model.read()!.todos)).toEqual(['a', 'b'])
    await other.create(['todos'], {}, { id: 'y' }).verdict
    expect(Object.keys(other.read()!.todos)).toEqual(['x', 'y'])
    expect(model.rejections).toEqual([])
  } finally {
    client.close()
    await admin.end()
    await Promise.all([service.close(), spare.close()])
    await Promise.all([database!.drop(), backup!.drop()])
  }
})
