// Followers as processes that are killed, and the table of the example.
import type { Command, Flush, JsonObject } from '@flushout/core'
import {
  allowAnyone,
  createService,
  followModels,
  memoryStore,
  postgresStore,
  type FlushoutService,
} from '@flushout/server'
import fc from 'fast-check'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { TABLE, viewChange } from '../readme/key-value-view.ts'
import { readView } from '../support/node-view.ts'
import { createDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

async function openDatabase() {
  const database = await createDatabase(inject('postgresUrl'))
  const pool = new pg.Pool({ connectionString: database.url, max: 4 })
  pool.on('error', () => {})
  onTestFinished(async () => {
    await pool.end()
    await database.drop()
  })
  return { url: database.url, pool }
}

/** One client that writes to many models. */
class Author {
  readonly #service: FlushoutService
  readonly #flushes = new Map<string, Flush>()

  constructor(service: FlushoutService) {
    this.#service = service
  }

  async write(key: string, commands: readonly Command[]): Promise<void> {
    const { from, hash } = this.#flushes.get(key) ?? { from: 0, hash: '' }
    const sequence = (this.#flushes.get(key)?.sequence ?? 0) + 1
    const flush: Flush = { protocol: 1, clientId: 'ada', sequence, from, hash, commands }
    const answer = await this.#service.flush(key, flush)
    this.#flushes.set(key, { ...flush, from: answer.commandCount, hash: answer.hash })
  }
}

const models = [{ pattern: 'todos:*', initial: { todos: {} } }]

test('a follower that is killed again and again is told everything, in order', async () => {
  const { url, pool } = await openDatabase()
  const store = postgresStore({ connectionString: url })
  await store.migrate()
  const service = createService({ store, authorize: allowAnyone, models })
  const keys = ['todos:a', 'todos:b', 'todos:c', 'todos:d', 'todos:e']
  const author = new Author(service)
  for (let kills = 0; kills < 8; kills += 1) {
    const follower = startFollower(url)
    // Somewhere in what it does.
    const killed = once(follower, 'message').then(() => kill(follower))
    for (let turn = kills * 30; turn < kills * 30 + 30; turn += 1) {
      const id = `n${turn % 40}`
      await author.write(keys[turn % keys.length]!, [
        { action: 'create', path: ['todos'], id, props: { turn, deep: { list: [turn] } } },
        { action: 'update', path: ['todos', id], props: { done: true }, unset: ['deep'] },
        { action: 'delete', path: ['todos', `n${(turn + 25) % 40}`] },
      ])
    }
    await killed
  }
  const last = startFollower(url)
  onTestFinished(() => kill(last))
  const cursors = store.cursors('node-view')
  await until('it is where the models end', async () => {
    const behind = await cursors.behind({ pattern: 'todos:*', after: '', limit: 1 })
    return behind.length === 0
  })
  for (const key of keys) {
    const { document, commandCount } = await service.snapshot(key)
    expect(await readView(pool, key)).toEqual(document)
    await expectTold(pool, key, commandCount)
  }
  const { rows } = await pool.query(`select 1 from node_view where state = 'deleted' limit 1`)
  expect(rows).toHaveLength(1)
  await service.close()
})

test('the example keeps its table, and ends when it is told to', async () => {
  const { url, pool } = await openDatabase()
  const store = postgresStore({ connectionString: url })
  await store.migrate()
  const service = createService({ store, authorize: allowAnyone, models })
  const example = fileURLToPath(new URL('../readme/follower.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@flushout/source', example], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: 'ignore',
  })
  onTestFinished(() => kill(child))
  const author = new Author(service)
  await author.write('todos:a', [{ action: 'create', path: ['todos'], id: 'x', props: { y: 1 } }])
  const document = { todos: { x: { y: 1 } } }
  const isThere = async () => {
    expect(child.exitCode).toBe(null)
    const view = await readView(pool, 'todos:a').catch(() => {})
    return JSON.stringify(view) === JSON.stringify(document)
  }
  await until('the table has it', isThere)
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
  await service.close()
})

test('whatever the commands were, the table of the example is the document', async () => {
  const { pool } = await openDatabase()
  await pool.query(TABLE)
  let runs = 0
  const script = fc.array(fc.array(command, { minLength: 1, maxLength: 5 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(script, fc.nat({ max: 11 }), async (flushes, failAt) => {
      runs += 1
      const key = `todos:${runs}`
      const store = memoryStore()
      const service = createService({ store, authorize: allowAnyone, models })
      const author = new Author(service)
      let told = 0
      const follower = followModels({
        store,
        name: 'view',
        patterns: ['todos:*'],
        onChange: async (change) => {
          await viewChange(pool, change)
          told += 1
          // It has taken effect, and is told again with what came behind it.
          if (told === failAt) throw new Error('nobody hears that it is done')
        },
      })
      for (const commands of flushes) {
        await author.write(key, commands)
        if (runs % 3 === 0) await follower.caughtUp()
      }
      await follower.caughtUp()
      await follower.close()
      if (flushes.length === 0) return
      expect(await readView(pool, key)).toEqual((await service.snapshot(key)).document)
    }),
    { numRuns: 60 },
  )
})

const name = fc.constantFrom('a', 'b', 'todos', '7', 'x.y', '')
const path = fc.array(name, { maxLength: 3 })
const { value } = fc.letrec<{ value: JsonObject[string] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    fc.constantFrom(null, true, 3, 'text \u2028', [], [{ a: 1 }], {}),
    fc.dictionary(name, tie('value'), { maxKeys: 3 }),
  ),
}))
const props = fc.dictionary(name, value, { maxKeys: 3 })
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record(
    { action: fc.constant('create' as const), path, id: name, props, parentDefault: props },
    { requiredKeys: ['action', 'path', 'props'] },
  ),
  fc.record(
    {
      action: fc.constant('update' as const),
      path,
      props,
      unset: fc.array(name, { maxLength: 2 }),
    },
    { requiredKeys: ['action', 'path'] },
  ),
  fc.record({ action: fc.constant('delete' as const), path }),
)

function startFollower(url: string): ChildProcess {
  const main = fileURLToPath(new URL('../support/follower-main.ts', import.meta.url))
  return spawn(process.execPath, ['--conditions=@flushout/source', main, url], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/** Nothing was left out, and nothing came before what it follows on. */
async function expectTold(pool: pg.Pool, key: string, commandCount: number): Promise<void> {
  const { rows } = await pool.query<{ kind: string; from: string; to: string }>(
    `select kind, "from", "to" from told where key = $1 order by number`,
    [key],
  )
  expect(rows[0]).toMatchObject({ kind: 'snapshot', to: '0' })
  let end = 0
  for (const { kind, from, to } of rows.slice(1)) {
    if (kind === 'snapshot') expect([to, end]).toEqual(['0', 0])
    expect(Number(from)).toBeLessThanOrEqual(end)
    expect(Number(to)).toBeGreaterThanOrEqual(end)
    end = Number(to)
  }
  expect(end).toBe(commandCount)
}
