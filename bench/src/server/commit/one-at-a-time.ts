import type { JsonObject } from '@flushout/core'
import { hash } from 'node:crypto'
import { createPool } from './pool.ts'
import { createLogTables, prepareAppend } from './log-tables.ts'
import { change, COMMANDS, inProcess, type Scheme, type Todos } from './scheme.ts'
import { MODELS } from './spread.ts'

/**
 * The documents in memory, a queue for each, and one statement for each flush: as good as it
 * gets without joining flushes.
 */
export async function createOneAtATime(url: string, document: JsonObject): Promise<Scheme> {
  const pool = createPool(url)
  await pool.query(createLogTables('queued'))
  const append = prepareAppend('queued')
  const models = Array.from({ length: MODELS }, () => ({
    document: structuredClone(document),
    commandCount: 0,
    last: Promise.resolve(),
  }))
  let sequence = 0

  async function store(model: number, writer: number): Promise<void> {
    const state = models[model]!
    const { todos } = state.document as unknown as Todos
    change({ todos }, writer)
    const commands = JSON.stringify([
      { action: 'update', path: ['todos', 't0'], props: { text: todos.t0.text } },
      { action: 'update', path: ['todos', 't1'], props: { done: todos.t1.done } },
    ])
    const head = hash('sha256', commands, 'base64url').slice(0, 22)
    sequence += 1
    const values = { key: model, count: state.commandCount, hash: head, client: 'writer' }
    const { rowCount } = await pool.query(append({ ...values, sequence, commands }))
    if (rowCount !== 1) throw new Error('somebody else wrote')
    state.commandCount += COMMANDS
  }

  return inProcess('one at a time', {
    flush(model, writer) {
      const state = models[model]!
      state.last = state.last.then(() => store(model, writer))
      return state.last
    },
    async countCommands() {
      const sql = 'select sum(command_count)::float8 as count from queued_model'
      return ((await pool.query(sql)).rows[0] as { count: number }).count
    },
    read: async (model) => models[model]!.document,
    close: () => pool.end(),
  })
}
