import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../examples/todo/src/server/embedded-postgres.ts'

/** A running Postgres; `stop` ends it and leaves nothing behind. */
export interface RunningPostgres {
  readonly url: string
  stop(): Promise<void>
}

/** A database of one's own; `drop` ends whoever is still connected. */
export interface Database {
  readonly url: string
  drop(): Promise<void>
}

/**
 * Start a real Postgres on an empty temporary folder. Without `fsync` tests are
 * faster and figures worthless.
 */
export async function startPostgres({ fsync = true } = {}): Promise<RunningPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'flushout-postgres-'))
  const settings = { max_connections: 200, fsync: fsync ? 'on' : 'off' }
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  try {
    const postgres = await startEmbeddedPostgres(folder, settings)
    return {
      url: postgres.connectionString,
      stop: () => postgres.stop().finally(removeFolder),
    }
  } catch (error) {
    await removeFolder()
    throw error
  }
}

/** Make an empty database on the server of `url`. Its tables take 20 ms more, so there is no template. */
export async function createDatabase(url: string): Promise<Database> {
  const name = `flushout_${randomBytes(6).toString('hex')}`
  await runOn(url, `create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return {
    url: own.href,
    drop: async () => void (await runOn(url, `drop database if exists ${name} with (force)`)),
  }
}

/** Run one statement on the database of `url`. */
export async function runOn(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql, values)).rows
  } finally {
    await client.end()
  }
}

/** A port on which nobody listens now. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
