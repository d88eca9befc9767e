// A database that is put back to a backup has forgotten what clients know.
import { createClient, directTransport, type Backend } from '@flushout/client'
import { allowAnyone, createService, postgresStore, type FlushoutService } from '@flushout/server'
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

async function copyTables(from: string, to: string): Promise<void> {
  const [source, target] = [from, to].map((connectionString) => new pg.Client({ connectionString }))
  await Promise.all([source!.connect(), target!.connect()])
  for (const table of ['model', 'flush', 'client']) {
    const { rows } = await source!.query(
      `select row_to_json(t)::text as row from flushout.${table} t`,
    )
    await target!.query(`truncate flushout.${table}`)
    for (const { row } of rows as { row: string }[]) {
      const insert = `insert into flushout.${table} select * from json_populate_record(null::flushout.${table}, $1)`
      await target!.query(insert, [row])
    }
  }
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
    expect(model.status).toMatchObject({ state: 'online', confirmed: 4 })
    expect(await service.snapshot(KEY)).toMatchObject({ commandCount: 4, document: model.read() })
    stop()
  } finally {
    client.close()
    await Promise.all([service.close(), restored.close()])
    await Promise.all([database!.drop(), backup!.drop()])
  }
})
