import type { Command, Flush, FlushAnswer, JsonObject } from '@flushout/core'
import { fastifyOptions } from '@flushout/server'
import Fastify, { type FastifyInstance } from 'fastify'
import pg from 'pg'
import { answerTo, NOWHERE } from './answer-to.ts'

type Update = Command & { readonly action: 'update' }
type Node = { [key: string]: Node }

/** The server that everybody writes first: read, apply, compare and swap, else again. */
export async function createPlainServer(
  url: string,
  document: JsonObject,
): Promise<FastifyInstance> {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  await pool.query('create table plain (key text primary key, command_count bigint, document text)')
  const app = Fastify({ ...fastifyOptions })

  app.get<{ Params: { key: string } }>('/flushout/models/:key', async ({ params: { key } }) => {
    const values = [key, JSON.stringify(document)]
    await pool.query('insert into plain values ($1, 0, $2) on conflict do nothing', values)
    const { rows } = await pool.query('select command_count from plain where key = $1', [key])
    return { ...NOWHERE, commandCount: Number(rows[0].command_count) }
  })

  app.post<{ Params: { key: string }; Body: Flush }>(
    '/flushout/models/:key/flush',
    async ({ params, body }) => flush(params.key, body),
  )
  return app

  async function flush(key: string, sent: Flush): Promise<FlushAnswer> {
    for (;;) {
      const read = { name: 'read', text: READ, values: [key] }
      const row = (await pool.query(read)).rows[0] as { command_count: string; document: string }
      const next = JSON.parse(row.document) as Node
      for (const command of sent.commands) update(next, command as Update)
      const values = [key, row.command_count, JSON.stringify(next), sent.commands.length]
      const { rowCount } = await pool.query({ name: 'swap', text: SWAP, values })
      if (rowCount === 1) return answerTo({ ...sent, from: Number(row.command_count) })
    }
  }
}

const READ = 'select command_count, document from plain where key = $1'
const SWAP = `update plain set command_count = command_count + $4, document = $3
  where key = $1 and command_count = $2`

function update(document: Node, { path = [], props }: Update): void {
  Object.assign(
    path.reduce((node, key) => node[key]!, document),
    props,
  )
}
