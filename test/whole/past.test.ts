// What a page reads of the past, through the real plugin and Postgres.
import { createClient, httpTransport, type Model } from '@flushout/client'
import { allowAnyone, fastifyOptions, flushout, postgresStore } from '@flushout/server'
import Fastify from 'fastify'
import { expect, inject, onTestFinished, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'

interface TodoList {
  title: string
  todos: { [id: string]: { text: string; done?: boolean } }
}

const KEY = 'todos:groceries'

async function start() {
  const database = await createDatabase(inject('postgresUrl'))
  const app = Fastify({ ...fastifyOptions, forceCloseConnections: true })
  await app.register(flushout, {
    store: postgresStore({ connectionString: database.url }),
    authorize: allowAnyone,
    user: ({ headers }) => ({ id: String(headers['x-user']) }),
    models: [{ pattern: 'todos:*', initial: { title: 'Groceries', todos: {} } }],
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const stops: (() => void)[] = []
  onTestFinished(async () => {
    for (const stop of stops) stop()
    await app.close()
    await database.drop()
  })
  return async (name: string): Promise<Model<TodoList>> => {
    const transport = httpTransport({
      url: `${url}/flushout`,
      headers: () => ({ 'x-user': name }),
      user: { id: name },
    })
    const client = createClient({ transport, user: { id: name }, flush: { mode: 'manual' } })
    stops.push(() => client.close())
    const model = client.model<TodoList>(KEY)
    await model.ready
    return model
  }
}

test('who did what, who wrote which field, and a version put back by a new command', async () => {
  const join = await start()
  const ada = await join('ada')
  const bob = await join('bob')
  ada.create(['todos'], { text: 'milk', done: false }, { id: 'a' })
  ada.create(['todos'], { text: 'bread' }, { id: 'b' })
  await ada.flush()
  await bob.flush()
  bob.update(['todos', 'a'], { done: true })
  await bob.flush()
  bob.delete(['todos', 'b'])
  bob.update([], { title: 'Shopping' })
  await bob.flush()
  await ada.flush()

  const { entries, before } = await ada.history({ limit: 2 })
  expect(entries).toMatchObject([
    { from: 3, to: 5, userId: 'bob', commands: [{ action: 'delete' }, { action: 'update' }] },
    { from: 2, to: 3, userId: 'bob' },
  ])
  expect((await ada.history({ before })).entries).toMatchObject([{ from: 0, userId: 'ada' }])
  const ofBread = await ada.history({ path: ['todos', 'b'] })
  expect(ofBread.entries.map(({ to, commands }) => [to, commands.length])).toEqual([
    [5, 1],
    [2, 1],
  ])

  const { fields, isComplete } = await ada.blame(['todos', 'a'])
  expect(isComplete).toBe(true)
  expect(fields).toMatchObject({ text: { userId: 'ada', to: 2 }, done: { userId: 'bob', to: 3 } })

  const then = await ada.snapshotAt(2)
  expect(then.document).toEqual({
    title: 'Groceries',
    todos: { a: { text: 'milk', done: false }, b: { text: 'bread' } },
  })
  await expect(ada.snapshotAt(99)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })

  const receipts = await ada.restore(2)
  expect(receipts.map(({ ok }) => ok)).toEqual([true, true, true])
  await ada.flush()
  await bob.flush()
  expect(bob.read()).toEqual(then.document)
  expect((await bob.history({ limit: 1 })).entries).toMatchObject([
    { from: 5, to: 8, userId: 'ada' },
  ])
  expect((await bob.snapshotAt(5)).document).toEqual({
    title: 'Shopping',
    todos: { a: { text: 'milk', done: true } },
  })
})
