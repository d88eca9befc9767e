import type { PostgresPool } from '@flushout/server'
import { execFile } from 'node:child_process'
import { appendFile, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { runOn } from './postgres.ts'
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../examples/todo/src/server/embedded-postgres.ts'

/** The files of a Postgres, and the Postgres itself while it runs. `remove` leaves nothing behind. */
export class Cluster {
  readonly #folder: string
  #running: EmbeddedPostgres | undefined
  #url = ''

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** A new and empty one, which runs. */
  static async create(): Promise<Cluster> {
    const cluster = await Cluster.#claim()
    await cluster.start().catch(async (error: unknown) => {
      await cluster.remove()
      throw error
    })
    return cluster
  }

  static async #claim(): Promise<Cluster> {
    return new Cluster(await mkdtemp(join(tmpdir(), 'flushout-cluster-')))
  }

  /** Where it runs, or last ran. */
  get url(): string {
    return this.#url
  }

  async start(): Promise<void> {
    this.#running = await startEmbeddedPostgres(this.#folder)
    this.#url = this.#running.connectionString
  }

  async stop(): Promise<void> {
    await this.#running?.stop()
    this.#running = undefined
  }

  /** End it as a power cut would. */
  async kill(): Promise<void> {
    const lines = await readFile(join(this.#folder, 'postgres', 'postmaster.pid'), 'utf8')
    this.#running = undefined
    process.kill(Number(lines.split('\n')[0]), 'SIGKILL')
  }

  /** A copy of its files. Only while it does not run. */
  async copy(): Promise<Cluster> {
    const copy = await Cluster.#claim()
    await promisify(execFile)('cp', ['-a', `${this.#folder}/.`, copy.#folder])
    return copy
  }

  /** Make a stopped copy follow `primary` as soon as it starts. */
  async follow(primary: Cluster): Promise<void> {
    const data = join(this.#folder, 'postgres')
    const { hostname, port, username, password } = new URL(primary.url)
    const address = `host=${hostname} port=${port} user=${username} password=${password}`
    await appendFile(join(data, 'postgresql.auto.conf'), `primary_conninfo = '${address}'\n`)
    const signal = join(data, 'standby.signal')
    await writeFile(signal, '')
    const { uid, gid } = await stat(data)
    await chown(signal, uid, gid)
  }

  query(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return runOn(this.url, text, values)
  }

  async remove(): Promise<void> {
    await this.stop().catch(() => {})
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 })
  }
}

/** The address under which servers reach Postgres; it can be moved, as with a proxy in front. */
export class MovablePool implements PostgresPool {
  // The last one leads to where Postgres is now.
  readonly #pools: pg.Pool[] = []

  connect(): Promise<pg.PoolClient> {
    return this.#pools.at(-1)!.connect()
  }

  move({ url }: Cluster): void {
    const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 5000 })
    pool.on('error', () => {})
    this.#pools.push(pool)
  }

  async end(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.end()))
  }
}
