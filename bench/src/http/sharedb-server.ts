import type { JsonObject } from '@flushout/core'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import ShareDB from 'sharedb'
import { WebSocketServer, type WebSocket } from 'ws'
import { runOn } from '../../../test/support/postgres.ts'

// They bring no types.
const require = createRequire(import.meta.url)
const PostgresDb = require('sharedb-postgres') as new (options: object) => ShareDB.DB
const JsonStream = require('@teamwork/websocket-json-stream') as new (socket: WebSocket) => Duplex

/** ShareDB on Postgres, with one document, for who comes over a WebSocket. */
export async function createShareDbServer(url: string, document: JsonObject): Promise<Server> {
  const tables = require.resolve('sharedb-postgres/structure.sql')
  await runOn(url, readFileSync(tables, 'utf8'))
  const backend = new ShareDB({ db: new PostgresDb({ connectionString: url, max: 10 }) })
  const doc = backend.connect().get('bench', '0')
  await promisify((done: (error?: unknown) => void) => doc.create(document, done))()
  const server = createServer()
  new WebSocketServer({ server }).on('connection', (socket) => {
    backend.listen(new JsonStream(socket))
  })
  return server
}
