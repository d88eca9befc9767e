import type { JsonObject } from '@flushout/core'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import ShareDB from 'sharedb'
import { runOn } from '../../../../test/support/postgres.ts'
import { inProcess, type Scheme, type Todos } from './scheme.ts'

// It brings no types.
const require = createRequire(import.meta.url)
const PostgresDb = require('sharedb-postgres') as new (options: object) => ShareDB.DB

/**
 * ShareDB on Postgres, which is the nearest server of this kind. Each writer has a connection
 * within the process, and is told what others did by the answers to its own operations.
 */
export async function createShareDb(url: string, document: JsonObject): Promise<Scheme> {
  const tables = require.resolve('sharedb-postgres/structure.sql')
  await runOn(url, readFileSync(tables, 'utf8'))
  const backend = new ShareDB({ db: new PostgresDb({ connectionString: url, max: 10 }) })
  let retries = 0
  backend.on('timing', (name) => {
    if (name === 'submit.retry') retries += 1
  })
  const open = () => backend.connect().get('models', 'hot')
  const first = open()
  await called((done) => first.create(document, done))
  const docs: ShareDB.Doc[] = []

  async function fetchLatest(): Promise<ShareDB.Doc> {
    const doc = open()
    await called((done) => doc.fetch(done))
    return doc
  }

  return inProcess('ShareDB on Postgres', {
    async flush(_, writer) {
      const doc = (docs[writer] ??= await fetchLatest())
      const { t0, t1 } = (doc.data as Todos).todos
      const op = [
        { p: ['todos', 't0', 'text'], od: t0.text, oi: `by ${writer}` },
        { p: ['todos', 't1', 'done'], od: t1.done, oi: !t1.done },
      ]
      await called((done) => doc.submitOp(op, {}, done))
    },
    retries: () => retries,
    // One for the creation.
    countCommands: async () => 2 * ((await fetchLatest()).version! - 1),
    read: async () => (await fetchLatest()).data as JsonObject,
    close: () => called((done) => backend.close(done)),
  })
}

type Done = (error?: ShareDB.Error | Error | null) => void

/** Wait for what calls back. */
function called(run: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => (error ? reject(error) : resolve()))
  })
}
